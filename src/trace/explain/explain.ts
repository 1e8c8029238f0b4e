/**
 * Explains the state of negotiations: for each, who waits for whom, since when and until when, what became of it, and
 * what to do. The charts say what a state waits for; the diagnoses and the table of causes say what is wrong.
 */
import type { Mover } from '../../../machines/declare.ts';
import { type Fault, faultSentence } from '../../protocol/faults.ts';
import { faultIn } from '../context.ts';
import type { Diagnosis, Finding } from './diagnoses/diagnosis.ts';
import { diagnoses } from './diagnoses/index.ts';
import { type ChainLink, linkOf } from './chain.ts';
import { failedIn, fullQueue, type Negotiation, servingStream, sinceOf } from './negotiations.ts';
import { type PairWanted, type Prospect, prospectsIn } from './prospects.ts';
import { lasting } from './words.ts';
import type { Roster } from '../view/roster.ts';
import type { View } from '../view/view.ts';

export type { ChainLink } from './chain.ts';
export type { PairWanted } from './prospects.ts';

export interface Explanation {
  /** Domain served here; empty if the far end has not said which one it wants. */
  readonly local: string;
  /** Empty if the far end has not said who it is. */
  readonly remote: string;
  /** Which side wants to send. */
  readonly direction: 'outgoing' | 'incoming';
  /** The moment that is explained, in milliseconds since the epoch. */
  readonly atMs: number;
  /**
   * It failed and nothing has succeeded since, though a new attempt may be under way; or the innermost wait of the
   * chain is longer than usual (5 s for a server or the web, 2 s for the DNS or ourselves); or half of the time of any
   * wait in the chain has passed.
   */
  readonly stuck: boolean;
  /** Path through the chart of the innermost waiting actor, joined by dots; if nothing waits, of the pair. */
  readonly state: string;
  /**
   * The state in which it failed: a path through the chart of the stream, or of the peer if no server was found; else
   * null.
   */
  readonly failedIn: string | null;
  /** What is awaited, in the words of the chart; empty if nothing is. */
  readonly awaits: string;
  /** Who has to act next; if it has failed, who has to fix it. */
  readonly mover: Mover;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When the wait is given up, or the hold-off ends; null if nothing happens by itself. */
  readonly deadlineMs: number | null;
  /** What happens at the deadline, in the words of the chart. */
  readonly ifLate: string | null;
  /** The section that specifies the state. */
  readonly spec: string;
  /** From the stanza to the actor that all the others wait for. */
  readonly chain: readonly ChainLink[];
  readonly fault: Fault | null;
  /** Id of the diagnosis; null if nothing is wrong. */
  readonly diagnosis: string | null;
  readonly cause: string;
  readonly fix: string;
}

/**
 * Stuck negotiations come first: those that wait, the longest wait first, and then those that have failed, the newest
 * first.
 * @param most number of negotiations explained; the others are not looked into. @defaultValue all
 */
export const explain = (view: View, pair: PairWanted = {}, most = Infinity): readonly Explanation[] =>
  toEnd(survey(view, pair, most)).explanations;

export interface Survey {
  readonly explanations: readonly Explanation[];
  /** How many negotiations there are, and how many of them are stuck. */
  readonly total: number;
  readonly stuck: number;
}

/** Negotiations looked at between two yields. */
const A_STEP = 16;

/** Like {@link explain}, in steps: a caller with other work may pause at each yield. */
export function* survey(view: View, pair: PairWanted, most: number): Generator<undefined, Survey> {
  const seen: Seen = { prospects: [], stuck: 0, failed: 0 };
  yield* see(view, pair, seen);
  const explanations: Explanation[] = [];
  yield* tell(view, worst(seen.prospects, most), explanations);
  return { explanations, total: seen.prospects.length, stuck: seen.stuck };
}

/** Negotiations seen so far. */
export interface Seen {
  readonly prospects: Prospect[];
  stuck: number;
  /** Number of stuck negotiations that have failed. */
  failed: number;
}

/** Takes a cheap look at all negotiations. */
export function* see(view: View, pair: PairWanted, seen: Seen, roster: Roster | null = null): Generator<undefined> {
  let looked = 0;
  for (const prospect of prospectsIn(view, pair, roster)) {
    if (++looked % A_STEP === 0) yield;
    if (prospect === null) continue;
    seen.prospects.push(prospect);
    if (!prospect.stuck) continue;
    seen.stuck += 1;
    if (hasFailed(prospect)) seen.failed += 1;
  }
}

export const worst = (prospects: readonly Prospect[], most: number): readonly Prospect[] =>
  [...prospects].sort(byUrgency).slice(0, most);

/** Explains each of them; `explanations` is filled at the end, in order. */
export function* tell(view: View, prospects: readonly Prospect[], explanations: Explanation[]): Generator<undefined> {
  const told: (Urgency & { readonly explanation: Explanation })[] = [];
  for (const prospect of prospects) {
    const negotiation = prospect.tell();
    if (negotiation !== null) {
      const explanation = explained(view, negotiation);
      const { stuck, sinceMs, direction } = explanation;
      told.push({ stuck, outcome: negotiation.outcome, sinceMs, direction, explanation });
    }
    yield;
  }
  for (const { explanation } of told.sort(byUrgency)) explanations.push(explanation);
}

type Urgency = Pick<Prospect, 'stuck' | 'outcome' | 'sinceMs' | 'direction'>;

/**
 * Old failures, which may be many, must not hide current waits; nor must the failed claims of strangers hide our own
 * failures to send.
 */
const byUrgency = (a: Urgency, b: Urgency): number =>
  Number(b.stuck) - Number(a.stuck) ||
  Number(hasFailed(a)) - Number(hasFailed(b)) ||
  Number(isRefused(a)) - Number(isRefused(b)) ||
  (hasFailed(a) ? b.sinceMs - a.sinceMs : a.sinceMs - b.sinceMs);

const hasFailed = ({ outcome }: Urgency): boolean => outcome === 'failed';
const isRefused = (one: Urgency): boolean => hasFailed(one) && one.direction === 'incoming';

/** Runs all steps without a pause. */
export function toEnd<Result>(steps: Generator<unknown, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export function explained(view: View, negotiation: Negotiation): Explanation {
  const { local, remote, direction, stuck, chain, subject, waiting, fault } = negotiation;
  const diagnosis = diagnosisOf(view, negotiation);
  const { cause, fix, mover } = diagnosis?.explain(view, negotiation, view.atMs) ?? unsuspicious(view, negotiation);
  const own = linkOf(subject);
  return {
    local,
    remote,
    direction,
    atMs: view.atMs,
    stuck,
    state: waiting?.state ?? own.state,
    failedIn: failedIn(negotiation),
    awaits: waiting?.awaits ?? '',
    mover: mover ?? (fault === null ? null : moverOf(fault)) ?? waiting?.mover ?? 'us',
    sinceMs: sinceOf(view, negotiation),
    deadlineMs: waiting?.deadlineMs ?? null,
    ifLate: waiting?.ifLate ?? null,
    spec: waiting?.spec ?? own.spec,
    chain,
    fault,
    diagnosis: diagnosis?.id ?? null,
    cause: `${cause}${ofQueue(view, negotiation)}`,
    fix,
  };
}

function ofQueue(view: View, negotiation: Negotiation): string {
  const stanzas = fullQueue(view, negotiation);
  const { local, remote } = negotiation;
  return stanzas === null
    ? ''
    : ` Meanwhile the queue from ${local} to ${remote} is full (${stanzas} stanzas), and more are returned.`;
}

/** The first diagnosis that suspects something; if none does and it is stuck, the first that would suspect it later. */
function diagnosisOf(view: View, negotiation: Negotiation): Diagnosis | null {
  let early: Diagnosis | null = null;
  for (const diagnosis of diagnoses) {
    const suspicion = diagnosis.check(view, negotiation, view.atMs);
    if (suspicion === 'suspect') return diagnosis;
    if (suspicion === 'not-yet') early ??= diagnosis;
  }
  return negotiation.stuck ? early : null;
}

/** Local faults are for the operator of this machine. */
const moverOf = ({ origin }: Fault): Mover | null =>
  origin === 'local' ? 'operator' : ((['peer', 'dns', 'web'] as const).find((one) => one === origin) ?? null);

/** When nothing is wrong, or the reason is unknown. */
function unsuspicious(
  view: View,
  { outcome, waiting, local, remote, direction, subject, stuck }: Negotiation,
): Finding {
  const [from, to] = direction === 'outgoing' ? [local, remote] : [remote, local];
  if (outcome === 'holds')
    return { cause: `Stanzas from ${from || 'it'} to ${to || 'us'} have a route.`, fix: 'Nothing.' };
  if (outcome === 'left' && subject.state[0] === 'routed') {
    const { ended = null, context } = servingStream(view, subject) ?? {};
    const why = ended?.fault ?? faultIn(context?.['fault']);
    return {
      cause: `The stream from ${from} to ${to} has ended${why === null ? '' : `: ${faultSentence(why)}`}. What was written to it last may not have arrived if it was broken off.`,
      fix: 'Nothing: the next stanza opens another one.',
    };
  }
  if (outcome === 'left' || waiting === null)
    return { cause: `Nobody waits for it any more: ${linkOf(subject).description}`, fix: 'Nothing.' };
  const since = lasting(view.atMs - waiting.sinceMs);
  return stuck
    ? { cause: `It has waited for ${waiting.awaits} for ${since}.`, fix: `Look at what it waits for: ${waiting.spec}.` }
    : { cause: `It has waited for ${waiting.awaits} for ${since}, which is not unusual.`, fix: 'Wait a moment.' };
}

/** `a.example>b.example`, or one domain of it alone. */
export function pairFrom(text: string): PairWanted {
  const at = text.indexOf('>');
  if (at < 0) return { remote: text };
  return { local: text.slice(0, at), remote: text.slice(at + 1) };
}
