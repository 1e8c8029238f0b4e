/** What each end lets through on one stream, when the trace that ends first does. */
import type { View } from '../view/view.ts';
import { byBoth, type OneClock } from './coverage.ts';

export interface Facts {
  /** `a.example>b.example` that it sends, with when it began by the clock of both. */
  readonly out: ReadonlyMap<string, number>;
  readonly in: ReadonlyMap<string, number>;
}

export function facts(view: View, stream: string, clock: OneClock): Facts {
  const tables = { out: new Map<string, number>(), in: new Map<string, number>() };
  for (const record of view.recordsOf(stream)) {
    if (record.kind !== 'fact') continue;
    const { change, direction, from, to } = record;
    const atMs = byBoth(clock, view, record.atMs);
    if (atMs > clock.untilMs) continue;
    const table = tables[direction];
    if (change === 'published') table.set(`${from ?? '*'}>${to ?? '*'}`, atMs);
    else forget(table, from, to);
  }
  return tables;
}

/** Null stands for all. */
function forget(table: Map<string, number>, from: string | null, to: string | null): void {
  for (const pair of [...table.keys()]) {
    const [sender, target] = pair.split('>');
    if ((from === null || sender === from) && (to === null || target === to)) table.delete(pair);
  }
}
