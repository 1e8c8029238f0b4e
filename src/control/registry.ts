/**
 * The registry of root actors: it creates them, carries their messages, and answers requests from outside. No protocol
 * is decided here; a fault in one actor affects no other.
 */
import type { StreamId } from '../../machines/events.ts';
import { entryOf } from '../../machines/collections/growing-table.ts';
import type { PeerInput } from '../../machines/peer.machine.ts';
import type { Resolution } from '../../machines/resolution.machine.ts';
import type { StreamSettings } from '../../machines/stream/context.ts';
import { proofOf } from '../../machines/stream/rules.ts';
import type { AcceptedConnection } from '../adapters/transport.ts';
import type { Clock, PoshSource, Random } from '../ports.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { DomainPair } from '../protocol/pairs.ts';
import { deniedBy, isSamePolicy, type PolicyOptions, policyFor, usableProoftypes } from '../protocol/policy.ts';
import type { Router } from '../routing/router.ts';
import { liveView } from '../trace/view/live-view.ts';
import type { View } from '../trace/view/view.ts';
import { ChallengeDesk } from './challenge-desk.ts';
import { Dispatch } from './dispatch.ts';
import { type Effects, type OtherStreams, provideEffects } from './effects.ts';
import { HeldPairs } from './held-pairs.ts';
import { PairActors } from './pair-actors.ts';
import { PeerActors } from './peer-actors.ts';
import { PoshPrefetch } from './posh-prefetch.ts';
import { ProofExpiry } from './proof-expiry.ts';
import { CertificateRecords } from './record-certificates.ts';
import { AttemptRecords } from './record-attempts.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';
import { hasten } from './steps/hasten.ts';
import { isPending, StandingStreams } from './standing-streams.ts';
import { StreamActors } from './stream-actors.ts';
import { StreamSearch } from './stream-search.ts';
import { VerifyDesk } from './verify-desk.ts';
import { Whereabouts } from './whereabouts.ts';

export interface RegistryOptions {
  /** The initial settings; {@link Registry.enforcePolicy} changes the policy. */
  readonly settings: StreamSettings;
  readonly router: Router;
  readonly clock: Clock;
  readonly random: Random;
  /** How many records are kept. */
  readonly trace?: Omit<RecorderOptions, 'clock'>;
  /** Source of POSH documents to fetch ahead; null when nobody fetches any. */
  readonly posh: PoshSource | null;
  /** Makes the effects of the streams' actors; they use the registry to reach other streams. */
  readonly effects: (registry: Registry) => Effects;
}

export class Registry implements OtherStreams {
  readonly recorder: Recorder;
  readonly certificates: CertificateRecords;
  readonly attempts: AttemptRecords;
  readonly streams = new StandingStreams();
  readonly search: StreamSearch;
  readonly desk: VerifyDesk;
  readonly challenges: ChallengeDesk;
  readonly #options: RegistryOptions;
  #settings: StreamSettings;
  readonly #streamActors: StreamActors;
  readonly #pairActors: PairActors;
  readonly #peerActors: PeerActors;
  readonly #documents: PoshPrefetch;
  readonly #whereabouts: Whereabouts;
  readonly #held = new HeldPairs();
  readonly #dispatch: Dispatch;
  /** Once draining: called when the last stream has ended. */
  #drain: { readonly lastEnded: () => void } | null = null;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#settings = options.settings;
    const { router, clock } = options;
    const { streams } = this;
    const recorder = (this.recorder = new Recorder({ clock, ...options.trace }));
    this.certificates = new CertificateRecords(recorder);
    const attempts = (this.attempts = new AttemptRecords(
      recorder,
      (stream) => streams.get(stream),
      () => this.view([]),
    ));
    const search = (this.search = new StreamSearch(streams, clock, (remote, stream) => {
      this.#peerActors.send(remote, { type: 'stream.awaited', stream });
    }));
    const desk = (this.desk = new VerifyDesk({
      stands: (stream) => (streams.get(stream)?.stage ?? 'closing') !== 'closing',
      ask: (stream, question) => this.#streamActors.send(stream, { type: 'local.verifyRequested', ...question }),
      forget: (stream, { from, to, id }) =>
        this.#streamActors.send(stream, { type: 'local.verifyAbandoned', from, to, id }),
      standing: (wanted) => streams.leadingTo(wanted),
      locate: (remote, avoid, signal) => this.#locate(remote, avoid, signal),
      standingAt: (wanted) => {
        const found = streams.find(wanted);
        return found === null || isPending(found) ? null : found.stream;
      },
      want: (remote, wish, known) =>
        this.#peerActors.wake(remote, {
          type: 'local.streamWanted',
          ...wish,
          ...(known === null ? {} : { known }),
        }),
      unwant: (remote) => this.#unwant(remote),
      farAddress: (stream) => streams.get(stream)?.openedFrom ?? '',
    }));
    const challenges = (this.challenges = new ChallengeDesk({
      stands: (stream) => (streams.get(stream)?.stage ?? 'closing') !== 'closing',
      challenge: (stream, domain, prooftypes) =>
        this.#streamActors.send(stream, { type: 'local.challengeRequested', domain, prooftypes }),
      clock,
    }));
    this.#documents = new PoshPrefetch({
      source: options.posh,
      clock,
      // Fetch ahead only when POSH comes first: if another prooftype may prove the domain before, the document may not
      // be needed, and domains are contacted far more often than they have one.
      asksFor: (domain) => {
        const { policy, material } = this.#settings;
        const [first] = usableProoftypes(policyFor(policy, domain)).filter(
          (name) => name !== 'dane' || material.secureDns,
        );
        return first === 'posh';
      },
    });
    const machines = provideEffects(options.effects(this), (chart) => recorder.watch(hasten(chart)));
    this.#streamActors = new StreamActors({
      machines,
      settings: () => this.#settings,
      table: streams,
      recorder,
      reported: (report) => this.#dispatch.streamReported(report),
      ended: (stream, why) => {
        this.#dispatch.streamEnded(stream, why);
        if (this.#streamActors.size === 0) this.#drain?.lastEnded();
      },
    });
    this.#pairActors = new PairActors({
      machine: machines.pair,
      recorder,
      reported: (report) => this.#dispatch.pairReported(report),
      errored: (local, remote, why) => this.#dispatch.pairErrored(local, remote, why),
    });
    const inputOf = (remote: string): PeerInput => this.#inputOf(remote);
    this.#whereabouts = new Whereabouts({ machine: machines.resolution, recorder, inputOf });
    this.#peerActors = new PeerActors({
      machine: machines.peer,
      recorder,
      inputOf,
      reported: (report) => this.#dispatch.peerReported(report),
      lookingUp: (remote) => this.#documents.begin(remote, 'xmpp-server'),
      errored: (remote, why) => this.#dispatch.peerErrored(remote, why),
    });
    this.#dispatch = new Dispatch({
      actors: { streams: this.#streamActors, pairs: this.#pairActors, peers: this.#peerActors },
      streams,
      search,
      desk,
      challenges,
      held: this.#held,
      expiry: new ProofExpiry(clock, {
        renewalDue: (stream, domain) => this.#dispatch.renewalDue(stream, domain),
        expired: (stream, domain) => this.#dispatch.proofExpired(stream, domain),
      }),
      router,
      recorder,
      attempts,
      routeWanted: (local, remote) => this.routeWanted(local, remote),
    });
  }

  /** The state now; `hosts` are the domains served here. */
  view(hosts: readonly string[]): View {
    const { live, ring, clock } = this.recorder;
    const bytesOf = (id: string) => this.streams.get(Number(id.slice('stream:'.length)))?.bytes ?? null;
    return liveView({ live, ring, attempts: this.attempts.keep, bytesOf, hosts, nowMs: clock.now() });
  }

  /** The input of a peer actor: what the policy now in force says of a remote domain, and a random jitter. */
  #inputOf(remote: string): PeerInput {
    const { policy } = this.#settings;
    const { target, prooftypes } = policyFor(policy, remote);
    return {
      remote,
      fixedTarget: target,
      asksForTlsa: prooftypes.includes('dane'),
      denied: deniedBy(policy, remote),
      jitter: this.#options.random.integer(1_000) / 1_001,
    };
  }

  /**
   * A peer actor that exists looks the domain up itself and remembers failures; and when no stream of ours is open,
   * there is none to find.
   */
  #locate(remote: string, avoid: readonly StreamId[], signal: AbortSignal): Promise<Resolution | null> | null {
    if (this.#peerActors.knows(remote) || !this.streams.mayAskSomewhere(avoid)) return null;
    if (deniedBy(this.#settings.policy, remote) !== null) return null;
    return this.#whereabouts.find(remote, signal);
  }

  /** A stanza waits for this pair (RouterEvents). */
  routeWanted(local: string, remote: string): void {
    if (this.#drain !== null) {
      const why = fault('stream', 'system-shutdown', 'local', 'this server is shutting down');
      this.#dispatch.pairFailed(local, remote, why);
      return;
    }
    const held = this.#held.get(local, remote);
    if (held === undefined) this.#pairActors.wake(local, remote, { type: 'local.routeWanted' });
    else held.wanted = true;
  }

  /** The gate refused a stanza (RouterEvents). */
  stanzaRefused(stream: StreamId, what: Fault, pair: DomainPair | null): void {
    this.#streamActors.send(stream, {
      type: 'transport.stanzaRefused',
      fault: what,
      ...(pair === null ? {} : { pair }),
    });
  }

  /**
   * A certificate proves `from` whatever the target is. So a peer that has accepted `to` may reply to it on any stream
   * on which its certificate was proved: Prosody sends the replies to all sender domains of a stream on the stream that
   * it opened to the first of them.
   */
  coversPair(stream: StreamId, from: string, to: string): boolean {
    const row = this.streams.get(stream);
    if (row === undefined) return false;
    const context = row.context();
    if (proofOf(context, from)?.strength !== 'strong') return false;
    // ProtoXEP DNA §6.8: both ends accept each other's domains, in either direction.
    if (entryOf(context.dna.believed, from) === true && entryOf(context.dna.standing, to) === 'valid') return true;
    return !row.initiating && this.#options.router.routeOf(to, from) !== null;
  }

  /** A peer has connected. */
  accept(connection: AcceptedConnection): void {
    this.#streamActors.accept(connection);
  }

  /** Hands over the accepted connection of this stream, once. */
  takeAccepted(stream: StreamId): AcceptedConnection | null {
    return this.#streamActors.takeAccepted(stream);
  }

  /** Returns false when there is no such stream. */
  closeStream(stream: StreamId, why: Fault | null): boolean {
    return this.#streamActors.send(stream, { type: 'local.closeRequested', fault: why });
  }

  /** The failure for which the pair or its peer is held off; null when neither is. */
  holdOffOf(local: string, remote: string): { readonly fault: Fault | null } | null {
    return this.#pairActors.holdOffOf(local, remote) ?? this.#peerActors.holdOffOf(remote);
  }

  /** Ends the hold-off of the pair and of its peer: the next request is tried. */
  endHoldOff(local: string, remote: string): void {
    this.#peerActors.send(remote, { type: 'local.retryRequested' });
    this.#pairActors.endHoldOff(local, remote);
  }

  get isDraining(): boolean {
    return this.#drain !== null;
  }

  /** Puts another policy in force: streams that carry a pair that it forbids are closed. */
  enforcePolicy(policy: PolicyOptions): void {
    const before = this.#settings.policy;
    this.#settings = { ...this.#settings, policy };
    // Peers first: the pairs of streams that end now look for others under this policy. Requests for a stream stay
    // pending: a stream that is being opened is found again, and only requests that the policy denies are refused.
    this.#peerActors.restart((remote) => !isSamePolicy(before, policy, remote));
    this.#streamActors.sendToAll({ type: 'local.policyChanged', policy });
    this.#endDeniedFacts(policy);
  }

  /**
   * Streams that are closing already are still read to their end (S1), but their charts no longer withdraw anything.
   */
  #endDeniedFacts(policy: PolicyOptions): void {
    const { router } = this.#options;
    for (const { stream, from } of router.senders()) {
      if (deniedBy(policy, from) !== null) router.withdrawRemote(stream, from);
    }
  }

  /** Hosted domains can show these proofs of delegation from now on; proofs that they no longer have are withdrawn. */
  showProofs(proofs: StreamSettings['dna']['proofs']): void {
    this.#settings = { ...this.#settings, dna: { ...this.#settings.dna, proofs } };
    this.#streamActors.sendToAll({ type: 'local.proofsChanged', proofs });
  }

  /**
   * Accepts no new work, and closes every stream with `why`. Resolves when all have ended or `deadlineMs` has passed.
   */
  async drain(why: Fault, deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const deadline = clock.setTimeout(resolve, deadlineMs);
      const lastEnded = (): void => {
        clock.clearTimeout(deadline);
        resolve();
      };
      this.#drain = { lastEnded };
      this.search.stop();
      this.#documents.stop();
      this.#peerActors.stop();
      this.#pairActors.stop();
      for (const stream of this.#streamActors.ids()) this.closeStream(stream, why);
      if (this.#streamActors.size === 0) lastEnded();
    });
    this.#streamActors.stop();
  }

  /** Stops connecting to a domain that was only asserted, when no verification asks about it any more. */
  #unwant(remote: string): StreamId | null {
    const stream = this.#peerActors.dismiss(
      remote,
      ({ purpose, local }) => purpose === 'stanzas' || this.desk.awaits(remote, local),
    );
    if (stream === null || this.streams.get(stream)?.stage !== 'opening') return null;
    this.closeStream(stream, null);
    return this.streams.get(stream) === undefined ? null : stream;
  }

  get liveActors(): { streams: number; pairs: number; peers: number } {
    return { streams: this.#streamActors.size, pairs: this.#pairActors.size, peers: this.#peerActors.size };
  }
}
