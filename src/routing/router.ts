/**
 * The data plane: stanzas go from inlets to outlets through two tables, and through nothing else.
 *
 * In: the gate, then the local outlet. Out: the stream that serves the pair, or the pair's queue until one does. The
 * control plane fills the tables and is asked for what is missing; it never sees a stanza.
 */
import type { Observable } from 'rxjs';
import type { Clock } from '../ports.ts';
import type { StanzaErrorCondition } from '../protocol/conditions.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { Stanza } from '../protocol/stanza.ts';
import { Attachments } from './attachments.ts';
import { BackPressure } from './back-pressure.ts';
import { Later } from './later.ts';
import { Outgoing } from './outgoing.ts';
import type { QueueBounds } from './pair-queues.ts';
import { Returns, type Counters } from './returns.ts';
import { DomainNumbers } from './tables/domain-numbers.ts';
import { FactTable } from './tables/fact-table.ts';
import type { Numbers } from './tables/pair-set.ts';
import type { Served } from './tables/route-table.ts';
import type {
  Delivery,
  Inlet,
  Outlet,
  Returned,
  RouterCounters,
  RouterEvents,
  RouterSnapshot,
  RouterTotals,
  Settle,
  StreamId,
  StreamOutlet,
} from './types.ts';
import { Writer } from './writer.ts';

export interface RouterOptions extends QueueBounds {
  /** How long a stanza waits for a stream, in milliseconds; then it is returned with remote-server-timeout. */
  readonly queueAgeMs: number;
  readonly clock: Clock;
  /**
   * Whether a canonical domain is served here: hosts, and the domains of components. The answer for a domain must never
   * change, since it is cached.
   */
  readonly isLocal: (domain: string) => boolean;
  readonly events: RouterEvents;
}

const DELIVERED: Delivery = { outcome: 'sent', stream: null };

/**
 * Carries stanzas. Domains passed to it are canonical (src/protocol/names.ts). Calls that name a stream that was never
 * added or has been withdrawn are ignored: facts about it come too late. Stream ids are never reused.
 */
export class Router {
  readonly #options: RouterOptions;
  readonly #numbers: Numbers;
  readonly #facts: FactTable;
  /** Streams that are closed for sending while stanzas under way may still come in, with their inlets. */
  readonly #halfClosed = new Map<StreamId, Inlet>();
  readonly #pressure = new BackPressure();
  readonly #writer = new Writer();
  readonly #later: Later;
  readonly #attachments: Attachments;
  readonly #outgoing: Outgoing;
  readonly #returns: Returns;
  readonly #counters: Counters = {
    admitted: 0,
    refused: 0,
    delivered: 0,
    unattended: 0,
    sent: 0,
    queued: 0,
    returned: 0,
    dropped: 0,
    unknown: 0,
  };

  /** Hot. Stanzas for our domains to which nothing is attached, and the stanza errors returned to such domains. */
  readonly unattended$: Observable<Stanza>;
  /** Hot. Every stanza that was not sent, and why. */
  readonly returned$: Observable<Returned>;
  readonly counters: RouterCounters = this.#counters;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#later = new Later(options.clock, (run) => this.#writer.batch(run));
    this.#returns = new Returns(this.#later, this.#counters);
    const parts = {
      writer: this.#writer,
      pressure: this.#pressure,
      later: this.#later,
      returns: this.#returns,
      counters: this.#counters,
    };
    const numbers = { locals: new DomainNumbers(), remotes: new DomainNumbers() };
    this.#numbers = numbers;
    this.#attachments = new Attachments({ ...parts, isLocal: options.isLocal, numbers: numbers.locals });
    this.#facts = new FactTable(numbers);
    this.#outgoing = new Outgoing({ ...options, ...parts, numbers, answer: this.#attachments.deliverReply });
    this.unattended$ = this.#attachments.unattended$;
    this.returned$ = this.#returns.returned$;
  }

  // ——— control plane → tables

  addStream(stream: StreamId, outlet: StreamOutlet, inlet: Inlet): void {
    this.#outgoing.addStream(stream, outlet, inlet);
  }

  /** From now on stanzas from the remote domain `from` to the local domain `to` may come in on this stream (S1, S3). */
  admit(stream: StreamId, from: string, to: string): void {
    if (this.#outgoing.hasStream(stream) || this.#halfClosed.has(stream)) this.#facts.admit(stream, from, to);
  }

  revoke(stream: StreamId, from: string, to: string): void {
    this.#facts.revoke(stream, from, to);
  }

  /**
   * From now on this stream serves the pair (S2). Waiting stanzas go first, in order, as far as the stream's buffer
   * takes them (S7). Moving a pair away from a stream that is still flushing gives up the order of the stanzas under
   * way.
   */
  setRoute(local: string, remote: string, stream: StreamId): void {
    this.#outgoing.setRoute(local, remote, stream);
  }

  routeOf(local: string, remote: string): StreamId | null {
    return this.#outgoing.routeOf(local, remote);
  }

  /**
   * A remote domain no longer belongs to the far end of this stream, though others do (ProtoXEP DNA §6.8): none of its
   * stanzas comes in (S1), and none goes to it on this stream (S2). Stanzas that it sent before it learned of that are
   * dropped; they do not close the stream (L5).
   */
  withdrawRemote(stream: StreamId, remote: string): void {
    this.#facts.withdraw(stream, remote);
    this.#outgoing.withdrawDomain(stream, 'remote', remote);
  }

  /** The far end of this stream no longer accepts stanzas from one of our domains. */
  withdrawLocal(stream: StreamId, local: string): void {
    this.#outgoing.withdrawDomain(stream, 'local', local);
  }

  /**
   * The stream is closing or gone: drops its facts and routes, and returns the pairs that it served, which are kept
   * until {@link endStream}. Their queues stay; those that hold stanzas ask for a route again, in a fresh task.
   */
  withdrawStream(stream: StreamId): Served {
    this.#facts.forget(stream);
    const inlet = this.#inletOf(stream);
    this.#halfClosed.delete(stream);
    const pairs = this.#outgoing.withdrawStream(stream);
    if (inlet !== null) this.#pressure.forget(inlet);
    return pairs;
  }

  /**
   * Our half of the stream is closed: nothing more goes out on it, but stanzas that the peer sent before it learned of
   * that may still come in (RFC 6120 §4.4), under back-pressure. Otherwise like {@link withdrawStream}.
   */
  closeOutgoing(stream: StreamId): Served {
    const inlet = this.#outgoing.inletOf(stream);
    if (inlet !== null) this.#halfClosed.set(stream, inlet);
    return this.#outgoing.withdrawStream(stream);
  }

  /** The far end has read everything that was written to the stream. */
  streamFinished(stream: StreamId): void {
    this.#outgoing.finished(stream);
  }

  /**
   * The connection of the stream is gone: forgets the stream. Returns how many stanzas that were written to it may not
   * have arrived (L1): none if it was finished, else those of the last half minute before it was withdrawn, or more if
   * it had been stuck for longer.
   */
  endStream(stream: StreamId): number {
    this.withdrawStream(stream);
    return this.#outgoing.end(stream);
  }

  /** The pair has no stream any more; if stanzas wait, a route is asked for again, in a fresh task. */
  withdrawRoute(local: string, remote: string): void {
    this.#outgoing.withdrawRoute(local, remote);
  }

  /**
   * Returns all stanzas that wait for the pair with this stanza error, and their number. The next stanza asks for a
   * route again.
   */
  returnQueue(local: string, remote: string, why: Fault, condition: StanzaErrorCondition): number {
    return this.#outgoing.returnQueue(local, remote, why, condition);
  }

  /** The stream's buffer has room again: sends the stanzas that wait for it, and resumes the inlets that it held. */
  streamDrained(stream: StreamId): void {
    this.#outgoing.drained(stream);
  }

  /** The buffer of an attached outlet has room again: resumes the inlets that it held. */
  outletDrained(outlet: Outlet): void {
    if (outlet.writable) this.#pressure.release(outlet);
  }

  /**
   * This inlet is no longer in use: nothing holds it any more. The inlets of streams are forgotten with their streams.
   */
  forgetInlet(inlet: Inlet): void {
    this.#pressure.forget(inlet);
  }

  /** Returns all waiting stanzas of every pair; afterwards the router has no timer pending. */
  close(why: Fault, condition: StanzaErrorCondition): void {
    this.#outgoing.close(why, condition);
  }

  // ——— data

  /**
   * A stanza has come in on a stream: passes it through the gate (RFC 6120 §8.1.1.2, §8.1.2.2) to the local outlet,
   * never to another server (RFC 6120 §10.4). Returns false if it was refused; `events.refused` has then been called
   * with the stream error.
   */
  arrived(stream: StreamId, stanza: Stanza): boolean {
    if (stanza.isSpelled) {
      const to = stanza.toNumber(this.#numbers.locals);
      const from = to === undefined ? undefined : stanza.fromNumber(this.#numbers.remotes);
      if (to !== undefined && from !== undefined && this.#facts.holds(stream, from, to)) {
        const { outlet, isOurs } = this.#attachments.placeOf(to);
        if (outlet !== undefined || isOurs) return this.#admit(stream, stanza, outlet);
      }
    }
    return this.#arrivedByName(stream, stanza);
  }

  #admit(stream: StreamId, stanza: Stanza, outlet: StreamOutlet | undefined): true {
    this.#counters.admitted += 1;
    if (outlet !== undefined) this.#attachments.deliver(outlet, stanza, this.#inletOf(stream));
    else this.#attachments.leaveUnattended(stanza, null, (reply) => this.inject(reply, null));
    return true;
  }

  /** The slow path of {@link arrived}, by domain names: it finds the reason for a refusal. */
  #arrivedByName(stream: StreamId, stanza: Stanza): boolean {
    const { fromDomain: from, toDomain: to } = stanza;
    if (from === null || to === null || !this.#holds(stream, from, to)) {
      if (from === null || !this.#facts.wasWithdrawn(stream, from))
        return this.#refuse(stream, this.#gateFault(stream, from, to), from, to);
      this.#counters.refused += 1;
      return true;
    }
    const outlet = this.#attachments.outletOf(to);
    if (outlet === undefined && !this.#options.isLocal(to)) {
      return this.#refuse(stream, fault('stream', 'host-gone', 'peer', `${to} is no longer served here`), from, to);
    }
    return this.#admit(stream, stanza, outlet);
  }

  /**
   * Routes a stanza from a local attachment or the embedding program, to another local domain or to a remote one.
   * `inlet` is paused while the destination cannot keep up; `settle` is called once with the outcome: `sent` when the
   * bytes have been handed to the kernel, `unknown` when the stream breaks before that.
   */
  inject(stanza: Stanza, inlet: Inlet | null, settle: Settle | null = null): void {
    if (stanza.isSpelled && this.#sentByNumbers(stanza, inlet, settle)) return;
    const { fromDomain: from, toDomain: to } = stanza;
    const outlet = to === null ? undefined : this.#attachments.outletOf(to);
    if (from === null || to === null) {
      const [name, jid] = from === null ? ['from', stanza.from] : ['to', stanza.to];
      const condition = jid === undefined ? 'bad-request' : 'jid-malformed'; // RFC 6120 §8.3.3.1, §8.3.3.8
      this.#giveBack(stanza, condition, `a stanza without a valid '${name}'`, settle);
    } else if (outlet === undefined && this.#outgoing.trySend(from, to, stanza, inlet, settle)) {
      return; // a domain that has a route is ours
    } else if (!this.#attachments.isOurs(from)) {
      this.#giveBack(stanza, 'not-allowed', `${from} is not served here`, settle);
    } else if (outlet !== undefined) {
      this.#attachments.deliver(outlet, stanza, inlet);
      if (settle !== null) this.#settleDelivered(settle);
    } else if (this.#options.isLocal(to)) {
      const seen = this.#attachments.leaveUnattended(stanza, settle, this.#attachments.deliverReply);
      if (seen && settle !== null) this.#settleDelivered(settle);
    } else {
      this.#outgoing.enqueue(from, to, stanza, inlet, settle);
    }
  }

  /** A domain that has a route is ours; but a domain that is attached locally takes precedence. */
  #sentByNumbers(stanza: Stanza, inlet: Inlet | null, settle: Settle | null): boolean {
    const { locals, remotes } = this.#numbers;
    const theirs = stanza.toNumber(remotes);
    const ours = theirs === undefined ? undefined : stanza.fromNumber(locals);
    if (theirs === undefined || ours === undefined) return false;
    const here = stanza.toNumber(locals);
    if (here !== undefined && this.#attachments.placeOf(here).outlet !== undefined) return false;
    return this.#outgoing.trySendBetween(ours, theirs, stanza, inlet, settle);
  }

  /**
   * Sends stanzas for these domains to `outlet`, until the returned function is called.
   * @throws FaultError `component`: `conflict` when one of them is attached already (XEP-0114 §3); then none is
   *   attached
   * @throws TypeError when one is not a domain, or is not hosted
   */
  attach(domains: readonly string[], outlet: Outlet): () => void {
    return this.#attachments.attach(domains, outlet);
  }

  attachedTo(domain: string): Outlet | null {
    return this.#attachments.outletOf(domain) ?? null;
  }

  /** Combines all writes within `run` into one write per outlet: call it for each chunk read. Calls nest. */
  batch(run: () => void): void {
    this.#writer.batch(run);
  }

  batchStart(): void {
    this.#writer.start();
  }

  batchEnd(): void {
    this.#writer.end();
  }

  /** The sizes of its tables. */
  totals(): RouterTotals {
    const queues = { pairs: 0, stanzas: 0, bytes: 0 };
    for (const { stanzas, bytes } of this.#outgoing.queueRows()) {
      if (stanzas === 0) continue;
      queues.pairs += 1;
      queues.stanzas += stanzas;
      queues.bytes += bytes;
    }
    return {
      queues,
      routes: this.#outgoing.routes,
      facts: this.#facts.size,
      pausedInlets: this.#pressure.pausedInlets,
    };
  }

  snapshot(): RouterSnapshot {
    return {
      queues: Array.from(this.#outgoing.queueRows(), ({ local, remote, stanzas, bytes, head, routeWanted }) => {
        return { local, remote, stanzas, bytes, oldestMs: head?.sinceMs ?? 0, routeWanted };
      }),
      routes: [...this.#outgoing.routeRows()],
      facts: [...this.#facts.rows()],
      attached: this.#attachments.domains,
      pausedInlets: this.#pressure.pausedInlets,
    };
  }

  /** The remote domains that may send, or might have sent, on each stream: far fewer rows than there are pairs. */
  senders(): Iterable<{ readonly stream: StreamId; readonly from: string }> {
    return this.#facts.senders();
  }

  #inletOf(stream: StreamId): Inlet | null {
    return this.#outgoing.inletOf(stream) ?? this.#halfClosed.get(stream) ?? null;
  }

  /** An existing proof may cover a further pair, which then becomes a fact as well (S1). */
  #holds(stream: StreamId, from: string, to: string): boolean {
    const verdict = this.#facts.verdict(stream, from, to);
    if (verdict !== 'pair-unproved') return verdict === 'held';
    if (this.#options.events.coversPair?.(stream, from, to) !== true) return false;
    this.#facts.admit(stream, from, to);
    return true;
  }

  #refuse(stream: StreamId, why: Fault, from: string | null, to: string | null): false {
    this.#counters.refused += 1;
    this.#options.events.refused(stream, why, from === null || to === null ? null : { from, to });
    return false;
  }

  /** The stream error for a stanza that no fact covers (RFC 6120 §8.1.1.2, §8.1.2.2). */
  #gateFault(stream: StreamId, from: string | null, to: string | null): Fault {
    if (!this.#facts.has(stream)) return fault('stream', 'not-authorized', 'peer', 'nothing is proved on this stream');
    if (from === null || to === null) {
      const which = from === null ? 'from' : 'to';
      return fault('stream', 'improper-addressing', 'peer', `a stanza without a valid '${which}'`);
    }
    if (this.#facts.verdict(stream, from, to) === 'from-unproved') {
      return fault('stream', 'invalid-from', 'peer', `${from} is not proved on this stream`);
    }
    // If the domain is ours, it is not unknown: the proof of `from` towards it is missing.
    return this.#attachments.isOurs(to)
      ? fault('stream', 'invalid-from', 'peer', `${from} is not proved towards ${to} on this stream`)
      : fault('stream', 'host-unknown', 'peer', `${to} is not served here`);
  }

  #giveBack(stanza: Stanza, condition: StanzaErrorCondition, text: string, settle: Settle | null): void {
    const why = fault('policy', condition, 'local', text);
    this.#returns.giveBack(stanza, why, condition, settle, this.#attachments.deliverReply);
  }

  #settleDelivered(settle: Settle): void {
    this.#later.add(() => settle(DELIVERED));
  }
}
