/**
 * Why negotiations stand where they stand: for each, who waits for whom, since when and until when, what became of it, and what
 * to do. What a state waits for is said by its chart; what is wrong, by the diagnoses and the table of causes.
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
  /** Domain served here; empty where the far end has not said whom it wants. */
  readonly local: string;
  /** Empty where it has not said who it is. */
  readonly remote: string;
  /** Who wants to send. */
  readonly direction: 'outgoing' | 'incoming';
  /** The moment that is told of, in milliseconds since the epoch. */
  readonly atMs: number;
  /**
   * It has failed, and nothing has succeeded since, though it may be tried again now; or whoever is waited for, the innermost of the chain, has let pass what is
   * usual (5 s for a server or the web, 2 s for the DNS or ourselves); or half of the time of any wait in the chain has passed.
   */
  readonly stuck: boolean;
  /** Path through the chart of the innermost that waits, joined by dots; where nothing does, of the pair. */
  readonly state: string;
  /** Where it stood when it failed: a path through the chart of the stream, or of the peer where no server was found; else null. */
  readonly failedIn: string | null;
  /** What is waited for, in the words of the chart; empty where nothing is. */
  readonly awaits: string;
  /** Who moves next; where it has failed, who has to put it right. */
  readonly mover: Mover;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When the wait is given up, or the hold-off ends; null where nothing happens by itself. */
  readonly deadlineMs: number | null;
  /** What happens then, in the words of the chart. */
  readonly ifLate: string | null;
  /** The section that the state follows. */
  readonly spec: string;
  /** From the stanza to the one on whom all wait. */
  readonly chain: readonly ChainLink[];
  readonly fault: Fault | null;
  /** Id of the diagnosis; null where nothing is wrong. */
  readonly diagnosis: string | null;
  readonly cause: string;
  readonly fix: string;
}

/**
 * What is stuck comes first: of that what waits, the longest first, and then what has failed, the newest first.
 * @param most of so many; the others are not looked into. @defaultValue all
 */
export const explain = (view: View, pair: PairWanted = {}, most = Infinity): readonly Explanation[] =>
  toEnd(survey(view, pair, most)).explanations;

export interface Survey {
  readonly explanations: readonly Explanation[];
  /** How many there are, and how many of them are stuck. */
  readonly total: number;
  readonly stuck: number;
}

/** Of those that are looked at alone, between two pauses. */
const A_STEP = 16;

/** As {@link explain}, one by one: whoever has others waiting may pause whenever it yields. */
export function* survey(view: View, pair: PairWanted, most: number): Generator<undefined, Survey> {
  const seen: Seen = { prospects: [], stuck: 0, failed: 0 };
  yield* see(view, pair, seen);
  const explanations: Explanation[] = [];
  yield* tell(view, worst(seen.prospects, most), explanations);
  return { explanations, total: seen.prospects.length, stuck: seen.stuck };
}

/** What has been looked at so far. */
export interface Seen {
  readonly prospects: Prospect[];
  stuck: number;
  /** Of those that are stuck. */
  failed: number;
}

/** Looks at all at a glance. */
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

/** Explains each; at the end they are in order. */
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

/** Old failures, of which there may be many, do not hide who waits now; nor what strangers assert in vain where we could not send. */
const byUrgency = (a: Urgency, b: Urgency): number =>
  Number(b.stuck) - Number(a.stuck) ||
  Number(hasFailed(a)) - Number(hasFailed(b)) ||
  Number(isRefused(a)) - Number(isRefused(b)) ||
  (hasFailed(a) ? b.sinceMs - a.sinceMs : a.sinceMs - b.sinceMs);

const hasFailed = ({ outcome }: Urgency): boolean => outcome === 'failed';
const isRefused = (one: Urgency): boolean => hasFailed(one) && one.direction === 'incoming';

/** Without a pause. */
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

/** The first that suspects something; else the first that would, if it took longer. */
function diagnosisOf(view: View, negotiation: Negotiation): Diagnosis | null {
  let early: Diagnosis | null = null;
  for (const diagnosis of diagnoses) {
    const suspicion = diagnosis.check(view, negotiation, view.atMs);
    if (suspicion === 'suspect') return diagnosis;
    if (suspicion === 'not-yet') early ??= diagnosis;
  }
  return negotiation.stuck ? early : null;
}

/** Of ours, whoever runs the machine. */
const moverOf = ({ origin }: Fault): Mover | null =>
  origin === 'local' ? 'operator' : ((['peer', 'dns', 'web'] as const).find((one) => one === origin) ?? null);

/** Where nothing is wrong, or nothing is known to be. */
function unsuspicious(
  view: View,
  { outcome, waiting, local, remote, direction, subject, stuck }: Negotiation,
): Finding {
  const [from, to] = direction === 'outgoing' ? [local, remote] : [remote, local];
  if (outcome === 'holds')
    return { cause: `Stanzas from ${from || 'it'} to ${to || 'us'} have a way.`, fix: 'Nothing.' };
  if (outcome === 'left' && subject.state[0] === 'routed') {
    const { ended = null, context } = servingStream(view, subject) ?? {};
    const why = ended?.fault ?? faultIn(context?.['fault']);
    return {
      cause: `The stream from ${from} to ${to} has ended${why === null ? '' : `: ${faultSentence(why)}`}. What was written to it last may not have arrived if it was broken off.`,
      fix: 'Nothing: the next stanza has another one opened.',
    };
  }
  if (outcome === 'left' || waiting === null)
    return { cause: `Nobody waits for it any more: ${linkOf(subject).description}`, fix: 'Nothing.' };
  const since = lasting(view.atMs - waiting.sinceMs);
  return stuck
    ? { cause: `It has waited for ${waiting.awaits} for ${since}.`, fix: `Look at what it waits for: ${waiting.spec}.` }
    : { cause: `It waits for ${waiting.awaits}, for ${since}: nothing is unusual in that.`, fix: 'Wait a moment.' };
}

/** `a.example>b.example`, or one domain of it alone. */
export function pairFrom(text: string): PairWanted {
  const at = text.indexOf('>');
  if (at < 0) return { remote: text };
  return { local: text.slice(0, at), remote: text.slice(at + 1) };
}
