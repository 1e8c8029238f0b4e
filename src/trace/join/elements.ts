/** Element by element: what one end of a stream sent, and what the other end read. */
import type { WireElement } from '../../protocol/wire.ts';
import type { RecordOf } from '../record.ts';
import type { View } from '../view/view.ts';

/** One stream, as each end calls it. */
export interface SharedStream {
  readonly idA: string;
  readonly idB: string;
}

type WireRecord = RecordOf<'wire'>;

const wiresOf = (view: View, id: string, direction: 'in' | 'out'): WireRecord[] =>
  view.recordsOf(id).filter((one): one is WireRecord => one.kind === 'wire' && one.direction === direction);

/** `db:verify from a.example to b.example`. */
export function nameOf(element: WireElement): string {
  const isDialback = element.kind === 'result' || element.kind === 'verify';
  const kind = isDialback ? `db:${element.kind}` : (NAMES[element.kind] ?? `<${element.kind}/>`);
  const pair = isDialback ? ` from ${element.from} to ${element.to}` : '';
  const answer = isDialback && element.answer !== null ? ` (${element.answer.type})` : '';
  return `${kind}${pair}${answer}`;
}

const NAMES: Readonly<Partial<Record<WireElement['kind'], string>>> = {
  streamHeader: 'its stream header',
  features: 'its features',
  saslFailure: '<failure/> of SASL',
  starttlsFailure: '<failure/> of STARTTLS',
  streamError: 'a stream error',
};

/** By what both ends know an element; details may have been changed on the way. */
const keyOf = (element: WireElement): string => nameOf(element) + ('id' in element ? ` ${element.id ?? ''}` : '');

interface Pairing {
  readonly sent: WireRecord;
  /** Null: it was never read. */
  readonly seen: WireRecord | null;
}

/** Elements stay in their order; what has the same name is the same in that order. */
function pairings(from: View, to: View, idFrom: string, idTo: string): Pairing[] {
  const seen = new Map<string, WireRecord[]>();
  for (const record of wiresOf(to, idTo, 'in')) {
    const key = keyOf(record.element);
    const same = seen.get(key);
    if (same === undefined) seen.set(key, [record]);
    else same.push(record);
  }
  const next = new Map<string, number>();
  return wiresOf(from, idFrom, 'out').map((sent) => {
    const key = keyOf(sent.element);
    const at = next.get(key) ?? 0;
    next.set(key, at + 1);
    return { sent, seen: seen.get(key)?.[at] ?? null };
  });
}

export interface Unseen {
  readonly name: string;
  readonly atMs: number;
}

/** What the trace of the reader cannot tell, since its records are gone, is not held against it. */
export function sentUnseen(from: View, to: View, idFrom: string, idTo: string): Unseen[] {
  if (to.lost > 0) return [];
  return pairings(from, to, idFrom, idTo).flatMap(({ sent, seen }) =>
    seen === null ? [{ name: nameOf(sent.element), atMs: sent.atMs }] : [],
  );
}

export interface Altered extends Unseen {
  readonly what: { readonly sent: string; readonly seen: string };
}

/** What both ends keep of an element; keys and the like are in neither trace. */
const COMPARED: Readonly<Partial<Record<WireElement['kind'], (element: WireElement) => string>>> = {
  features: (element) =>
    element.kind !== 'features'
      ? ''
      : `STARTTLS ${element.startTls}, mechanisms ${element.mechanisms.join(' ') || 'none'}, dialback ${element.dialback ? 'offered' : 'absent'}`,
  streamHeader: (element) =>
    element.kind !== 'streamHeader' ? '' : `from ${element.from ?? 'nobody'} to ${element.to ?? 'nobody'}`,
};

export function alteredElements(from: View, to: View, idFrom: string, idTo: string): Altered[] {
  return pairings(from, to, idFrom, idTo).flatMap(({ sent, seen }) => {
    const compared = COMPARED[sent.element.kind];
    if (seen === null || compared === undefined) return [];
    const what = { sent: compared(sent.element), seen: compared(seen.element) };
    return what.sent === what.seen ? [] : [{ name: nameOf(sent.element), atMs: sent.atMs, what }];
  });
}

/**
 * How far the clock of `b` is ahead of that of `a`, in milliseconds; null where nothing tells. The way takes as long there as
 * back, or nearly: what it takes falls out of the difference.
 */
export function clocksBetween(a: View, b: View, shared: readonly SharedStream[]): number | null {
  const there: number[] = [];
  const back: number[] = [];
  for (const { idA, idB } of shared) {
    for (const { sent, seen } of pairings(a, b, idA, idB)) if (seen !== null) there.push(seen.atMs - sent.atMs);
    for (const { sent, seen } of pairings(b, a, idB, idA)) if (seen !== null) back.push(seen.atMs - sent.atMs);
  }
  // The fastest of each: others have waited on the way.
  const least = (list: readonly number[]): number => list.reduce((one, other) => Math.min(one, other), Infinity);
  if (there.length === 0 || back.length === 0) return null;
  return (least(there) - least(back)) / 2;
}
