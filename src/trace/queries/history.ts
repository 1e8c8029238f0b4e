/** The recent history of a remote domain: its last attempts, with the evidence for each. */
import type { Fault } from '../../protocol/faults.ts';
import { type AttemptVerdict, type Seen, verdictKept } from '../attempt.ts';
import { explained, toEnd } from '../explain/explain.ts';
import { certificateIn, endpointIn, fieldsIn, numberIn } from '../context.ts';
import type { Negotiation } from '../explain/negotiations.ts';
import { type Prospect, prospectsIn } from '../explain/prospects.ts';
import { traceLimits } from '../limits.ts';
import type { RecordOf } from '../record.ts';
import type { ActorView, View } from '../view/view.ts';

export interface Attempt {
  /** Id of the actor whose attempt it is: `pair:a.example>b.example`, `stream:3`. */
  readonly id: string;
  readonly local: string;
  readonly remote: string;
  /** Which side wants to send: `outgoing` means us. */
  readonly direction: 'outgoing' | 'incoming';
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** When it was decided; null if it is undecided. */
  readonly endedMs: number | null;
  /** `left`: nobody wants it any more. */
  readonly outcome: 'holds' | 'failed' | 'waits' | 'left';
  readonly stream: number | null;
  readonly fault: Fault | null;
  /** Sentences for a person; empty if the attempt holds. */
  readonly cause: string;
  readonly fix: string;
  readonly verdicts: readonly AttemptVerdict[];
}

export interface History {
  readonly domain: string;
  /** The newest first. */
  readonly attempts: readonly Attempt[];
  /**
   * Number of domains all of whose attempts were dropped to make room for others: if no attempt is listed, this domain
   * may be one of them.
   */
  readonly forgotten: number;
}

/**
 * Maximum number of attempts of one domain that are undecided or have no record: a large domain may have ten thousand
 * with us.
 */
const MOST_STANDING = 50;

export const history = (view: View, domain: string): History => toEnd(historySteps(view, domain));

/** Like {@link history}, in steps. */
export function* historySteps(view: View, domain: string): Generator<undefined, History> {
  const ended = view.attempts(domain);
  const prospects: Prospect[] = [];
  for (const prospect of prospectsIn(view, { remote: domain })) {
    yield;
    if (prospect !== null && (prospect.outcome === 'waits' || !isToldBy(ended, prospect))) prospects.push(prospect);
  }
  const standing: Attempt[] = [];
  for (const prospect of prospects.sort(byNews).slice(0, MOST_STANDING)) {
    const negotiation = prospect.tell();
    if (negotiation !== null) standing.push(standingAttempt(view, negotiation));
    yield;
  }
  const attempts = [...ended.map(endedAttempt), ...standing].sort((one, other) => other.startedMs - one.startedMs);
  const told = attempts.slice(0, traceLimits.attempts + standing.length);
  return { domain, attempts: told, forgotten: view.forgotten ?? 0 };
}

/** Waiting ones first, then the newest. */
const byNews = (one: Prospect, other: Prospect): number =>
  Number(other.outcome === 'waits') - Number(one.outcome === 'waits') || other.sinceMs - one.sinceMs;

function endedAttempt(record: RecordOf<'attempt'>): Attempt {
  const { local, remote, direction, startedMs, outcome, stream, fault, cause, fix, verdicts } = record.attempt;
  return {
    ...{ id: record.actor, local, remote, direction, startedMs, endedMs: record.atMs, outcome, stream },
    ...{ fault, cause, fix, verdicts },
  };
}

/** The trace may come from a version that did not write attempt records. */
function isToldBy(ended: readonly RecordOf<'attempt'>[], { local, direction }: Prospect): boolean {
  return ended.some(({ attempt }) => attempt.local === local && attempt.direction === direction);
}

function standingAttempt(view: View, negotiation: Negotiation): Attempt {
  const { subject, local, remote, direction, stream, outcome, fault } = negotiation;
  const { cause, fix } = outcome === 'holds' ? { cause: '', fix: '' } : explained(view, negotiation);
  return {
    ...{ id: subject.id, local, remote, direction, outcome, fault, cause, fix },
    startedMs: subject.bornMs ?? subject.path[0]?.atMs ?? view.atMs,
    endedMs: outcome === 'waits' ? null : (subject.ended?.atMs ?? subject.path.at(-1)?.atMs ?? null),
    stream: stream === null ? null : (numberIn(stream.context['stream']) ?? streamIn(stream.id)),
    verdicts: stream === null ? [] : verdictsOf(view, stream, remote),
  };
}

const streamIn = (id: string): number | null => numberIn(Number(id.slice('stream:'.length)));

/** The verdicts about `domain` on the stream: the newest of each prooftype. */
function verdictsOf(view: View, stream: ActorView, domain: string): readonly AttemptVerdict[] {
  const seen = seenBy(stream);
  const newest = new Map<string, AttemptVerdict>();
  for (const record of view.recordsOf(stream.id)) {
    if (record.kind !== 'verdict' || record.domain !== domain) continue;
    newest.set(record.prooftype, verdictKept(record, seen));
  }
  return [...newest.values()];
}

function seenBy({ context: { tls, endpoint } }: ActorView): Seen {
  const dialled = endpointIn(endpoint);
  const { secureDelegation, delegatedUntilMs } = fieldsIn(endpoint);
  const delegation = {
    secureDelegation: secureDelegation === true,
    delegatedUntilMs: numberIn(delegatedUntilMs),
  };
  return {
    certificate: certificateIn(fieldsIn(tls)['certificate']),
    endpoint: dialled === null ? null : { ...dialled, ...delegation },
  };
}
