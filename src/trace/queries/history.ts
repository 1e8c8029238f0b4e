/** What has become of a remote domain lately: its last attempts, with what they rested on (FEATURES O2). */
import type { Fault } from '../../protocol/faults.ts';
import { type AttemptVerdict, type Seen, verdictKept } from '../attempt.ts';
import { explained } from '../explain/explain.ts';
import { certificateIn, endpointIn, fieldsIn, numberIn } from '../context.ts';
import { type Negotiation, negotiationsIn } from '../explain/negotiations.ts';
import { traceLimits } from '../limits.ts';
import type { RecordOf } from '../record.ts';
import type { ActorView, View } from '../view/view.ts';

export interface Attempt {
  /** Of the actor whose attempt it is: `pair:a.example>b.example`, `stream:3`. */
  readonly id: string;
  readonly local: string;
  readonly remote: string;
  /** Who wants to send: `outgoing` is us. */
  readonly direction: 'outgoing' | 'incoming';
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** When it was decided; null where it is not. */
  readonly endedMs: number | null;
  /** `left`: nobody wants it any more. */
  readonly outcome: 'holds' | 'failed' | 'waits' | 'left';
  readonly stream: number | null;
  readonly fault: Fault | null;
  /** Sentences for a person; empty where it holds. */
  readonly cause: string;
  readonly fix: string;
  readonly verdicts: readonly AttemptVerdict[];
}

export interface History {
  readonly domain: string;
  /** The newest first. */
  readonly attempts: readonly Attempt[];
}

export function history(view: View, domain: string): History {
  const ended = view.attempts(domain);
  const standing = negotiationsIn(view, { remote: domain })
    .filter((one) => one.outcome === 'waits' || !isToldBy(ended, one))
    .map((one) => standingAttempt(view, one));
  const attempts = [...ended.map(endedAttempt), ...standing].sort((one, other) => other.startedMs - one.startedMs);
  return { domain, attempts: attempts.slice(0, traceLimits.attempts + standing.length) };
}

function endedAttempt(record: RecordOf<'attempt'>): Attempt {
  const { local, remote, direction, startedMs, outcome, stream, fault, cause, fix, verdicts } = record.attempt;
  return {
    ...{ id: record.actor, local, remote, direction, startedMs, endedMs: record.atMs, outcome, stream },
    ...{ fault, cause, fix, verdicts },
  };
}

/** A trace may be of a version that wrote none of these records. */
function isToldBy(ended: readonly RecordOf<'attempt'>[], { local, direction }: Negotiation): boolean {
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

/** Those that have fallen about `domain` on the stream, each once: the newest of its prooftype. */
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
  const secureDelegation = fieldsIn(endpoint)['secureDelegation'] === true;
  return {
    certificate: certificateIn(fieldsIn(tls)['certificate']),
    endpoint: dialled === null ? null : { ...dialled, secureDelegation },
  };
}
