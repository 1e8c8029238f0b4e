/**
 * The data plane (DESIGN §2): stanzas go from inlets to outlets through two tables, and through nothing else.
 *
 * In: gate, then the local outlet. Out: the stream that serves the pair, or the pair's queue until one does. The control
 * plane fills the tables and is asked for what is missing; it never sees a stanza.
 */
import { Subject, type Observable } from 'rxjs';
import type { Clock } from '../ports.ts';
import { fault, FaultError, type Fault } from '../protocol/faults.ts';
import { canonicalDomain, domainOfJid } from '../protocol/names.ts';
import type { Stanza } from '../protocol/stanza.ts';
import { BackPressure } from './back-pressure.ts';
import { FactTable } from './fact-table.ts';
import { FlushLedger } from './flush-ledger.ts';
import { Later } from './later.ts';
import { PairQueues, type PairQueue, type QueueBounds, type WaitingStanza } from './pair-queues.ts';
import { Returns, type Counters } from './returns.ts';
import { RouteTable, type Pair } from './route-table.ts';
import type {
  Delivery,
  Inlet,
  Outlet,
  Returned,
  RouterCounters,
  RouterEvents,
  RouterSnapshot,
  Settle,
  StanzaErrorCondition,
  StreamId,
} from './types.ts';

export interface RouterOptions extends QueueBounds {
  /** How long a stanza waits for a stream, in milliseconds; then it is returned with remote-server-timeout. */
  readonly queueAgeMs: number;
  readonly clock: Clock;
  /** Whether a canonical domain is served here: hosts, and the domains of components. */
  readonly isLocal: (domain: string) => boolean;
  readonly events: RouterEvents;
}

interface StreamRow {
  readonly stream: StreamId;
  readonly outlet: Outlet;
  readonly inlet: Inlet;
  readonly ledger: FlushLedger;
  /** Queues whose route this stream is, and which wait for its buffer. */
  readonly waiting: Set<PairQueue>;
  flushing: boolean;
  /** The one answer for all that was sent on it, so that none is made per stanza. */
  readonly sent: Delivery;
}

/** A sender is held from half a queue on, and let go again below a quarter: room for what is under way, no flutter. */
const HOLD_SHARE = 1 / 2;
const RELEASE_SHARE = 1 / 4;

const DELIVERED: Delivery = { outcome: 'sent', stream: null };

function domainOf(jid: string | undefined): string | null {
  return jid === undefined ? null : domainOfJid(jid);
}

export class Router {
  readonly #options: RouterOptions;
  readonly #facts = new FactTable();
  readonly #routes = new RouteTable();
  readonly #queues: PairQueues;
  readonly #streams = new Map<StreamId, StreamRow>();
  #lastRow: StreamRow | null = null;
  /** Withdrawn streams of which it is not known yet what they flushed; with the timer that ends the wait. */
  readonly #unsettled = new Map<StreamId, { readonly row: StreamRow; readonly timer: unknown }>();
  readonly #attached = new Map<string, Outlet>();
  readonly #pressure = new BackPressure();
  readonly #later: Later;
  readonly #returns: Returns;
  readonly #unattended = new Subject<Stanza>();
  readonly #corked = new Set<Outlet>();
  #batches = 0;
  #ageTimer: unknown = null;
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

  /** Hot. Stanzas for domains of ours to which nothing is attached, error replies to their senders included. */
  readonly unattended$: Observable<Stanza> = this.#unattended.asObservable();
  /** Hot. Every stanza that was not sent, and why. */
  readonly returned$: Observable<Returned>;
  readonly counters: RouterCounters = this.#counters;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#queues = new PairQueues(options);
    this.#later = new Later(options.clock, (run) => this.batch(run));
    this.#returns = new Returns(this.#later, this.#counters);
    this.returned$ = this.#returns.returned$;
  }

  // ——— control plane → tables. All domains are canonical (src/protocol/names.ts). What names an unknown stream is ignored.

  addStream(stream: StreamId, outlet: Outlet, inlet: Inlet): void {
    if (this.#streams.has(stream)) throw new TypeError(`stream ${stream} is in the tables already`);
    this.#streams.set(stream, {
      stream,
      outlet,
      inlet,
      ledger: new FlushLedger(outlet),
      waiting: new Set(),
      flushing: false,
      sent: { outcome: 'sent', stream },
    });
  }

  /** From now on stanzas from the remote domain `from` to the local domain `to` may come in on this stream (S1, S3). */
  admit(stream: StreamId, from: string, to: string): void {
    if (this.#streams.has(stream)) this.#facts.admit(stream, from, to);
  }

  revoke(stream: StreamId, from: string, to: string): void {
    this.#facts.revoke(stream, from, to);
  }

  /** From now on this stream serves the pair. What waits goes first, in order, as far as the stream's buffer takes it (S2, S7). */
  setRoute(local: string, remote: string, stream: StreamId): void {
    const row = this.#rowOf(stream);
    const queue = this.#unroute(local, remote);
    if (row === null) {
      if (queue !== null) this.#wantRouteLater(queue); // the stream ended before the news of it came here
      return;
    }
    this.#routes.set(local, remote, stream);
    if (queue === null) return;
    queue.routeWanted = false;
    row.waiting.add(queue);
    this.#flush(row);
  }

  routeOf(local: string, remote: string): StreamId | null {
    return this.#routes.find(local, remote);
  }

  /**
   * The stream is closing or gone: drops its facts and routes, and answers the pairs that it served. Their queues stay; a
   * route is wanted again, in a fresh task, for those that hold something. Follow with {@link lost} when it has ended.
   */
  withdrawStream(stream: StreamId): Pair[] {
    const row = this.#streams.get(stream);
    if (row === undefined) return [];
    this.#streams.delete(stream);
    this.#lastRow = null;
    this.#facts.forget(stream);
    const pairs = this.#routes.withdraw(stream);
    for (const queue of row.waiting) this.#wantRouteLater(queue);
    row.waiting.clear();
    this.#pressure.release(row.outlet);
    this.#pressure.forget(row.inlet);
    if (!row.ledger.isEmpty) {
      const timer = this.#options.clock.setTimeout(() => this.lost(stream), this.#options.queueAgeMs);
      this.#unsettled.set(stream, { row, timer });
    }
    return pairs;
  }

  /** The stream serves the pair no more; a route is wanted again, in a fresh task, if something waits. */
  withdrawRoute(local: string, remote: string): void {
    const queue = this.#unroute(local, remote);
    if (queue !== null) this.#wantRouteLater(queue);
  }

  /** The stream has ended and flushes nothing more: what it still held is unknown (L1). Implied `queueAgeMs` after its withdrawal. */
  lost(stream: StreamId): void {
    this.withdrawStream(stream);
    const unsettled = this.#unsettled.get(stream);
    if (unsettled === undefined) return;
    this.#unsettled.delete(stream);
    this.#options.clock.clearTimeout(unsettled.timer);
    this.#settleFlushed(unsettled.row);
    for (const settle of unsettled.row.ledger.takeAll()) {
      this.#counters.unknown += 1;
      this.#settle(settle, { outcome: 'unknown', stream });
    }
  }

  /** Returns all that waits for the pair, with this stanza error; answers how many. A later stanza wishes for a route again. */
  returnQueue(local: string, remote: string, why: Fault, condition: StanzaErrorCondition): number {
    const queue = this.#queues.find(local, remote);
    if (queue === null) return 0;
    const count = queue.stanzas;
    // Counted, because what is resumed by this may bring more.
    for (let i = 0; i < count; i += 1) {
      const waiting = this.#take(queue);
      if (waiting !== null) this.#return(waiting.stanza, why, condition, waiting.settle);
    }
    return count;
  }

  /** The stream's buffer has room again, or has been flushed. */
  streamDrained(stream: StreamId): void {
    const row = this.#streams.get(stream) ?? this.#unsettled.get(stream)?.row;
    if (row === undefined) return;
    this.#settleFlushed(row);
    this.#flush(row);
    this.outletDrained(row.outlet);
  }

  /** The outlet's buffer has room again. */
  outletDrained(outlet: Outlet): void {
    if (outlet.writable) this.#pressure.release(outlet);
  }

  /** Returns all that waits, for every pair. */
  close(why: Fault, condition: StanzaErrorCondition): void {
    for (const { local, remote } of [...this.#queues.rows()]) this.returnQueue(local, remote, why, condition);
    for (const stream of [...this.#unsettled.keys()]) this.lost(stream);
  }

  // ——— data

  /**
   * A stanza has come in on a stream: the gate (FACTS §4), then the local outlet; never another server (RFC 6120 §10.4).
   * False if it was refused; `events.refused` has then been called with the stream error.
   */
  arrived(stream: StreamId, stanza: Stanza): boolean {
    const from = domainOf(stanza.from);
    const to = domainOf(stanza.to);
    if (from === null || to === null || this.#facts.verdict(stream, from, to) !== 'held') {
      return this.#refuse(stream, this.#gateFault(stream, from, to));
    }
    const outlet = this.#attached.get(to);
    if (outlet === undefined && !this.#options.isLocal(to)) {
      return this.#refuse(stream, fault('stream', 'host-gone', 'peer', `${to} is no longer served here`));
    }
    this.#counters.admitted += 1;
    if (outlet === undefined) {
      this.#leaveUnattended(stanza, null, (reply) => this.inject(reply, null));
    } else {
      this.#writeTo(outlet, stanza);
      this.#counters.delivered += 1;
      if (!outlet.writable) this.#hold(this.#rowOf(stream)?.inlet ?? null, outlet);
    }
    return true;
  }

  /**
   * A stanza from a local attachment or the embedding program, to another local domain or out to the world. `inlet` is
   * paused when its destination cannot keep up; `settle` is told what became of the stanza, once.
   */
  inject(stanza: Stanza, inlet: Inlet | null, settle: Settle | null = null): void {
    const from = domainOf(stanza.from);
    const to = domainOf(stanza.to);
    if (from === null || to === null) { this.#returnMisaddressed(stanza, from, settle); return; }
    const outlet = this.#attached.get(to);
    if (outlet !== undefined) {
      if (!this.#isOurs(from)) { this.#returnForeign(stanza, from, settle); return; }
      this.#writeTo(outlet, stanza);
      this.#counters.delivered += 1;
      if (settle !== null) this.#settle(settle, DELIVERED);
      if (!outlet.writable) this.#hold(inlet, outlet);
      return;
    }
    const stream = this.#routes.find(from, to);
    const row = stream === null ? null : this.#rowOf(stream);
    if (row !== null && row.waiting.size === 0 && !row.flushing && row.outlet.writable) {
      this.#send(row, stanza, settle);
      if (!row.outlet.writable) this.#hold(inlet, row.outlet);
      return;
    }
    if (!this.#isOurs(from)) { this.#returnForeign(stanza, from, settle); return; }
    if (row === null && this.#options.isLocal(to)) {
      this.#leaveUnattended(stanza, settle, (reply) => this.#deliverReply(reply)); return;
    }
    this.#enqueue(from, to, row, stanza, inlet, settle);
  }

  /**
   * Stanzas for these domains go to `outlet` until the answer is called.
   * @throws FaultError `component`: `conflict`, when one of them is attached already (XEP-0114 §3); then none is.
   */
  attach(domains: readonly string[], outlet: Outlet): () => void {
    const names = domains.map((domain) => {
      const name = canonicalDomain(domain);
      if (name === null) throw new TypeError(`not a domain: ${domain}`);
      if (this.#attached.has(name))
        throw new FaultError(fault('component', 'conflict', 'peer', `${name} is attached already`));
      return name;
    });
    for (const name of names) this.#attached.set(name, outlet);
    return () => {
      for (const name of names) if (this.#attached.get(name) === outlet) this.#attached.delete(name);
      this.#pressure.release(outlet);
    };
  }

  attachedTo(domain: string): Outlet | null {
    return this.#attached.get(domain) ?? null;
  }

  /** What an ended attachment read from is held no more. */
  forgetInlet(inlet: Inlet): void {
    this.#pressure.forget(inlet);
  }

  /** All that is written within becomes one write per outlet: call it per chunk read. Nests. */
  batch(run: () => void): void {
    this.batchStart();
    try {
      run();
    } finally {
      this.batchEnd();
    }
  }

  batchStart(): void {
    this.#batches += 1;
  }

  batchEnd(): void {
    this.#batches -= 1;
    if (this.#batches > 0 || this.#corked.size === 0) return;
    const corked = [...this.#corked];
    this.#corked.clear();
    for (const outlet of corked) outlet.uncork();
  }

  snapshot(): RouterSnapshot {
    return {
      queues: Array.from(this.#queues.rows(), ({ local, remote, stanzas, bytes, head, routeWanted }) => {
        return { local, remote, stanzas, bytes, oldestMs: head?.sinceMs ?? 0, routeWanted };
      }),
      routes: [...this.#routes.rows()],
      facts: [...this.#facts.rows()],
      attached: [...this.#attached.keys()],
      pausedInlets: this.#pressure.pausedInlets,
    };
  }

  // ——— the gate's answers

  #refuse(stream: StreamId, why: Fault): false {
    this.#counters.refused += 1;
    this.#options.events.refused(stream, why);
    return false;
  }

  /** The stream error for a stanza that no fact covers (RFC 6120 §8.1.1.2, §8.1.2.2; FACTS §4). */
  #gateFault(stream: StreamId, from: string | null, to: string | null): Fault {
    if (!this.#facts.has(stream))
      return fault('stream', 'not-authorized', 'peer', 'nothing is proved on this stream yet');
    if (from === null || to === null) {
      return fault(
        'stream',
        'improper-addressing',
        'peer',
        `a stanza without a valid '${from === null ? 'from' : 'to'}'`,
      );
    }
    if (this.#facts.verdict(stream, from, to) === 'from-unproved') {
      return fault('stream', 'invalid-from', 'peer', `${from} is not proved on this stream`);
    }
    // A domain of ours is not unknown: what lacks is the proof of `from` towards it.
    return this.#options.isLocal(to)
      ? fault('stream', 'invalid-from', 'peer', `${from} is not proved towards ${to} on this stream`)
      : fault('stream', 'host-unknown', 'peer', `${to} is not served here`);
  }

  // ——— what cannot go on

  #isOurs(domain: string): boolean {
    return this.#attached.has(domain) || this.#options.isLocal(domain);
  }

  #returnMisaddressed(stanza: Stanza, from: string | null, settle: Settle | null): void {
    const which = from === null ? stanza.from : stanza.to;
    const condition = which === undefined ? 'bad-request' : 'jid-malformed';
    const text = `a stanza without a valid '${from === null ? 'from' : 'to'}'`;
    this.#return(stanza, fault('stream', condition, 'local', text), condition, settle);
  }

  #returnForeign(stanza: Stanza, from: string, settle: Settle | null): void {
    this.#return(stanza, fault('policy', 'not-allowed', 'local', `${from} is not served here`), 'not-allowed', settle);
  }

  #return(stanza: Stanza, why: Fault, condition: StanzaErrorCondition, settle: Settle | null): void {
    this.#returns.giveBack(stanza, why, condition, settle, this.#deliverReply);
  }

  /** Brings a stanza error to the local sender; one whose sender is not ours has no way back. */
  readonly #deliverReply = (reply: Stanza): void => {
    const to = domainOf(reply.to);
    if (to === null) return;
    const outlet = this.#attached.get(to);
    if (outlet !== undefined) this.#writeTo(outlet, reply);
    else if (this.#options.isLocal(to)) this.#unattended.next(reply);
  };

  #leaveUnattended(stanza: Stanza, settle: Settle | null, answer: (reply: Stanza) => void): void {
    this.#counters.unattended += 1;
    if (this.#unattended.observed) {
      this.#unattended.next(stanza);
      if (settle !== null) this.#settle(settle, DELIVERED);
    } else {
      const why = fault('policy', 'service-unavailable', 'local', 'nobody is attached to this domain');
      this.#returns.giveBack(stanza, why, 'service-unavailable', settle, answer);
    }
  }

  #settle(settle: Settle, delivery: Delivery): void {
    this.#later.add(() => settle(delivery));
  }

  #settleFlushed(row: StreamRow): void {
    for (const settle of row.ledger.takeFlushed()) this.#settle(settle, row.sent);
  }

  // ——— writing

  #rowOf(stream: StreamId): StreamRow | null {
    if (this.#lastRow?.stream === stream) return this.#lastRow;
    const row = this.#streams.get(stream);
    if (row === undefined) return null;
    this.#lastRow = row;
    return row;
  }

  #writeTo(outlet: Outlet, stanza: Stanza): void {
    if (this.#batches > 0 && !this.#corked.has(outlet)) {
      this.#corked.add(outlet);
      outlet.cork();
    }
    outlet.write(stanza.relay(outlet.contentNamespace));
  }

  #send(row: StreamRow, stanza: Stanza, settle: Settle | null): void {
    this.#writeTo(row.outlet, stanza);
    this.#counters.sent += 1;
    if (settle !== null && !row.ledger.note(settle)) this.#settle(settle, row.sent);
  }

  #hold(inlet: Inlet | null, cause: object): void {
    if (inlet !== null) this.#pressure.hold(inlet, cause);
  }

  // ——— waiting

  /** `row` is the stream that serves the pair and cannot take the stanza now; null if none serves it. */
  #enqueue(
    from: string,
    to: string,
    row: StreamRow | null,
    stanza: Stanza,
    inlet: Inlet | null,
    settle: Settle | null,
  ) {
    const { clock, events, queueAgeMs } = this.#options;
    const full = this.#queues.find(from, to);
    if (this.#queues.isFull(full, stanza.bytes.length)) {
      if (full !== null) this.#hold(inlet, full);
      const why = fault('queue', 'queue-full', 'local', `too much waits for a stream from ${from} to ${to}`);
      this.#return(stanza, why, 'resource-constraint', settle); return;
    }
    const queue = this.#queues.push(from, to, stanza, settle, clock.now());
    this.#counters.queued += 1;
    this.#ageTimer ??= clock.setTimeout(this.#returnAged, queueAgeMs);
    if (this.#queues.isAbove(queue, HOLD_SHARE)) this.#hold(inlet, queue);
    if (row === null) {
      if (queue.routeWanted) return;
      queue.routeWanted = true;
      events.routeWanted(from, to);
      return;
    }
    row.waiting.add(queue);
    this.#flush(row);
    if (!row.outlet.writable) this.#hold(inlet, row.outlet);
  }

  /** Sends what waits for this stream's buffer, pair after pair, while it takes more. */
  #flush(row: StreamRow): void {
    if (row.flushing || row.waiting.size === 0) return;
    row.flushing = true; // what comes meanwhile goes behind (S7)
    this.batch(() => {
      for (const queue of row.waiting) {
        while (row.outlet.writable) {
          const waiting = this.#take(queue);
          if (waiting === null) break;
          this.#send(row, waiting.stanza, waiting.settle);
        }
        if (row.outlet.writable) continue;
        // Next time it is another pair's turn.
        if (row.waiting.delete(queue)) row.waiting.add(queue);
        break;
      }
    });
    row.flushing = false;
  }

  /** Takes the first that waits, and lets the queue's senders go once there is room. */
  #take(queue: PairQueue): WaitingStanza | null {
    const waiting = this.#queues.shift(queue);
    if (queue.head !== null) {
      if (!this.#queues.isAbove(queue, RELEASE_SHARE)) this.#pressure.release(queue);
      return waiting;
    }
    const stream = this.#routes.find(queue.local, queue.remote);
    if (stream !== null) this.#streams.get(stream)?.waiting.delete(queue);
    if (this.#queues.oldest === null && this.#ageTimer !== null) {
      this.#options.clock.clearTimeout(this.#ageTimer);
      this.#ageTimer = null;
    }
    this.#pressure.release(queue);
    return waiting;
  }

  readonly #returnAged = (): void => {
    this.#ageTimer = null;
    const { clock, queueAgeMs } = this.#options;
    const nowMs = clock.now();
    let oldest = this.#queues.oldest;
    while (oldest !== null && oldest.sinceMs + queueAgeMs <= nowMs) {
      this.#take(oldest.queue);
      const { local, remote } = oldest.queue;
      const why = fault(
        'queue',
        'queue-age',
        'peer',
        `no stream from ${local} to ${remote} took it within ${queueAgeMs} ms`,
      );
      this.#return(oldest.stanza, why, 'remote-server-timeout', oldest.settle);
      oldest = this.#queues.oldest;
    }
    if (oldest !== null) this.#ageTimer ??= clock.setTimeout(this.#returnAged, oldest.sinceMs + queueAgeMs - nowMs);
  };

  /** Takes the pair's route away, and answers the queue that is now without one. */
  #unroute(local: string, remote: string): PairQueue | null {
    const queue = this.#queues.find(local, remote);
    const stream = this.#routes.find(local, remote);
    if (stream !== null && queue !== null) this.#streams.get(stream)?.waiting.delete(queue);
    this.#routes.delete(local, remote);
    return queue;
  }

  #wantRouteLater(queue: PairQueue): void {
    queue.routeWanted = false;
    this.#later.add(() => {
      const { local, remote } = queue;
      if (queue.head === null || queue.routeWanted || this.#routes.find(local, remote) !== null) return;
      queue.routeWanted = true;
      this.#options.events.routeWanted(local, remote);
    });
  }
}
