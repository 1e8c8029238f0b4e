/**
 * Carries the reports of root actors, by id, to those that they concern: streams report to pairs and peers, pairs ask
 * peers and streams, peers ask for streams. No protocol is decided here.
 */
import type { BrokenActor, PairReport, PeerReport, StreamId, StreamReport } from '../../machines/events.ts';
import { decide, endsWithoutFault, superseded } from '../../machines/failures.ts';
import { progressOf } from '../../machines/stream/context.ts';
import { isMutual } from '../../machines/stream/dna-rules.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { Router } from '../routing/router.ts';
import type { ChallengeDesk } from './challenge-desk.ts';
import type { HeldPairs } from './held-pairs.ts';
import type { PairActors } from './pair-actors.ts';
import type { PeerActors } from './peer-actors.ts';
import type { ProofExpiry } from './proof-expiry.ts';
import type { Recorder } from './recorder.ts';
import type { AttemptRecords } from './record-attempts.ts';
import { recordVerdicts } from './record-verdicts.ts';
import type { StandingStreams, StreamRow } from './standing-streams.ts';
import type { StreamActors } from './stream-actors.ts';
import type { StreamSearch } from './stream-search.ts';
import type { VerifyDesk } from './verify-desk.ts';

/** Everything that a report may concern. */
export interface Concerned {
  readonly actors: { readonly streams: StreamActors; readonly pairs: PairActors; readonly peers: PeerActors };
  readonly streams: StandingStreams;
  readonly search: StreamSearch;
  readonly desk: VerifyDesk;
  readonly challenges: ChallengeDesk;
  readonly held: HeldPairs;
  readonly expiry: ProofExpiry;
  readonly router: Router;
  readonly recorder: Recorder;
  readonly attempts: AttemptRecords;
  /** A held pair needs a route again. */
  readonly routeWanted: (local: string, remote: string) => void;
}

type Report<Type extends StreamReport['type']> = Extract<StreamReport, { readonly type: Type }>;

export class Dispatch {
  readonly #to: Concerned;

  constructor(concerned: Concerned) {
    this.#to = concerned;
  }

  // ——— streams

  streamReported(report: StreamReport): void {
    const row = this.#to.streams.get(report.stream);
    if (row !== undefined) this.#note(row, report);
    // `streamEnded` reports the same, also when the actor failed or the stream is in no table any more.
    if (report.type === 'stream.closed') return;
    this.#record(report);
    if (row !== undefined) this.#carry(row, report);
  }

  /** The actor of the stream has ended. */
  streamEnded(stream: StreamId, why: Fault | null): void {
    const { streams, search, router, expiry, desk } = this.#to;
    const row = streams.get(stream);
    if (row === undefined) return;
    if (row.stage !== 'closing') this.streamReported({ type: 'stream.closing', stream, fault: why });
    const closed = { type: 'stream.closed' as const, stream, fault: why };
    expiry.forget(stream);
    const stanzas = router.endStream(stream);
    streams.remove(stream);
    desk.streamGone(stream);
    if (stanzas > 0) this.#recordBroken(stream, stanzas);
    this.#record(closed);
    this.#tellPeer(row, closed);
    search.changed(row);
    this.#release(stream);
  }

  /** Updates the tables first, so that a reader of the record sees them up to date. */
  #note(row: StreamRow, report: StreamReport): void {
    const { streams } = this.#to;
    if (report.type === 'stream.verifiable') streams.verifiable(row);
    else if (report.type === 'stream.established') streams.established(row);
    else if (report.type === 'stream.closing') row.stage = 'closing';
  }

  #carry(row: StreamRow, report: StreamReport): void {
    const { actors, streams, search, desk, challenges, router, expiry } = this.#to;
    const { stream } = report;
    switch (report.type) {
      case 'stream.verifiable':
        this.#tellPeer(row, report);
        search.changed(row);
        break;
      case 'stream.established':
        this.#converge(row);
        if (row.stage === 'established') this.#tellPeer(row, report);
        search.changed(row);
        break;
      case 'stream.closing':
        this.#closing(row, report);
        break;
      case 'stream.closed':
        break; // see streamEnded
      case 'pair.accepted':
        this.#pairAccepted(row, report);
        break;
      case 'pair.asserted':
      case 'pair.refused':
        actors.pairs.send(report.from, report.to, report);
        break;
      case 'pair.admitted':
        router.admit(stream, report.from, report.to);
        // Permissive federation admits a peer without a proof, so it may claim any domain: no stanzas are sent to it
        // for that.
        if (report.proof.strength !== 'none') streams.leadsTo(stream, report.from);
        // A peer that connects to us is reachable again.
        actors.peers.send(report.from, { type: 'local.retryRequested' });
        expiry.restsUntil(stream, report.from, report.proof.expiresAtMs);
        break;
      case 'association.settled':
        if (report.outcome.verdict.kind === 'proved') {
          streams.leadsTo(stream, report.outcome.domain);
          expiry.provedUntil(stream, report.outcome.domain, report.outcome.verdict.expiresAtMs);
        }
        actors.pairs.sendToThoseTowards(report.outcome.domain, report);
        break;
      case 'verify.answered':
        desk.answered(report);
        break;
      case 'challenge.settled':
        challenges.settled(report);
        break;
      case 'domain.asserted':
        challenges.asserted(stream, report.domain);
        break;
      case 'domain.withdrawn':
        this.#domainWithdrawn(report);
        break;
      case 'domain.judged':
      case 'verification.settled':
    }
  }

  #closing(row: StreamRow, report: Report<'stream.closing'>): void {
    const { actors, search, desk, challenges, held, router } = this.#to;
    const { stream, fault: why } = report;
    // On a regular close the peer may finish sending; otherwise nothing more is accepted from now on (S1).
    held.hold(stream, endsWithoutFault(why) ? router.closeOutgoing(stream) : router.withdrawStream(stream));
    desk.streamEnds(stream, why);
    challenges.streamEnds(stream, why);
    this.#tellPeer(row, report);
    actors.pairs.sendToThoseOn(stream, report);
    search.changed(row);
  }

  /**
   * The stream's other domains are untouched (L5); pairs of this one look for another stream if they have stanzas to
   * send.
   */
  #domainWithdrawn({ stream, domain, end, fault: why }: Report<'domain.withdrawn'>): void {
    const { streams, challenges, router, expiry } = this.#to;
    if (end === 'local') {
      router.withdrawLocal(stream, domain);
      return;
    }
    streams.leadsNoMore(stream, domain);
    challenges.withdrawn(stream, domain, why);
    expiry.forgetDomain(stream, domain);
    router.withdrawRemote(stream, domain);
  }

  /**
   * Both sides opened a bidirectional stream at once: one is enough (L4). Both ends see the same two ids, and the side
   * that opened the stream with the greater id closes it.
   */
  #converge(row: StreamRow): void {
    for (const loser of this.#to.streams.doublesOf(row)) {
      loser.stage = 'closing'; // from now on it is offered to nobody
      this.#to.actors.streams.send(loser.id, { type: 'local.closeRequested', fault: superseded });
    }
  }

  /** Reports to the peer that requested the stream. */
  #tellPeer(
    row: StreamRow,
    report: Report<'stream.verifiable' | 'stream.established' | 'stream.closing' | 'stream.closed'>,
  ): void {
    if (!row.initiating) return;
    const context = row.context();
    const isOver = report.type === 'stream.closing' || report.type === 'stream.closed';
    this.#to.actors.peers.send(context.remote, isOver ? { ...report, progress: progressOf(context) } : report);
  }

  #pairAccepted(row: StreamRow, report: Report<'pair.accepted'>): void {
    const { actors, held, router } = this.#to;
    const { from, to } = report;
    if (row.stage === 'closing' || router.routeOf(from, to) !== null) return;
    const waiting = held.get(from, to);
    if (waiting === undefined) actors.pairs.wake(from, to, report);
    else waiting.accepted = report;
  }

  #release(stream: StreamId): void {
    for (const { local, remote, accepted, wanted } of this.#to.held.release(stream)) {
      if (accepted !== null) this.#to.actors.pairs.wake(local, remote, accepted);
      else if (wanted) this.#to.routeWanted(local, remote);
    }
  }

  /** L1: this many stanzas that were reported as `sent` may not have arrived. */
  #recordBroken(stream: StreamId, stanzas: number): void {
    const report = { type: 'stream.broken', stanzas };
    this.#to.recorder.record(`stream:${stream}`, { kind: 'report', report });
  }

  #record(report: StreamReport): void {
    this.#to.recorder.record(`stream:${report.stream}`, { kind: 'report', report });
    recordVerdicts(this.#to.recorder, report);
    this.#to.attempts.streamReported(report);
  }

  // ——— pairs

  pairReported(report: PairReport): void {
    const { actors, streams, router, recorder, attempts } = this.#to;
    recorder.record(`pair:${report.local}>${report.remote}`, { kind: 'report', report });
    attempts.pairReported(report);
    switch (report.type) {
      case 'route.requested': {
        const { local, remote, avoid } = report;
        const standing = streams.leadingTo({ remote, purpose: 'stanzas', avoid });
        if (standing === null)
          actors.peers.wake(remote, { type: 'local.streamWanted', local, purpose: 'stanzas', avoid });
        else actors.pairs.send(local, remote, { type: 'route.offered', stream: standing.id, manner: 'assertion' });
        break;
      }
      case 'assertion.requested': {
        const { stream, local, remote } = report;
        actors.pairs.waitsOn(stream, local, remote);
        actors.streams.send(stream, { type: 'local.assertionRequested', from: local, to: remote });
        break;
      }
      case 'association.requested': {
        const { stream, local, remote } = report;
        actors.pairs.waitsOn(stream, local, remote);
        actors.streams.send(stream, { type: 'local.associationRequested', domain: remote });
        break;
      }
      case 'pair.routed':
        router.setRoute(report.local, report.remote, report.stream);
        break;
      case 'pair.failed':
        this.pairFailed(report.local, report.remote, report.fault);
    }
  }

  pairErrored(local: string, remote: string, why: Fault): void {
    const report: BrokenActor = { type: 'pair.errored', local, remote, fault: why };
    this.#to.recorder.record(`pair:${local}>${remote}`, { kind: 'report', report });
    this.pairFailed(local, remote, why);
  }

  pairFailed(local: string, remote: string, why: Fault): void {
    this.#to.router.returnQueue(local, remote, why, decide(why).bounce);
  }

  // ——— peers

  peerReported(report: PeerReport): void {
    const { actors, desk, recorder } = this.#to;
    const { remote } = report;
    recorder.record(`peer:${remote}`, { kind: 'report', report });
    switch (report.type) {
      case 'search.failed':
        break; // recorded
      case 'stream.requested': {
        const { local, purpose, endpoint, avoidExternal } = report;
        const stream = actors.streams.assign();
        actors.peers.send(remote, { type: 'stream.assigned', stream });
        const directTls = endpoint.tls === 'direct';
        const service = 'xmpp-server' as const;
        actors.streams.open({ stream, service, purpose, local, remote, endpoint, directTls, avoidExternal });
        const row = this.#to.streams.get(stream);
        if (row !== undefined) this.#to.search.opening(row);
        break;
      }
      case 'stream.abandoned':
        actors.streams.send(report.stream, { type: 'local.closeRequested', fault: report.fault });
        break;
      case 'stream.offered': {
        const { wish, stream, manner } = report;
        if (wish.purpose === 'verification') desk.streamStands(remote, wish.local, stream);
        else actors.pairs.send(wish.local, remote, { type: 'route.offered', stream, manner });
        break;
      }
      case 'stream.refused': {
        const { wish, fault: why } = report;
        if (wish.purpose === 'verification') desk.streamRefused(remote, wish.local, why);
        else actors.pairs.send(wish.local, remote, { type: 'route.refused', fault: why });
      }
    }
  }

  peerErrored(remote: string, why: Fault): void {
    const report: BrokenActor = { type: 'peer.errored', remote, fault: why };
    this.#to.recorder.record(`peer:${remote}`, { kind: 'report', report });
  }

  /** The proof is renewed in time, so that no stanza is delayed. */
  renewalDue(stream: StreamId, domain: string): void {
    this.#to.actors.streams.send(stream, { type: 'local.renewalRequested', domain });
  }

  /**
   * A stream is closed with `reset` when a proof on it ends, since XMPP has no way to withdraw a single domain (RFC
   * 6120 §13.7.2.3); the next stanzas cause the other domains to be proved again. Where both ends speak the DNA
   * protocol of 2009, there is such a way (ProtoXEP DNA §4.3).
   */
  proofExpired(stream: StreamId, domain: string): void {
    const context = this.#to.streams.get(stream)?.context();
    if (context !== undefined && isMutual(context)) {
      this.#to.actors.streams.send(stream, { type: 'local.proofEnded', domain });
      return;
    }
    const why = fault('stream', 'reset', 'peer', `the proof of ${domain}, on which this stream rests, has ended`);
    this.#to.actors.streams.send(stream, { type: 'local.closeRequested', fault: why });
  }
}
