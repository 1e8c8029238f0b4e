/**
 * One full negotiation with a domain, using the charts of the daemon but sending no stanza (RFC 7712 §4.2; §3 for
 * clients): targets are tried in order until the domain is proved at one of them.
 */
import { type Actor, createActor } from 'xstate';
import type { PeerReport, StreamReport } from '../../machines/events.ts';
import { progressOf } from '../../machines/stream/context.ts';
import { acceptableProof } from '../../machines/stream/rules.ts';
import { makeEffects, type Machines, type OtherStreams, provideEffects } from '../control/effects.ts';
import { Recorder } from '../control/recorder.ts';
import type { Ports, Resolver } from '../ports.ts';
import { fault, type Fault, toFault } from '../protocol/faults.ts';
import { canonicalPolicy, deniedBy, policyFor, type PolicyOptions } from '../protocol/policy.ts';
import { withoutKeys } from '../trace/record.ts';
import { Attempt, type StreamRequest } from './attempt.ts';
import { type Findings, findingsOf } from './findings.ts';
import { noOtherStreams } from './no-other-streams.ts';
import { ignoredTlsa, wantsTlsFirst } from './probe.ts';
import type { CheckQuestion } from './question.ts';
import { authenticationStep, type CheckStep, type Told, unauthenticatedStep } from './steps.ts';
import { closedWithoutReason } from './stream-steps.ts';
import { checkTransport, type TransportEars } from './transport.ts';
import { type CheckVerdict, verdictOf } from './verdict.ts';
import { type TellSince, watchedNetwork, watchedResolver } from './watched.ts';

/**
 * Reports each step as it happens. Resolves when the stream is closed or dropped; never rejects because of the network.
 * @param recorder receives the records of the streams, if somebody reads them
 */
export function runCheck(
  question: CheckQuestion,
  ports: Ports,
  tell: (step: CheckStep) => void,
  recorder: Recorder = new Recorder({ clock: ports.clock, records: 0 }),
): Promise<CheckVerdict> {
  return new Check(question, ports, tell, recorder).run();
}

class Check {
  readonly #question: CheckQuestion;
  readonly #ports: Ports;
  /** A resolver whose answers are not reported as steps. */
  readonly #unwatched: Resolver;
  readonly #beganMs: number;
  readonly #told: (step: CheckStep) => void;
  readonly #recorder: Recorder;
  readonly #machines: Machines;
  readonly #others: OtherStreams;
  readonly #policy: PolicyOptions;
  readonly #attempts: Attempt[] = [];
  #finished: ((why: Fault | null) => void) | null = null;
  #peer: { send: Actor<Machines['peer']>['send'] } | null = null;

  constructor(question: CheckQuestion, ports: Ports, tell: (step: CheckStep) => void, recorder: Recorder) {
    this.#question = question;
    this.#beganMs = ports.clock.now();
    this.#told = tell;
    this.#recorder = recorder;
    this.#unwatched = ports.resolver;
    this.#others = noOtherStreams({
      clock: ports.clock,
      challenge: (stream, domain, prooftypes) =>
        this.#attempts[stream]?.send({ type: 'local.challengeRequested', domain, prooftypes }),
    });
    this.#policy = canonicalPolicy(question.policy);
    const network = watchedNetwork(ports.network, (bytes) => {
      const attempt = this.#attempts.at(-1);
      if (attempt !== undefined) attempt.firstBytes = bytes;
    });
    this.#ports = { ...ports, network, resolver: watchedResolver(ports.resolver, ports.clock, this.#tell) };
    const transport = checkTransport(this.#ports, question, this.#ears());
    this.#machines = provideEffects(makeEffects(this.#ports, transport, this.#others, new Map()), (chart) =>
      recorder.watch(chart),
    );
  }

  async run(): Promise<CheckVerdict> {
    const { domain, service, local } = this.#question;
    const { clock } = this.#ports;
    const policy = policyFor(this.#policy, domain);
    const peer = createActor(this.#machines.peer, {
      id: `peer:${domain}`,
      input: {
        remote: domain,
        service,
        // A fixed target is that of servers; a client follows the DNS.
        fixedTarget: service === 'xmpp-client' ? null : policy.target,
        asksForTlsa: policy.prooftypes.includes('dane'),
        denied: deniedBy(this.#policy, domain),
        jitter: 0,
      },
      clock,
    });
    this.#peer = peer;
    const outcome = new Promise<Fault | null>((resolve) => {
      this.#finished = (why) => {
        this.#finished = null;
        resolve(why);
      };
    });
    peer.on('*', (report) => this.#peerReported(report));
    peer.subscribe({ error: (thrown) => this.#finish(toFault(thrown, 'internal')) });
    peer.start();
    peer.send({ type: 'local.streamWanted', local, purpose: 'stanzas', avoid: [] });
    const why = await outcome;
    peer.stop();
    const asked = { domain, service, local, policy, validates: this.#ports.resolver.validates, nowMs: clock.now() };
    const findings = findingsOf(asked, this.#attempts, why);
    const probed = why === null ? {} : await this.#probe(findings);
    await Promise.all(this.#attempts.map((attempt) => attempt.leave()));
    return verdictOf({ ...findings, ...probed });
  }

  async #probe(findings: Findings): Promise<Pick<Findings, 'ignoredTlsa' | 'wantsTlsFirst'>> {
    const ports = { ...this.#ports, resolver: this.#unwatched };
    return {
      ignoredTlsa: await ignoredTlsa(findings, ports, this.#tell),
      wantsTlsFirst: await wantsTlsFirst(findings, ports, this.#tell),
    };
  }

  readonly #tell: TellSince = (step: Told, sinceMs: number) => {
    const nowMs = this.#ports.clock.now();
    this.#told({ ...step, atMs: Math.round(nowMs - this.#beganMs), ms: Math.round(nowMs - sinceMs) });
  };

  #tellNow(step: Told): void {
    this.#tell(step, this.#ports.clock.now());
  }

  #finish(why: Fault | null): void {
    this.#finished?.(why);
  }

  #ears(): TransportEars {
    return {
      chainPresented: (stream, chain) => {
        const attempt = this.#attempts[stream];
        if (attempt !== undefined) attempt.row.chain = chain;
      },
      stanzaCame: (stream, why) => this.#attempts[stream]?.send({ type: 'transport.stanzaRefused', fault: why }),
      saslFailed: (stream, why) => {
        const attempt = this.#attempts[stream];
        if (attempt === undefined) return;
        attempt.look();
        attempt.saslFault = why;
        this.#tellNow(authenticationStep('SASL EXTERNAL', this.#question.local, 'refused', why));
      },
      onWire: (stream, direction, element, bytes) => {
        const record = { kind: 'wire', direction, element: withoutKeys(element), bytes } as const;
        this.#recorder.record(`stream:${stream}`, record);
      },
    };
  }

  #peerReported(report: PeerReport): void {
    switch (report.type) {
      case 'stream.requested':
        this.#open(report);
        break;
      case 'stream.abandoned':
        this.#attempts[report.stream]?.send({ type: 'local.closeRequested', fault: report.fault });
        break;
      case 'stream.refused':
        this.#finish(report.fault);
        break;
      case 'stream.offered':
      case 'search.failed':
    }
  }

  #open(request: StreamRequest): void {
    const { resolver, posh, dnaProofs, clock } = this.#ports;
    const stream = this.#attempts.length;
    const attempt = new Attempt(request, {
      stream,
      question: this.#question,
      policy: this.#policy,
      material: { secureDns: resolver.validates, posh: posh !== undefined },
      challenges: dnaProofs !== undefined,
      machine: this.#machines.initiatingStream,
      clock,
      tell: this.#tell,
    });
    this.#others.streams.add(attempt.row);
    this.#attempts.push(attempt);
    this.#peer?.send({ type: 'stream.assigned', stream });
    attempt.start({
      reported: (report) => this.#streamReported(attempt, report),
      ended: (why) => this.#ended(attempt, 'stream.closed', why),
    });
  }

  #streamReported(attempt: Attempt, report: StreamReport): void {
    this.#recorder.record(`stream:${report.stream}`, { kind: 'report', report });
    attempt.look();
    switch (report.type) {
      case 'pair.accepted':
        attempt.accepted = report.proof;
        this.#authenticated(attempt, 'accepted', null);
        if (attempt.established) this.#finish(null);
        break;
      case 'pair.refused':
        this.#authenticated(attempt, 'refused', report.fault);
        this.#finish(report.fault);
        break;
      case 'stream.established':
        attempt.established = true;
        this.#established(attempt);
        break;
      case 'challenge.settled':
        this.#others.challenges.settled(report);
        break;
      case 'stream.closing':
        this.#others.challenges.streamEnds(report.stream, report.fault);
        this.#ended(attempt, 'stream.closing', report.fault);
        break;
      default:
    }
  }

  #authenticated({ context }: Attempt, outcome: 'accepted' | 'refused', why: Fault | null): void {
    const method = context.negotiation.phase === 'authenticated' ? 'SASL EXTERNAL' : 'dialback';
    this.#tellNow(authenticationStep(method, this.#question.local, outcome, why));
  }

  /** The far end is proved as the policy requires; what remains is whether it believes us. */
  #established(attempt: Attempt): void {
    const { domain, local, authentication } = this.#question;
    if (attempt.accepted !== null) {
      this.#finish(null);
    } else if (authentication === null) {
      this.#tellNow(unauthenticatedStep('no authentication was tried: no --config with a certificate for us'));
      this.#finish(null);
    } else if (authentication.dialbackSecret === null) {
      const text = 'no dialback.secret, so no server could confirm a key of ours';
      this.#tellNow(unauthenticatedStep(text));
      this.#finish(attempt.saslFault ?? fault('dialback', 'no-secret', 'local', text));
    } else {
      attempt.send({ type: 'local.assertionRequested', from: local, to: domain });
    }
  }

  #ended(attempt: Attempt, type: 'stream.closing' | 'stream.closed', why: Fault | null): void {
    if (this.#finished === null || attempt !== this.#attempts.at(-1)) return;
    const { domain, service, authentication } = this.#question;
    const { context } = attempt;
    const isProved = acceptableProof(context, domain) !== null && context.associated !== null;
    if (isProved && why === null && service === 'xmpp-client') this.#finish(null);
    else if (isProved && authentication === null && why?.condition === 'no-method-offered') {
      this.#tellNow(unauthenticatedStep('the far end offers strangers neither SASL EXTERNAL nor dialback'));
      this.#finish(null);
    } else if (attempt.established) {
      this.#finish(why ?? fault('dialback', 'closed-while-waiting', 'peer', 'the far end closed the stream'));
    } else {
      const stream = this.#attempts.indexOf(attempt);
      this.#peer?.send({ type, stream, fault: why ?? closedWithoutReason, progress: progressOf(context) });
    }
  }
}
