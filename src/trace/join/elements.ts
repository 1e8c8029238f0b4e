/** Compares element by element what one end of a stream sent and what the other end read. */
import type { WireElement } from '../../protocol/wire.ts';
import type { RecordOf } from '../record.ts';
import type { View } from '../view/view.ts';

/** One stream, with its id at each end. */
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
  const condition = 'condition' in element ? ` (${element.condition})` : '';
  return `${kind}${pair}${answer}${condition}`;
}

const NAMES: Readonly<Partial<Record<WireElement['kind'], string>>> = {
  streamHeader: 'its stream header',
  features: 'its features',
  saslFailure: '<failure/> of SASL',
  starttlsFailure: '<failure/> of STARTTLS',
  streamError: 'a stream error',
};

/**
 * Keys by which the elements of both ends are matched: by exact content, and loosely where somebody on the way changed
 * the content.
 */
const keyOf = (element: WireElement): string => `${nameOf(element)} ${'id' in element ? (element.id ?? '') : ''}`;
const looseKeyOf = (element: WireElement): string =>
  element.kind === 'result' || element.kind === 'verify'
    ? `${element.kind} ${element.from}>${element.to} ${element.answer === null ? 'asked' : 'answered'}`
    : element.kind;

interface Pairing {
  /** Null if it was never sent. */
  readonly sent: WireRecord | null;
  /** Null if it was never read. */
  readonly seen: WireRecord | null;
}

/** Pairs the elements of both ends in order: first those with equal exact keys, then those with equal loose keys. */
function pairings(from: View, to: View, idFrom: string, idTo: string): Pairing[] {
  const sent = wiresOf(from, idFrom, 'out');
  const seen = wiresOf(to, idTo, 'in');
  const exact = paired(sent, seen, keyOf);
  const alike = paired(exact.sent, exact.seen, looseKeyOf);
  return [
    ...exact.pairs,
    ...alike.pairs,
    ...alike.sent.map((one) => ({ sent: one, seen: null })),
    ...alike.seen.map((one) => ({ sent: null, seen: one })),
  ];
}

interface Paired {
  readonly pairs: readonly Pairing[];
  /** The elements without a match. */
  readonly sent: readonly WireRecord[];
  readonly seen: readonly WireRecord[];
}

function paired(
  sent: readonly WireRecord[],
  seen: readonly WireRecord[],
  keyOfOne: (element: WireElement) => string,
): Paired {
  const waiting = new Map<string, WireRecord[]>();
  for (const record of seen.toReversed()) {
    const key = keyOfOne(record.element);
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [record]);
    else same.push(record);
  }
  const pairs: Pairing[] = [];
  const left = sent.filter((one) => {
    const found = waiting.get(keyOfOne(one.element))?.pop();
    if (found !== undefined) pairs.push({ sent: one, seen: found });
    return found === undefined;
  });
  const unpaired = new Set([...waiting.values()].flat());
  return { pairs, sent: left, seen: seen.filter((one) => unpaired.has(one)) };
}

export interface Apart {
  readonly name: string;
  /** By the clock of the end that recorded it. */
  readonly atMs: number;
}

/** Elements that were sent and never read, and elements that were read and never sent. */
export function unpaired(from: View, to: View, idFrom: string, idTo: string): { unseen: Apart[]; unsent: Apart[] } {
  const all = pairings(from, to, idFrom, idTo);
  const apart = ({ element, atMs }: WireRecord): Apart => ({ name: nameOf(element), atMs });
  return {
    unseen: all.flatMap(({ sent, seen }) => (sent !== null && seen === null ? [apart(sent)] : [])),
    unsent: all.flatMap(({ sent, seen }) => (sent === null && seen !== null ? [apart(seen)] : [])),
  };
}

export interface Altered extends Apart {
  readonly what: { readonly sent: string; readonly seen: string };
}

/** The parts of an element that both ends record; keys and the like are in neither trace. */
const COMPARED: Readonly<Partial<Record<WireElement['kind'], (element: WireElement) => string>>> = {
  features: (element) =>
    element.kind !== 'features'
      ? ''
      : `STARTTLS ${element.startTls}, mechanisms ${element.mechanisms.join(' ') || 'none'}, dialback ${element.dialback ? 'offered' : 'absent'}`,
  streamHeader: (element) =>
    element.kind !== 'streamHeader'
      ? ''
      : `from ${element.from ?? 'nobody'} to ${element.to ?? 'nobody'}, id ${element.id ?? 'none'}`,
  result: (element) => (element.kind === 'result' ? answerOf(element) : ''),
  verify: (element) => (element.kind === 'verify' ? `id ${element.id}, ${answerOf(element)}` : ''),
  streamError: (element) => (element.kind === 'streamError' ? element.condition : ''),
  saslFailure: (element) => (element.kind === 'saslFailure' ? element.condition : ''),
};

const answerOf = ({ answer }: Extract<WireElement, { kind: 'result' | 'verify' }>): string =>
  answer === null ? 'a key' : answer.type === 'error' ? `the error ${answer.condition}` : `the answer ${answer.type}`;

export function alteredElements(from: View, to: View, idFrom: string, idTo: string): Altered[] {
  return pairings(from, to, idFrom, idTo).flatMap(({ sent, seen }) => {
    if (sent === null || seen === null) return [];
    const compared = COMPARED[sent.element.kind];
    if (compared === undefined) return [];
    const what = { sent: compared(sent.element), seen: compared(seen.element) };
    return what.sent === what.seen ? [] : [{ name: nameOf(sent.element), atMs: sent.atMs, what }];
  });
}

/**
 * How far the clock of `b` is ahead of that of `a`, in milliseconds; null if unknown. Transit takes about the same time
 * in both directions, so it cancels out in the difference.
 */
export function clocksBetween(a: View, b: View, shared: readonly SharedStream[]): number | null {
  const there: number[] = [];
  const back: number[] = [];
  for (const { idA, idB } of shared) {
    for (const { sent, seen } of pairings(a, b, idA, idB))
      if (sent !== null && seen !== null) there.push(seen.atMs - sent.atMs);
    for (const { sent, seen } of pairings(b, a, idB, idA))
      if (sent !== null && seen !== null) back.push(seen.atMs - sent.atMs);
  }
  // The fastest in each direction: the others were delayed on the way.
  const least = (list: readonly number[]): number => list.reduce((one, other) => Math.min(one, other), Infinity);
  if (there.length === 0 || back.length === 0) return null;
  return (least(there) - least(back)) / 2;
}
