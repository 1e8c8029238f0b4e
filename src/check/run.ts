/**
 * One full negotiation towards a domain, with the charts of the daemon and without a stanza (RFC 7712 §4.2; §3 for clients):
 * every target is tried, in order, until the domain is proved at one.
 */
import { type Actor, createActor } from 'xstate';
import { setOf } from '../../machines/collections/growing-table.ts';
import type { PeerReport, StreamReport } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { dialbackIsOffered, progressOf, type StreamContext } from '../../machines/stream/context.ts';
import { acceptableProof } from '../../machines/stream/rules.ts';
import { makeEffects, type Machines, type OtherStreams, provideEffects } from '../control/effects.ts';
import type { StreamRow } from '../control/standing-streams.ts';
import type { Credential, Ports, Resolver } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import { fault, type Fault, toFault } from '../protocol/faults.ts';
import { canonicalPolicy, deniedBy, policyFor, type PolicyOptions } from '../protocol/policy.ts';
import type { Proof } from '../protocol/proof.ts';
import type { Service } from '../protocol/service.ts';
import { formatTlsa, tlsaOwner, type TlsaRecord } from '../protocol/tlsa.ts';
import { statePath } from '../trace/record.ts';
import { checkTransport } from './transport.ts';
import { noOtherStreams } from './no-other-streams.ts';
import { mayWantTlsFirst, speaksTlsFirst } from './probe.ts';
import { type CheckStep, faultEvidence, type Told } from './steps.ts';
import { closedWithoutReason, StreamSteps } from './stream-steps.ts';
import { type CheckVerdict, type Findings, verdictOf } from './verdict.ts';
import { dnsStep, type TellSince, watchedNetwork, watchedResolver } from './watched.ts';

export interface CheckQuestion {
  /** The domain that is checked, canonical. */
  readonly domain: string;
  readonly service: Service;
  /** Whom the header names as ours, canonical; empty for a client, which names nobody. */
  readonly local: string;
  readonly policy: PolicyOptions;
  /** How we would prove `local`; null where that is not tried. */
  readonly authentication: {
    readonly credential: Credential | null;
    /** That of the server which answers for `local`: it is asked about the key (XEP-0185). Null: dialback is not tried. */
    readonly dialbackSecret: string | null;
  } | null;
}

/** How long the far end has for its closing tag, in milliseconds; the verdict stands by then. */
const FAREWELL_MS = 1_000;

/** Tells each step as it is made. Resolves when the stream is closed, or dropped; never rejects for what the network does. */
export function runCheck(
  question: CheckQuestion,
  ports: Ports,
  tell: (step: CheckStep) => void,
): Promise<CheckVerdict> {
  return new Check(question, ports, tell).run();
}

type StreamActor = Actor<Machines['initiatingStream']>;

/** One endpoint, tried. */
interface Attempt {
  readonly actor: StreamActor;
  readonly endpoint: Endpoint;
  readonly row: StreamRow;
  /** Tells what has become known since it was called last. */
  readonly look: () => void;
  firstBytes: Buffer | null;
  established: boolean;
  accepted: Proof | null;
  /** Why SASL EXTERNAL did not do; dialback may. */
  saslFault: Fault | null;
}

class Check {
  readonly #question: CheckQuestion;
  readonly #ports: Ports;
  /** Whose answers are not told as steps. */
  readonly #unwatched: Resolver;
  readonly #now: () => number;
  readonly #beganMs: number;
  readonly #told: (step: CheckStep) => void;
  readonly #machines: Machines;
  readonly #others: OtherStreams;
  readonly #policy: PolicyOptions;
  readonly #attempts: Attempt[] = [];
  #finished: ((why: Fault | null) => void) | null = null;
  #peer: { send: Actor<Machines['peer']>['send'] } | null = null;

  constructor(question: CheckQuestion, ports: Ports, tell: (step: CheckStep) => void) {
    this.#question = question;
    this.#now = () => ports.clock.now();
    this.#beganMs = this.#now();
    this.#told = tell;
    this.#unwatched = ports.resolver;
    this.#others = noOtherStreams({
      clock: ports.clock,
      challenge: (stream, domain, prooftypes) =>
        this.#attempts[stream]?.actor.send({ type: 'local.challengeRequested', domain, prooftypes }),
    });
    this.#policy = canonicalPolicy(question.policy);
    const { clock } = ports;
    const network = watchedNetwork(ports.network, (bytes) => {
      const attempt = this.#attempts.at(-1);
      if (attempt !== undefined) attempt.firstBytes = bytes;
    });
    this.#ports = { ...ports, network, resolver: watchedResolver(ports.resolver, clock, this.#tell) };
    const transport = checkTransport(this.#ports, question, {
      chainPresented: (stream, chain) => {
        const attempt = this.#attempts[stream];
        if (attempt !== undefined) attempt.row.chain = chain;
      },
      stanzaCame: (stream, why) => this.#attempts[stream]?.actor.send({ type: 'transport.stanzaRefused', fault: why }),
      saslFailed: (stream, why) => {
        const attempt = this.#attempts[stream];
        if (attempt === undefined) return;
        attempt.look();
        attempt.saslFault = why;
        const evidence = { method: 'SASL EXTERNAL', local: question.local, fault: faultEvidence(why) };
        this.#tell({ state: 'authentication', outcome: 'refused', evidence }, this.#now());
      },
    });
    this.#machines = provideEffects(makeEffects(this.#ports, transport, this.#others, new Map()));
  }

  async run(): Promise<CheckVerdict> {
    const { domain, service, local } = this.#question;
    const { clock } = this.#ports;
    const policy = policyFor(this.#policy, domain);
    const peer = createActor(this.#machines.peer, {
      input: {
        remote: domain,
        service,
        fixedTarget: policy.target,
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
    const findings = this.#findings(why);
    const ignoredTlsa = why === null ? [] : await this.#ignoredTlsa(findings.endpoint);
    const wantsTlsFirst = why !== null && (await this.#wantsTlsFirst(findings, why));
    await this.#leave();
    return verdictOf({ ...findings, ignoredTlsa, wantsTlsFirst });
  }

  readonly #tell: TellSince = (step: Told, sinceMs: number) => {
    const nowMs = this.#now();
    this.#told({ ...step, atMs: Math.round(nowMs - this.#beganMs), ms: Math.round(nowMs - sinceMs) });
  };

  #finish(why: Fault | null): void {
    this.#finished?.(why);
  }

  #peerReported(report: PeerReport): void {
    switch (report.type) {
      case 'stream.requested':
        this.#open(report);
        break;
      case 'stream.abandoned':
        this.#attempts[report.stream]?.actor.send({ type: 'local.closeRequested', fault: report.fault });
        break;
      case 'stream.refused':
        this.#finish(report.fault);
        break;
      case 'stream.offered':
      case 'search.failed':
    }
  }

  #open({ endpoint, avoidExternal }: Extract<PeerReport, { type: 'stream.requested' }>): void {
    const { domain, service, local, authentication } = this.#question;
    const stream = this.#attempts.length;
    const steps = new StreamSteps(this.#tell, this.#now);
    const look = (): void => {
      const { value, context } = actor.getSnapshot();
      steps.saw(statePath(value)[0] ?? '', context);
    };
    const actor = createActor(this.#machines.initiatingStream, {
      id: 'initiatingStream',
      input: {
        stream,
        settings: {
          hosted: setOf(new Set(local === '' ? [] : [local])),
          policy: this.#policy,
          bidi: false,
          material: { secureDns: this.#ports.resolver.validates, posh: this.#ports.posh !== undefined },
          dna: { checks: this.#ports.dnaProofs !== undefined, proofs: [] },
        },
        purpose: 'stanzas',
        local,
        remote: domain,
        endpoint,
        service,
        directTls: endpoint.tls === 'direct',
        // Who has nothing to show does not ask to be believed.
        avoidExternal: avoidExternal || authentication?.credential == null,
      },
      clock: this.#ports.clock,
      inspect: steps.inspect,
    });
    const row: StreamRow = {
      id: stream,
      initiating: true,
      purpose: 'stanzas',
      endpoint,
      openedFrom: null,
      context: () => actor.getSnapshot().context,
      stage: 'opening',
      leadsTo: new Set(),
      openedAt: 0,
      establishedAt: Infinity,
      chain: null,
    };
    this.#others.streams.add(row);
    const attempt: Attempt = {
      actor,
      endpoint,
      row,
      look,
      firstBytes: null,
      established: false,
      accepted: null,
      saslFault: null,
    };
    this.#attempts.push(attempt);
    this.#peer?.send({ type: 'stream.assigned', stream });
    actor.on('*', (report) => this.#streamReported(attempt, report));
    actor.subscribe({
      next: look,
      error: (thrown) => this.#ended(attempt, 'stream.closed', toFault(thrown, 'internal')),
      complete: () => this.#ended(attempt, 'stream.closed', actor.getSnapshot().context.fault),
    });
    actor.start();
  }

  #streamReported(attempt: Attempt, report: StreamReport): void {
    attempt.look();
    switch (report.type) {
      case 'pair.accepted':
        attempt.accepted = report.proof;
        this.#tellAuthentication(attempt, 'accepted', null);
        if (attempt.established) this.#finish(null);
        break;
      case 'pair.refused':
        this.#tellAuthentication(attempt, 'refused', report.fault);
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

  /** The far end is proved, as the policy wants it; what is left is whether it believes us. */
  #established(attempt: Attempt): void {
    const { domain, local, authentication } = this.#question;
    if (attempt.accepted !== null) {
      this.#finish(null);
    } else if (authentication === null) {
      this.#tellSkipped('nobody is authenticated: no --config with a certificate for us');
      this.#finish(null);
    } else if (authentication.dialbackSecret === null) {
      const text = 'no dialback.secret, so nobody could answer for a key of ours';
      this.#tellSkipped(text);
      this.#finish(attempt.saslFault ?? fault('dialback', 'no-secret', 'local', text));
    } else {
      attempt.actor.send({ type: 'local.assertionRequested', from: local, to: domain });
    }
  }

  #ended(attempt: Attempt, type: 'stream.closing' | 'stream.closed', why: Fault | null): void {
    if (this.#finished === null || attempt !== this.#attempts.at(-1)) return;
    const context = contextOf(attempt);
    const isProved = acceptableProof(context, this.#question.domain) !== null && context.associated !== null;
    if (isProved && why === null && this.#question.service === 'xmpp-client') this.#finish(null);
    else if (isProved && this.#question.authentication === null && why?.condition === 'no-method-offered') {
      this.#tellSkipped('the far end offers strangers neither SASL EXTERNAL nor dialback');
      this.#finish(null);
    } else if (attempt.established) {
      this.#finish(why ?? fault('dialback', 'closed-while-waiting', 'peer', 'the far end closed the stream'));
    } else {
      const stream = this.#attempts.indexOf(attempt);
      this.#peer?.send({ type, stream, fault: why ?? closedWithoutReason, progress: progressOf(context) });
    }
  }

  #tellAuthentication(attempt: Attempt, outcome: string, why: Fault | null): void {
    const method = contextOf(attempt).negotiation.phase === 'authenticated' ? 'SASL EXTERNAL' : 'dialback';
    const evidence = { method, local: this.#question.local, ...(why === null ? {} : { fault: faultEvidence(why) }) };
    this.#tell({ state: 'authentication', outcome, evidence }, this.#now());
  }

  #tellSkipped(why: string): void {
    this.#tell({ state: 'authentication', outcome: 'skipped', evidence: { method: null, why } }, this.#now());
  }

  /** What the verdict rests on: the attempt that ended with the fault, or the last. */
  #findings(why: Fault | null): Findings {
    const { domain, service, local } = this.#question;
    const attempt =
      this.#attempts.findLast((one) => why !== null && contextOf(one).fault === why) ?? this.#attempts.at(-1);
    const context = attempt === undefined ? null : contextOf(attempt);
    return {
      fault: why,
      domain,
      service,
      local,
      policy: policyFor(this.#policy, domain),
      validates: this.#ports.resolver.validates,
      nowMs: this.#now(),
      endpoint: attempt?.endpoint ?? null,
      association: context?.associated ?? null,
      proof: context?.associated == null ? null : (attempt?.accepted ?? acceptableProof(context, domain)),
      isEncrypted: context !== null && context.tls !== null,
      startTls: context?.tls === null ? (context.negotiation.features?.startTls ?? null) : null,
      dialbackIsOffered: context !== null && dialbackIsOffered(context),
      isAccepted: attempt !== undefined && attempt.accepted !== null,
      certificate: context?.tls?.certificate ?? null,
      chainLength: attempt?.row.chain?.der.length ?? null,
      firstBytes: attempt?.firstBytes?.toString('latin1') ?? null,
      saslFault: attempt?.saslFault ?? null,
      ignoredTlsa: [],
      wantsTlsFirst: false,
    };
  }

  /** Records that DANE may not look at (RFC 7673 §3.2); asked for so that it can be said. They prove nothing. */
  async #ignoredTlsa(endpoint: Endpoint | null): Promise<readonly TlsaRecord[]> {
    const { resolver } = this.#ports;
    if (endpoint === null || endpoint.dane.kind !== 'none' || !resolver.validates) return [];
    if (!['insecure-delegation', 'insecure-address', 'no-tlsa'].includes(endpoint.dane.why.condition)) return [];
    const sinceMs = this.#now();
    const owner = tlsaOwner(endpoint.host, endpoint.port);
    const giveUp = new AbortController();
    const timer = this.#ports.clock.setTimeout(() => giveUp.abort('late'), limits.addressesMs);
    const answer = await this.#unwatched.tlsa(owner, giveUp.signal);
    this.#ports.clock.clearTimeout(timer);
    if (answer.records.length > 0) this.#tell(dnsStep(`TLSA ${owner}`, answer, formatTlsa, true), sinceMs);
    return answer.records;
  }

  async #wantsTlsFirst({ domain, service, endpoint }: Findings, why: Fault): Promise<boolean> {
    const firstBytes = this.#attempts.at(-1)?.firstBytes ?? null;
    if (endpoint === null || !mayWantTlsFirst(endpoint, why, firstBytes)) return false;
    const sinceMs = this.#now();
    const isIt = await speaksTlsFirst(this.#ports, endpoint, domain, service);
    const evidence = { host: endpoint.host, port: endpoint.port, probe: 'TLS from the first byte' };
    this.#tell({ state: 'tlsNegotiation', outcome: isIt ? 'probed' : 'failed', evidence }, sinceMs);
    return isIt;
  }

  /** Closing tags are exchanged where the far end still listens. */
  async #leave(): Promise<void> {
    const open = this.#attempts.filter(({ actor }) => actor.getSnapshot().status === 'active');
    const { clock } = this.#ports;
    await Promise.all(
      open.map(
        ({ actor }) =>
          new Promise<void>((resolve) => {
            const timer = clock.setTimeout(resolve, FAREWELL_MS);
            const end = (): void => {
              clock.clearTimeout(timer);
              resolve();
            };
            actor.subscribe({ complete: end, error: end });
            actor.send({ type: 'local.closeRequested', fault: null });
          }),
      ),
    );
    for (const { actor } of this.#attempts) actor.stop();
  }
}

const contextOf = ({ actor }: Attempt): StreamContext => actor.getSnapshot().context;
