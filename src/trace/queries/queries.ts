/**
 * Queries on a view, with plain data as answers: for the inspector over a running manager, and for a page over a trace.
 * Both use the same queries, so both show the same.
 */
import type { Mover } from '../../../machines/declare.ts';
import type { Fault } from '../../protocol/faults.ts';
import { type Explanation, see, type Seen, tell, toEnd, worst } from '../explain/explain.ts';
import { faultIn, fieldsIn, numberIn, textIn } from '../context.ts';
import { glanceAt } from '../view/glance.ts';
import {
  contextAt,
  proofWords,
  proofsWords,
  isNamed,
  prooftypeOf,
  provedCount,
  provedIn,
  type ProvedPair,
  provedPair,
} from './proved.ts';
import type { TraceRecord } from '../record.ts';
import { rosterOf } from '../view/roster.ts';
import type { ActorView, View } from '../view/view.ts';

/** `pair`: a pair that negotiates, or did recently; `proved`: a pair that may pass on a stream. */
export type RowKind = 'stream' | 'pair' | 'peer' | 'proved';
export const rowKinds: readonly RowKind[] = ['stream', 'pair', 'peer', 'proved'];

/** One line of a list. */
export interface Row {
  /** Id of the actor; for a proved pair, of its stream. */
  readonly id: string;
  readonly machine: string;
  /** Empty if it has none: a peer, or a stream before the header that names it. */
  readonly local: string;
  readonly remote: string;
  /** Path through its chart, joined by dots; for a proved pair, `incoming` or `outgoing`. */
  readonly state: string;
  readonly description: string;
  /** Milliseconds since the epoch; null if the records do not reach back so far. */
  readonly sinceMs: number | null;
  readonly awaits: string | null;
  readonly mover: Mover | null;
  readonly deadlineMs: number | null;
  readonly endedMs: number | null;
  readonly fault: Fault | null;
  /** For a stream: `TLSv1.3`. */
  readonly tls: string | null;
  /** For a pair: its stream. */
  readonly stream: number | null;
  /** `pkix`, `dialback (weak)`; for a stream, of everything proved on it. */
  readonly proof: string | null;
  /** For a live stream: bytes of XML, including stanzas. Null if not known. */
  readonly bytes: Bytes | null;
}

export interface Bytes {
  readonly in: number;
  readonly out: number;
}

export interface Rows {
  /** Number of rows that match the filter. */
  readonly total: number;
  readonly rows: readonly Row[];
}

export interface Overview {
  readonly atMs: number;
  readonly origin: View['origin'];
  readonly hosts: readonly string[];
  /** Counts of live actors, and of ended ones that are still remembered. */
  readonly counts: Readonly<Record<RowKind, number>>;
  readonly endedCounts: Readonly<Record<RowKind, number>>;
  /** False if there was no time to look at all of them, so others may be stuck as well; a later query sees all. */
  readonly isWhole: boolean;
  /** Number of stuck negotiations, and how many of them have failed. */
  readonly stuckCount: number;
  readonly failedCount: number;
  /** The worst stuck negotiations first. */
  readonly stuck: readonly Explanation[];
  /** Number of records dropped for lack of room. */
  readonly lost: number;
}

export interface ActorAnswer {
  readonly actor: ActorView;
  /** Its newest records, the oldest of them first. */
  readonly records: readonly TraceRecord[];
  /** For a live stream. */
  readonly bytes: Bytes | null;
}

/** Limits for one page. */
const MOST_STUCK = 50;
const MOST_STUCK_SO_FAR = 5;
const MOST_ROWS = 500;
const MOST_RECORDS = 200;
/** Pairs looked at between two yields. */
const PAIRS_A_STEP = 256;

export const overview = (view: View): Overview => toEnd(overviewSteps(view));

/** Like {@link overview}, in steps: at each yield the caller may pause, or take the partial answer. */
export function* overviewSteps(view: View): Generator<(() => Overview) | undefined, Overview> {
  const roster = yield* rosterOf(view);
  const { stream, pair, peer } = roster;
  const proved = stream.living.reduce((sum, id) => sum + provedCount(contextAt(view, id)), 0);
  const counts = { stream: stream.living.length, pair: pair.living.length, peer: peer.living.length, proved };
  const endedCounts = { stream: stream.over.length, pair: pair.over.length, peer: peer.over.length, proved: 0 };
  const { atMs, origin, hosts, lost } = view;
  const seen: Seen = { prospects: [], stuck: 0, failed: 0 };
  const answer = (isWhole: boolean, told: readonly Explanation[]): Overview => {
    const stuck = told.filter((one) => one.stuck);
    const { stuck: stuckCount, failed: failedCount } = seen;
    return { atMs, origin, hosts, counts, endedCounts, isWhole, stuckCount, failedCount, stuck, lost };
  };
  const soFar = (): Overview => {
    const told: Explanation[] = [];
    toEnd(tell(view, worst(seen.prospects, MOST_STUCK_SO_FAR), told));
    return answer(false, told);
  };
  for (const _ of see(view, {}, seen, roster)) yield soFar;
  const explanations: Explanation[] = [];
  for (const _ of tell(view, worst(seen.prospects, MOST_STUCK), explanations)) yield soFar;
  return answer(true, explanations);
}

/**
 * Streams, pairs or peers, live ones first.
 * @param filter a part of a domain or id; empty matches all
 */
export const rows = (view: View, kind: RowKind, filter = '', offset = 0, limit = 100): Rows =>
  toEnd(rowsSteps(view, kind, filter, offset, limit));

/** Like {@link rows}, in steps. */
export function* rowsSteps(
  view: View,
  kind: RowKind,
  filter: string,
  offset: number,
  limit: number,
): Generator<undefined, Rows> {
  if (kind === 'proved') return yield* provedSteps(view, filter, offset, limit);
  const { [kind]: all } = yield* rosterOf(view);
  const wanted = filter.trim().toLowerCase();
  // The ids of pairs and peers contain their domains; those of streams do not.
  const isWanted = (id: string): boolean => (kind === 'stream' ? namesOf(view, id) : id).includes(wanted);
  const found = [...all.living, ...all.over];
  const wantedOnes = wanted === '' ? found : found.filter(isWanted);
  const shown: Row[] = [];
  for (const id of wantedOnes.slice(offset, offset + Math.min(limit, MOST_ROWS))) {
    const actor = view.actors.get(id);
    if (actor !== undefined) shown.push(rowOf(actor, bytesIn(view, id)));
    yield;
  }
  return { total: wantedOnes.length, rows: shown };
}

/** Proved pairs, stream by stream. */
function* provedSteps(view: View, filter: string, offset: number, limit: number): Generator<undefined, Rows> {
  const wanted = filter.trim().toLowerCase();
  const hosts = new Set(view.hosts);
  const end = offset + Math.min(limit, MOST_ROWS);
  const shown: Row[] = [];
  const { stream: streams } = yield* rosterOf(view);
  let total = 0;
  let looked = 0;
  for (const id of streams.living) {
    const context = contextAt(view, id);
    const stream = numberIn(context['stream']);
    const isWholeWanted = id.includes(wanted);
    for (const proved of provedIn(context)) {
      if (++looked % PAIRS_A_STEP === 0) yield;
      if (!isWholeWanted && !isNamed(proved, wanted) && !prooftypeOf(proved).includes(wanted)) continue;
      if (total >= offset && total < end) {
        const pair = provedPair(proved);
        shown.push(provedRow(id, stream, pair, hosts.has(pair.from)));
      }
      total += 1;
    }
    yield;
  }
  return { total, rows: shown };
}

function provedRow(id: string, stream: number | null, pair: ProvedPair, isOutgoing: boolean): Row {
  const { from, to, expiresAtMs } = pair;
  return {
    id,
    machine: 'stream',
    local: isOutgoing ? from : to,
    remote: isOutgoing ? to : from,
    state: isOutgoing ? 'outgoing' : 'incoming',
    description: '',
    sinceMs: null,
    awaits: null,
    mover: null,
    deadlineMs: expiresAtMs,
    endedMs: null,
    fault: null,
    tls: null,
    stream,
    proof: proofWords(pair),
    bytes: null,
  };
}

export function actor(view: View, id: string): ActorAnswer | null {
  const found = view.actors.get(id);
  return found === undefined
    ? null
    : { actor: found, records: view.recordsOf(id, MOST_RECORDS), bytes: bytesIn(view, id) };
}

/** A copy, because the counters keep changing. */
function bytesIn(view: View, id: string): Bytes | null {
  const counted = id.startsWith('stream:') && !id.includes('/') ? (view.bytesOf?.(id) ?? null) : null;
  return counted === null ? null : { in: counted.in, out: counted.out };
}

/** The fault of the actor; a failed actor stays alive during its hold-off. */
function faultOf({ ended, state, context }: ActorView): Fault | null {
  if (ended !== null) return ended.fault;
  return state[0] === 'failed' ? faultIn(context['fault']) : null;
}

export function rowOf(actor: ActorView, bytes: Bytes | null = null): Row {
  const { id, machine, context, waits, ended, path, bornMs } = actor;
  const { local, remote, stream, tls } = context;
  return {
    id,
    machine,
    local: textIn(local),
    remote: textIn(remote),
    state: actor.state.join('.'),
    description: actor.description,
    sinceMs: waits?.sinceMs ?? path.at(-1)?.atMs ?? bornMs,
    awaits: waits?.awaits ?? null,
    mover: waits?.mover ?? null,
    deadlineMs: waits?.deadlineMs ?? null,
    endedMs: ended?.atMs ?? null,
    fault: faultOf(actor),
    tls: textIn(fieldsIn(tls)['protocol']) || null,
    stream: machine === 'pair' ? numberIn(stream) : null,
    proof: proofsWords(context) || null,
    bytes,
  };
}

function namesOf(view: View, id: string): string {
  const { local, remote } = glanceAt(view, id) ?? { local: '', remote: '' };
  return `${id} ${local} ${remote}`;
}
