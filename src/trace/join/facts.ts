/** The pairs that each end lets through on one stream, at the end of the trace that ends first. */
import type { View } from '../view/view.ts';
import { byBoth, type OneClock } from './coverage.ts';

export interface Facts {
  /** Pairs such as `a.example>b.example` that it may send, with the time since when, by the common clock. */
  readonly out: ReadonlyMap<string, number>;
  readonly in: ReadonlyMap<string, number>;
}

/** By sender, then by target. */
type Table = Map<string, Map<string, number>>;

export function facts(view: View, stream: string, clock: OneClock): Facts {
  const tables: { readonly out: Table; readonly in: Table } = { out: new Map(), in: new Map() };
  for (const record of view.recordsOf(stream)) {
    if (record.kind !== 'fact') continue;
    const { change, direction, from, to } = record;
    const atMs = byBoth(clock, view, record.atMs);
    if (atMs > clock.untilMs) continue;
    const table = tables[direction];
    if (change === 'withdrawn') forget(table, from, to);
    else {
      const targets = table.get(from ?? '*') ?? new Map<string, number>();
      table.set(from ?? '*', targets.set(to ?? '*', atMs));
    }
  }
  return { out: pairsIn(tables.out), in: pairsIn(tables.in) };
}

/** Null means all. */
function forget(table: Table, from: string | null, to: string | null): void {
  if (to === null) {
    if (from === null) table.clear();
    else table.delete(from);
    return;
  }
  for (const targets of from === null ? table.values() : [table.get(from)]) targets?.delete(to);
}

const pairsIn = (table: Table): Map<string, number> =>
  new Map([...table].flatMap(([from, targets]) => [...targets].map(([to, atMs]) => [`${from}>${to}`, atMs] as const)));
