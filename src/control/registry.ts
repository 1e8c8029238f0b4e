/**
 * The registry of root actors: creates, watches, hibernates and stops streams, pairs and peers, and carries what they
 * report to each other by id. No protocol is decided here; a fault in one actor stays its own.
 */
import { type ActorRefFrom, createActor, type InspectionEvent } from 'xstate';
import { Subject } from 'rxjs';
import { association } from '../../machines/association.machine.ts';
import type { PairReport, PeerReport, StreamId, StreamReport, StreamWish } from '../../machines/events.ts';
import { decide, superseded } from '../../machines/failures.ts';
import { limits } from '../../machines/limits.ts';
import { initiatingStream } from '../../machines/initiating-stream.machine.ts';
import { pair } from '../../machines/pair.machine.ts';
import { peer } from '../../machines/peer.machine.ts';
import { receivingStream } from '../../machines/receiving-stream.machine.ts';
import type { StreamEvent, StreamInput, StreamSettings } from '../../machines/stream-context.ts';
import { verification } from '../../machines/verification.machine.ts';
import type { AcceptedConnection } from '../adapters/transport.ts';
import type { Effects, OtherStreams } from './effects.ts';
import type { Clock, Random } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import { fault, type Fault, faultSentence, toFault } from '../protocol/faults.ts';
import { acceptsWeakProof, deniedBy, policyFor } from '../protocol/policy.ts';
import type { Router } from '../routing/router.ts';
import { type Found, StandingStreams, type StreamRow, type Wanted } from './standing-streams.ts';
import { type ReportRecord, type TraceBody, type TraceRecord, transitionOf } from '../trace/record.ts';
import { VerifyDesk } from './verify-desk.ts';

interface StreamActor {
  send(event: StreamEvent): void;
  stop(): unknown;
}
type PairActor = ActorRefFrom<typeof pair>;
type PeerActor = ActorRefFrom<typeof peer>;

/** What a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** From "nothing stands" to the stream that is opened instead: a few turns of the event loop. */
const PROMISE_MS = 1_000;

/** A pair whose stream is closing: it moves on when that has ended. */
interface HeldPair {
  readonly stream: StreamId;
  wanted: boolean;
  accepted: Extract<StreamReport, { type: 'pair.accepted' }> | null;
}

export interface RegistryOptions {
  readonly settings: StreamSettings;
  readonly router: Router;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the effects of a stream's actors; given the registry, which they ask for other streams. */
  readonly effects: (registry: Registry) => Effects;
}

export class Registry implements OtherStreams {
  readonly streams = new StandingStreams();
  readonly desk: VerifyDesk;
  /** What root actors report. Cheap, and always worth a log line. */
  readonly reports$ = new Subject<ReportRecord>();
  /** All of it: reports, transitions of every actor, elements on the wire. */
  readonly records$ = new Subject<TraceRecord>();
  readonly #options: RegistryOptions;
  readonly #machines: Machines;
  readonly #streamActors = new Map<StreamId, StreamActor>();
  readonly #pairs = new Map<string, Map<string, PairActor>>();
  readonly #peers = new Map<string, PeerActor>();
  /** Peers that rest and remember failures, the longest ago first, with what makes us forget them. */
  readonly #remembered = new Map<string, () => void>();
  readonly #accepted = new Map<StreamId, AcceptedConnection>();
  readonly #waitingForStreams = new Set<() => void>();
  /** Pairs whose stream is closing, by `local>remote`: they wait for its end, so that nothing overtakes (S7). */
  readonly #held = new Map<string, HeldPair>();
  #nextStream = 1;
  #sequence = 0;
  #draining = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.desk = new VerifyDesk({
      ask: (stream, question) => this.#streamActors.get(stream)?.send({ type: 'local.verifyRequested', ...question }),
      forget: (stream, { from, to, id }) =>
        this.#streamActors.get(stream)?.send({ type: 'local.verifyAbandoned', from, to, id }),
      standing: (wanted) => this.streams.leadingTo(wanted),
      want: (remote, wish) => this.#want(remote, wish),
    });
    this.#machines = provideEffects(options.effects(this));
  }

  // ——— what the outside asks for

  /** A stanza waits for this pair (RouterEvents). */
  routeWanted(local: string, remote: string): void {
    if (this.#draining) {
      this.#fail(local, remote, fault('stream', 'system-shutdown', 'local', 'this server is shutting down'));
      return;
    }
    const held = this.#held.get(`${local}>${remote}`);
    if (held === undefined) this.#pair(local, remote).send({ type: 'local.routeWanted' });
    else held.wanted = true;
  }

  /** The gate refused a stanza (RouterEvents). */
  stanzaRefused(stream: StreamId, what: Fault): void {
    this.#streamActors.get(stream)?.send({ type: 'transport.stanzaRefused', fault: what });
  }

  /**
   * A certificate proves `from` whatever the target. So a peer that has accepted `to` may answer it on any stream on which
   * its certificate was proved: Prosody answers all sender domains of a stream on the one that it opened to the first.
   */
  coversPair(stream: StreamId, from: string, to: string): boolean {
    const row = this.streams.get(stream);
    if (row === undefined || row.initiating || row.stage === 'closing') return false;
    return row.context().proved[from]?.strength === 'strong' && this.#options.router.routeOf(to, from) !== null;
  }

  /** A peer has connected. */
  accept(connection: AcceptedConnection): void {
    const stream = this.#nextStream++;
    this.#accepted.set(stream, connection);
    const input = {
      purpose: 'stanzas' as const,
      local: '',
      remote: '',
      endpoint: null,
      directTls: connection.directTls,
    };
    this.#openStream(this.#machines.receivingStream, {
      stream,
      ...input,
      avoidExternal: false,
      settings: this.#options.settings,
    });
  }

  /** The connection that stands under this id, once. */
  takeAccepted(stream: StreamId): AcceptedConnection | null {
    const connection = this.#accepted.get(stream) ?? null;
    this.#accepted.delete(stream);
    return connection;
  }

  closeStream(stream: StreamId, why: Fault | null): void {
    this.#streamActors.get(stream)?.send({ type: 'local.closeRequested', fault: why });
  }

  /** The policy has changed: streams to domains that it forbids now are closed (FEATURES P2). */
  enforcePolicy(): void {
    const { policy } = this.#options.settings;
    for (const { id, leadsTo, weaklyProved } of this.streams.rows()) {
      const denied = [...leadsTo].map((domain) => deniedBy(policy, domain)).find((why) => why !== null);
      const tooWeak = [...weaklyProved].some((domain) => !acceptsWeakProof(policyFor(policy, domain)));
      // Its other pairs find another stream at once.
      if (denied !== undefined) this.closeStream(id, denied);
      else if (tooWeak)
        this.closeStream(id, fault('policy', 'policy-violation', 'local', 'a stronger proof is required now'));
    }
    for (const actor of [...this.#peers.values()]) {
      const { remote, wishes } = actor.getSnapshot().context;
      actor.stop();
      const why = fault('policy', 'policy-changed', 'local', 'the policy has changed meanwhile');
      for (const wish of wishes) this.#peerReported({ type: 'stream.refused', remote, wish, fault: why });
    }
    this.#peers.clear();
    this.#remembered.clear();
  }

  /** No new work; every stream is closed with `why`. Resolves when all are gone, or `deadlineMs` has passed. */
  async drain(why: Fault, deadlineMs: number): Promise<void> {
    this.#draining = true;
    for (const stream of this.#streamActors.keys()) this.closeStream(stream, why);
    await new Promise<void>((resolve) => {
      const deadline = this.#options.clock.setTimeout(() => done(), deadlineMs);
      const done = (): void => {
        this.#options.clock.clearTimeout(deadline);
        this.#waitingForStreams.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#streamActors.size === 0) done();
      };
      this.#waitingForStreams.add(look);
      look();
    });
    for (const actor of this.#streamActors.values()) actor.stop();
    for (const row of this.#pairs.values()) for (const actor of row.values()) actor.stop();
    for (const actor of this.#peers.values()) actor.stop();
  }

  /** Waits until the table of standing streams has an answer that is not `pending` (RFC 7712 §4.4, M1). */
  async findStanding(wanted: Wanted, signal: AbortSignal): Promise<Exclude<Found, 'pending'>> {
    for (;;) {
      const found = this.streams.find(wanted);
      if (found === null || signal.aborted) {
        const [endpoint] = wanted.endpoints;
        if (endpoint !== undefined) this.#promise(endpoint);
        return null;
      }
      if (found !== 'pending') return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waitingForStreams.delete(wake);
          signal.removeEventListener('abort', wake); // the next look adds its own
          resolve();
        };
        this.#waitingForStreams.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** Whoever finds nothing opens a stream himself, in a moment; others who look meanwhile wait for it. */
  #promise(endpoint: Endpoint): void {
    const takeBack = this.streams.promise(endpoint);
    this.#options.clock.setTimeout(() => {
      if (takeBack()) this.#streamsChanged();
    }, PROMISE_MS);
  }

  get liveActors(): { streams: number; pairs: number; peers: number } {
    let pairs = 0;
    for (const row of this.#pairs.values()) pairs += row.size;
    return { streams: this.#streamActors.size, pairs, peers: this.#peers.size };
  }

  record(actor: string, machine: string, body: TraceBody): void {
    if (!this.records$.observed && (body.kind !== 'report' || !this.reports$.observed)) return;
    const record = { sequence: this.#sequence++, atMs: this.#options.clock.now(), actor, machine, ...body };
    if (record.kind === 'report') this.reports$.next(record);
    this.records$.next(record);
  }

  // ——— root actors

  #openStream(machine: Machines['initiatingStream' | 'receivingStream'], input: StreamInput): void {
    const { stream } = input;
    const actor = createActor(machine, { id: machine.id, input, ...this.#watching(`stream:${stream}`) });
    this.#streamActors.set(stream, actor);
    this.streams.add({
      id: stream,
      initiating: input.endpoint !== null,
      purpose: input.purpose,
      endpoint: input.endpoint,
      context: () => actor.getSnapshot().context,
      stage: 'opening',
      leadsTo: new Set(),
      weaklyProved: new Set(),
      openedAt: 0,
      establishedAt: Infinity,
      expiresAtMs: Infinity,
      expiry: null,
      chain: null,
    });
    if (input.remote !== '') this.streams.leadsTo(stream, input.remote);
    actor.on('*', (report) => this.#streamReported(report));
    actor.subscribe({
      // Errored: its own fault, and the end of it alone.
      error: (thrown) => this.#streamClosed(stream, toFault(thrown, 'internal')),
      complete: () => this.#streamClosed(stream, actor.getSnapshot().context.fault),
    });
    actor.start();
  }

  #pair(local: string, remote: string): PairActor {
    const row = this.#pairs.get(local) ?? new Map<string, PairActor>();
    this.#pairs.set(local, row);
    const awake = row.get(remote);
    if (awake !== undefined) return awake;
    const actor = createActor(this.#machines.pair, {
      id: 'pair',
      input: { local, remote },
      ...this.#watching(`pair:${local}>${remote}`),
    });
    row.set(remote, actor);
    const sleep = (): void => {
      if (row.get(remote) === actor) row.delete(remote);
      if (row.size === 0 && this.#pairs.get(local) === row) this.#pairs.delete(local);
      actor.stop();
    };
    actor.on('*', (report) => this.#pairReported(report));
    let born = false;
    actor.subscribe({
      // Hibernation: a pair that rests or is routed is a row in the tables of the router, and no actor.
      next: (snapshot) => {
        if (born && snapshot.hasTag('quiet')) sleep();
        born = true;
      },
      error: (thrown) => {
        sleep();
        this.#fail(local, remote, toFault(thrown, 'internal'));
      },
    });
    actor.start();
    born = true;
    return actor;
  }

  #peer(remote: string): PeerActor {
    const awake = this.#peers.get(remote);
    if (awake !== undefined) return awake;
    const { policy } = this.#options.settings;
    const actor = createActor(this.#machines.peer, {
      id: 'peer',
      input: {
        remote,
        fixedTarget: policyFor(policy, remote).target,
        denied: deniedBy(policy, remote),
        jitter: this.#options.random.integer(1_000) / 1_001,
      },
      ...this.#watching(`peer:${remote}`),
    });
    this.#peers.set(remote, actor);
    const forget = (): void => {
      if (this.#peers.get(remote) === actor) this.#peers.delete(remote);
      actor.stop();
    };
    actor.on('*', (report) => this.#peerReported(report));
    let born = false;
    actor.subscribe({
      next: (snapshot) => {
        this.#remembered.delete(remote);
        if (born && snapshot.hasTag('quiet')) {
          if (snapshot.context.failures === 0) forget();
          else this.#rememberFailures(remote, forget);
        }
        born = true;
      },
      error: (thrown) => {
        forget();
        this.record(`peer:${remote}`, 'peer', {
          kind: 'report',
          report: { type: `peer.errored: ${faultSentence(toFault(thrown, 'internal'))}` },
        });
      },
    });
    actor.start();
    born = true;
    return actor;
  }

  /** Whoever claims domain after domain that cannot be reached must not fill our memory with them (FACTS §14.22). */
  #rememberFailures(remote: string, forget: () => void): void {
    this.#remembered.set(remote, forget);
    if (this.#remembered.size <= limits.failuresRemembered) return;
    for (const [oldest, forgetOldest] of this.#remembered) {
      this.#remembered.delete(oldest);
      forgetOldest();
      break;
    }
  }

  #want(remote: string, wish: StreamWish): void {
    this.#peer(remote).send({ type: 'local.streamWanted', ...wish });
  }

  // ——— reports

  #streamReported(report: StreamReport): void {
    const { stream } = report;
    this.record(`stream:${stream}`, 'stream', { kind: 'report', report });
    const row = this.streams.get(stream);
    if (row === undefined) return;
    const { router } = this.#options;
    switch (report.type) {
      case 'stream.verifiable':
        this.streams.verifiable(row);
        this.#tellPeers(stream, report);
        this.#streamsChanged();
        break;
      case 'stream.established':
        this.streams.established(row);
        this.#converge(row);
        if (row.stage === 'established') this.#tellPeers(stream, report);
        this.#streamsChanged();
        break;
      case 'stream.closing':
        row.stage = 'closing';
        if (report.fault?.layer === 'tcp' || report.fault?.layer === 'tls') this.#sayUnknown(stream);
        // A peer at fault is heard no more; one that is only taken leave of may finish what it was saying.
        for (const { local, remote } of report.fault?.origin === 'peer'
          ? router.withdrawStream(stream)
          : router.closeOutgoing(stream)) {
          this.#held.set(`${local}>${remote}`, { stream, wanted: false, accepted: null });
        }
        this.desk.streamEnds(stream, report.fault);
        this.#tellPeers(stream, report);
        for (const pairs of this.#pairs.values()) for (const actor of pairs.values()) actor.send(report);
        this.#streamsChanged();
        break;
      case 'stream.closed':
        break; // the end of the actor says the same, also when it failed
      case 'pair.accepted':
        this.#pairAccepted(row, report);
        break;
      case 'pair.refused':
        this.#pairs.get(report.from)?.get(report.to)?.send(report);
        break;
      case 'pair.admitted':
        router.admit(stream, report.from, report.to);
        this.streams.leadsTo(stream, report.from);
        if (report.proof.strength !== 'strong') row.weaklyProved.add(report.from);
        // Whoever dials in is there again (D6).
        this.#peers.get(report.from)?.send({ type: 'local.retryRequested' });
        this.#reproveInTime(stream, report.proof.expiresAtMs);
        break;
      case 'association.settled':
        if (report.outcome.verdict.kind === 'proved') {
          this.streams.leadsTo(stream, report.outcome.domain);
          this.#reproveInTime(stream, report.outcome.verdict.expiresAtMs);
        }
        for (const pairs of this.#pairs.values()) pairs.get(report.outcome.domain)?.send(report);
        break;
      case 'verify.answered':
        this.desk.answered(report);
        break;
      case 'verification.settled':
    }
  }

  #sayUnknown(stream: StreamId): void {
    const stanzas = this.#options.router.unknownOf(stream);
    if (stanzas === 0) return;
    this.record(`stream:${stream}`, 'stream', { kind: 'report', report: { type: 'stream.broken', stanzas } });
  }

  #streamClosed(stream: StreamId, why: Fault | null): void {
    if (!this.#streamActors.delete(stream)) return;
    const row = this.streams.get(stream);
    if (row?.stage !== 'closing') this.#streamReported({ type: 'stream.closing', stream, fault: why });
    this.#options.clock.clearTimeout(row?.expiry);
    this.#options.router.lost(stream);
    this.#tellPeers(stream, { type: 'stream.closed', stream, fault: why });
    this.streams.remove(stream);
    this.#streamsChanged();
    this.#release(stream);
  }

  #pairAccepted(row: StreamRow, report: Extract<StreamReport, { type: 'pair.accepted' }>): void {
    if (report.proof.strength !== 'strong') row.weaklyProved.add(report.to);
    if (row.stage === 'closing' || this.#options.router.routeOf(report.from, report.to) !== null) return;
    const held = this.#held.get(`${report.from}>${report.to}`);
    if (held === undefined) this.#pair(report.from, report.to).send(report);
    else held.accepted = report;
  }

  #release(stream: StreamId): void {
    for (const [key, held] of this.#held) {
      if (held.stream !== stream) continue;
      this.#held.delete(key);
      const [local = '', remote = ''] = key.split('>');
      if (held.accepted !== null) this.#pair(local, remote).send(held.accepted);
      else if (held.wanted) this.routeWanted(local, remote);
    }
  }

  #pairReported(report: PairReport): void {
    if ('local' in report) {
      this.record(`pair:${report.local}>${report.remote}`, 'pair', { kind: 'report', report });
    }
    const { router } = this.#options;
    switch (report.type) {
      case 'route.requested': {
        const { local, remote, avoid } = report;
        const standing = this.streams.leadingTo({ remote, purpose: 'stanzas', avoid });
        if (standing !== null) {
          this.#pair(local, remote).send({ type: 'route.offered', stream: standing.id, manner: 'assertion' });
        } else {
          this.#want(remote, { local, purpose: 'stanzas', avoid });
        }
        break;
      }
      case 'assertion.requested':
        this.#streamActors
          .get(report.stream)
          ?.send({ type: 'local.assertionRequested', from: report.local, to: report.remote });
        break;
      case 'association.requested':
        this.#streamActors.get(report.stream)?.send({ type: 'local.associationRequested', domain: report.domain });
        break;
      case 'pair.routed':
        router.setRoute(report.local, report.remote, report.stream);
        break;
      case 'pair.failed':
        this.#fail(report.local, report.remote, report.fault);
    }
  }

  #peerReported(report: PeerReport): void {
    this.record(`peer:${report.remote}`, 'peer', { kind: 'report', report });
    switch (report.type) {
      case 'stream.requested': {
        const stream = this.#nextStream++;
        this.#peers.get(report.remote)?.send({ type: 'stream.assigned', stream });
        const { local, remote, purpose, endpoint, avoidExternal } = report;
        this.#openStream(this.#machines.initiatingStream, {
          stream,
          settings: this.#options.settings,
          purpose,
          local,
          remote,
          endpoint,
          directTls: endpoint.tls === 'direct',
          avoidExternal,
        });
        break;
      }
      case 'stream.abandoned':
        this.closeStream(report.stream, report.fault);
        break;
      case 'stream.offered':
        if (report.wish.purpose === 'verification')
          this.desk.streamStands(report.remote, report.wish.local, report.stream);
        else {
          const { stream, manner } = report;
          this.#pairs.get(report.wish.local)?.get(report.remote)?.send({ type: 'route.offered', stream, manner });
        }
        break;
      case 'stream.refused':
        if (report.wish.purpose === 'verification')
          this.desk.streamRefused(report.remote, report.wish.local, report.fault);
        else
          this.#pairs.get(report.wish.local)?.get(report.remote)?.send({ type: 'route.refused', fault: report.fault });
    }
  }

  /**
   * Both sides opened a bidirectional stream at once: one is enough (L4). Both ends see the same two ids, and whoever
   * opened the stream with the greater one closes it.
   */
  #converge(row: StreamRow): void {
    for (const loser of this.streams.doublesOf(row)) {
      loser.stage = 'closing'; // from now on: nobody is offered it
      this.closeStream(loser.id, superseded);
    }
  }

  #tellPeers(
    stream: StreamId,
    event: Extract<
      StreamReport,
      { type: 'stream.verifiable' | 'stream.established' | 'stream.closing' | 'stream.closed' }
    >,
  ): void {
    const row = this.streams.get(stream);
    if (row === undefined || !row.initiating) return;
    this.#peers.get(row.context().remote)?.send(event);
  }

  #streamsChanged(): void {
    for (const look of [...this.#waitingForStreams]) look();
  }

  #fail(local: string, remote: string, what: Fault): void {
    this.#options.router.returnQueue(local, remote, what, decide(what).bounce);
  }

  /** A14: a stream whose proof ends is closed with `reset`; the next stanza proves the pair again (RFC 6120 §13.7.2.3). */
  #reproveInTime(stream: StreamId, expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    const row = this.streams.get(stream);
    if (row === undefined || expiresAtMs >= row.expiresAtMs) return;
    row.expiresAtMs = expiresAtMs;
    this.#awaitExpiry(row);
  }

  #awaitExpiry(row: StreamRow): void {
    const { clock } = this.#options;
    clock.clearTimeout(row.expiry);
    const inMs = Math.max(0, row.expiresAtMs - clock.now());
    row.expiry = clock.setTimeout(
      () => {
        if (row.expiresAtMs > clock.now()) this.#awaitExpiry(row);
        else
          this.closeStream(row.id, fault('stream', 'reset', 'peer', 'the proof on which this stream rests has ended'));
      },
      Math.min(inMs, LONGEST_TIMER_MS),
    );
  }

  #watching(name: string): { clock: Clock; inspect?: (event: InspectionEvent) => void } {
    const { clock } = this.#options;
    if (!this.records$.observed) return { clock };
    return {
      clock,
      inspect: (inspected) => {
        const transition = transitionOf(inspected);
        if (transition === null) return;
        this.record(name, transition.id, { kind: 'transition', event: transition.event, states: transition.states });
      },
    };
  }
}

type Machines = ReturnType<typeof provideEffects>;

/** The charts with their effects: what DESIGN §2 calls `provide()`. */
function provideEffects(effects: Effects) {
  const { transport, resolution, pkixProoftype, dialbackProoftype, findStandingStream } = effects;
  const proving = association.provide({ actors: { pkixProoftype, dialbackProoftype } });
  const streamActors = {
    transport,
    association: proving,
    verification: verification.provide({ actors: { association: proving } }),
  };
  return {
    initiatingStream: initiatingStream.provide({ actors: streamActors }),
    receivingStream: receivingStream.provide({ actors: streamActors }),
    pair,
    peer: peer.provide({ actors: { resolution, findStandingStream } }),
  };
}
