/** What each end lets through on one stream, at the end of its trace. */
import type { View } from '../view/view.ts';

export interface FactView {
  /** `a.example>b.example` that it sends, with when it began. */
  readonly out: ReadonlyMap<string, number>;
  readonly in: ReadonlyMap<string, number>;
  /** When its trace ends. */
  readonly untilMs: number;
}

/** @param laterMs taken off every time, so that both ends tell it by one clock */
export function facts(view: View, stream: string, laterMs: number): FactView {
  const tables = { out: new Map<string, number>(), in: new Map<string, number>() };
  for (const record of view.records) {
    if (record.kind !== 'fact' || `stream:${record.stream}` !== stream) continue;
    const { change, direction, from, to, atMs } = record;
    const table = tables[direction];
    if (change === 'published') table.set(`${from ?? '*'}>${to ?? '*'}`, atMs - laterMs);
    else forget(table, from, to);
  }
  return { ...tables, untilMs: view.atMs - laterMs };
}

/** Null stands for all. */
function forget(table: Map<string, number>, from: string | null, to: string | null): void {
  for (const pair of [...table.keys()]) {
    const [sender, target] = pair.split('>');
    if ((from === null || sender === from) && (to === null || target === to)) table.delete(pair);
  }
}
