/** The paths that actors took through their charts, derived from the records. */
import type { StreamHeader } from '../protocol/wire.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { Facts, Seen } from './facts.ts';
import type { Message, Side } from './scenario.ts';

export const other = (side: Side): Side => (side === 'A' ? 'B' : 'A');

/** One connection: the stream at the end that opened it, and the stream at the end that accepted it. */
export interface SocketEnds {
  readonly opener: Side;
  /** Names of root actors, such as `stream:3`; null when the other end never got as far as a stream header. */
  readonly initiating: string;
  readonly receiving: string | null;
}

/**
 * The box of the flow chart that a state path stands for: waits and decisions inside a box are left out, and so is the
 * plain `open` of an established stream.
 */
export function boxOf([outer = '', ...inner]: readonly string[]): string {
  return [outer, ...inner.filter((state) => !/^(awaiting|deciding|open$)/.test(state))].join('.');
}

/** The states that a root actor passed through, step by step; those of its children are left out. */
export function statesIn(record: TraceRecord): readonly (readonly string[])[] {
  if ((record.kind !== 'born' && record.kind !== 'event') || !ROOT_MACHINES.has(record.machine)) return [];
  return record.kind === 'born' ? [record.states] : [...record.passed, record.states];
}

const ROOT_MACHINES: ReadonlySet<string> = new Set(['initiatingStream', 'receivingStream', 'pair', 'peer']);

/** Adds a box to a path: each once per stay, and merged with the inner box that it leads to. */
export function extend(path: string[], box: string): void {
  const last = path.at(-1);
  if (last === box) return;
  if (last !== undefined && box.startsWith(`${last}.`)) path.pop();
  path.push(box);
}

/** The boxes that an actor passed through, in order. */
export function pathOf({ timeline }: Pick<Facts, 'timeline'>, at: Side, actor: string): string[] {
  const path: string[] = [];
  for (const { at: where, record } of timeline) {
    if (where !== at || record.actor !== actor) continue;
    for (const states of statesIn(record)) extend(path, boxOf(states));
  }
  return path;
}

/** How a pair got its stream, including the search for one. */
export function pathOfPair({ timeline }: Pick<Facts, 'timeline'>, at: Side, { from, to }: Message): string[] {
  const path: string[] = [];
  let waits = false;
  for (const { at: where, record } of timeline) {
    if (where !== at) continue;
    for (const box of statesIn(record).map(boxOf)) {
      const isPair = record.actor === `pair:${from}>${to}`;
      if (isPair) waits = box === 'awaitingRoute';
      const counts = isPair || (waits && record.actor === `peer:${to}`);
      if (counts && box !== 'resting' && !box.startsWith('deciding')) extend(path, box);
    }
  }
  return path;
}

/**
 * Every connection, in the order of opening. The two ends are matched by the stream id that one chose and the other
 * received.
 */
export function socketsOf({ timeline }: Pick<Facts, 'timeline'>): SocketEnds[] {
  const chosen = new Map<string, Seen>();
  for (const seen of timeline) {
    const id = headerId(seen, 'out');
    if (id !== null) chosen.set(id, seen);
  }
  const sockets = new Map<string, SocketEnds>();
  for (const seen of timeline) {
    const { at, record } = seen;
    const key = `${at} ${record.actor}`;
    if (record.kind === 'born' && record.machine === 'initiatingStream' && !sockets.has(key)) {
      sockets.set(key, { opener: at, initiating: record.actor, receiving: null });
    }
    const id = headerId(seen, 'in');
    const known = sockets.get(key);
    if (id !== null && known?.receiving === null) {
      sockets.set(key, { ...known, receiving: chosen.get(id)?.record.actor ?? null });
    }
  }
  return [...sockets.values()];
}

function headerId({ record }: Seen, direction: 'in' | 'out'): string | null {
  if (record.kind !== 'wire' || record.direction !== direction || record.element.kind !== 'streamHeader') return null;
  return (record.element satisfies StreamHeader).id;
}
