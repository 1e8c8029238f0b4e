/** The steps of one stream, derived from the state of its chart and its context. */
import type { InspectionEvent } from 'xstate';
import type { StreamContext } from '../../machines/stream/context.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { ProofAttempt } from '../protocol/proof.ts';
import { attemptStep, certificateEvidence, type CheckState, faultEvidence, type Told } from './steps.ts';
import type { TellSince } from './watched.ts';

/** States of the chart that are reported when they are left; `association` reports its prooftypes one by one. */
const TOLD: readonly string[] = ['connecting', 'streamHeaders', 'tlsNegotiation', 'association', 'authentication'];

const isTold = (state: string): state is CheckState => TOLD.includes(state);

export class StreamSteps {
  readonly #tell: TellSince;
  readonly #now: () => number;
  /** Attempts made before the stream was seen in `association`: its child may finish at once. */
  #early: ProofAttempt[] = [];
  #state = 'connecting';
  #sinceMs: number;
  #attempts = 0;
  #attemptSinceMs: number;

  constructor(tell: TellSince, now: () => number) {
    this.#tell = tell;
    this.#now = now;
    this.#sinceMs = this.#attemptSinceMs = now();
  }

  /** Called when the stream may have entered `state`. */
  saw(state: string, context: StreamContext): void {
    if (state === this.#state) return;
    const left = this.#state;
    const sinceMs = this.#sinceMs;
    this.#state = state;
    this.#sinceMs = this.#now();
    const isOver = state === 'closing' || state === 'closed';
    if (isTold(left)) for (const step of stepsOf(left, context, isOver)) this.#tell(step, sinceMs);
    if (state !== 'association') return;
    this.#attemptSinceMs = this.#sinceMs;
    this.#tellAttempts(this.#early);
    this.#early = [];
  }

  /** For `inspect`: collects the attempts of the association as they are made. */
  readonly inspect = (inspected: InspectionEvent): void => {
    if (inspected.type !== '@xstate.microstep') return;
    const all = attemptsIn(inspected);
    if (all === null) return;
    // After a challenge to the far end, a new association starts from zero.
    const made = all.slice(all.length < this.#attempts ? 0 : this.#attempts);
    this.#attempts = all.length;
    if (this.#state === 'association') this.#tellAttempts(made);
    else this.#early.push(...made);
  };

  #tellAttempts(made: readonly ProofAttempt[]): void {
    for (const attempt of made) {
      this.#tell(attemptStep(attempt), this.#attemptSinceMs);
      this.#attemptSinceMs = this.#now();
    }
  }
}

/** The association is a child of the stream with this id. Snapshots are untyped in inspection events. */
function attemptsIn(
  inspected: Extract<InspectionEvent, { type: '@xstate.microstep' }>,
): readonly ProofAttempt[] | null {
  const { id } = inspected.actorRef as { readonly id?: string };
  if (id !== 'association' || !('context' in inspected.snapshot)) return null;
  return (inspected.snapshot.context as { readonly attempts: readonly ProofAttempt[] }).attempts;
}

/** The step to which the end of the stream belongs: its reason may concern the next step. */
const belongsTo = (left: CheckState, why: Fault | null): CheckState =>
  left === 'streamHeaders' && why?.layer === 'sasl' ? 'authentication' : left;

function stepsOf(left: CheckState, context: StreamContext, isOver: boolean): Told[] {
  const isAtItsEnd = left === 'association' && context.associated !== null;
  const why = isOver ? (context.fault ?? (isAtItsEnd ? null : closedWithoutReason)) : null;
  const state = belongsTo(left, why);
  const done = why === null || state !== left ? doneStep(left, context) : null;
  if (why === null || isToldAlready(left, context)) return done === null ? [] : [done];
  const failed: Told = { state, outcome: 'failed', evidence: { ...where(context), fault: faultEvidence(why) } };
  return done === null ? [failed] : [done, failed];
}

/** Whether the attempts have already reported the failure; authentication reports its own result. */
const isToldAlready = (left: CheckState, { associated, fault: why }: StreamContext): boolean =>
  left === 'association' && associated !== null && why !== null && why.layer !== 'stream';

const where = ({ endpoint, connectedTo }: StreamContext): Told['evidence'] =>
  endpoint === null ? {} : { host: endpoint.host, port: endpoint.port, tls: endpoint.tls, address: connectedTo };

function doneStep(left: CheckState, context: StreamContext): Told | null {
  const { tls, negotiation } = context;
  switch (left) {
    case 'connecting':
      return { state: left, outcome: 'done', evidence: where(context) };
    case 'streamHeaders': {
      const { features, wireId, peerSpeaksDialback } = negotiation;
      const offers = [
        ...(features?.startTls === undefined || features.startTls === 'absent' ? [] : ['STARTTLS']),
        ...(features?.mechanisms ?? []).map((name) => `SASL ${name}`),
        ...(features?.dialback === true || peerSpeaksDialback ? ['dialback'] : []),
        ...(features?.bidi === true ? ['bidi'] : []),
      ];
      return { state: left, outcome: 'done', evidence: { id: wireId, offers, underTls: tls !== null } };
    }
    case 'tlsNegotiation': {
      if (tls === null) return null;
      const { protocol, cipher, alpn, certificate } = tls;
      const shown = certificate === null ? null : certificateEvidence(certificate);
      return { state: left, outcome: 'done', evidence: { protocol, cipher, alpn, certificate: shown } };
    }
    case 'association':
    case 'authentication':
    case 'dnsResolution':
      return null;
  }
}

/** The fault used for a stream that ended without giving a reason. */
export const closedWithoutReason = fault(
  'stream',
  'closed',
  'peer',
  'the far end closed the stream and did not say why',
);
