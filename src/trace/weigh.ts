/**
 * Estimates how many bytes a record keeps alive: exact where a remote side chooses the size, a guess where only our own
 * actors do.
 */
import type { WireElement } from '../protocol/wire.ts';
import { AttemptHeld } from './attempt-held.ts';
import type { TraceBody } from './record.ts';

/**
 * A record with its numbers and the names that it shares with others; SHORT and MIDDLE also hold a few names, or
 * faults.
 */
const RECORD = 200;
const SHORT = 500;
const MIDDLE = 1_500;
/** Bytes held per byte of an element: once for the parsed element and once for the event that carries it. */
const HELD_PER_BYTE = 2;
const OBJECT = 24;
const STRING = 16;
const FIELD = 8;
/** In a list longer than any that a peer can send (names of a certificate: 2,048), the first entries stand for all. */
const LOOKED_AT = 4_096;

export function weigh(body: TraceBody): number {
  switch (body.kind) {
    case 'event':
      return isLong(body.event.type) ? RECORD + weighValue(body.event, 0) : SHORT;
    case 'born': // its large values arrived with an event
    case 'ended':
      return MIDDLE;
    case 'wire':
      return RECORD + HELD_PER_BYTE * (body.bytes ?? 0) + namesIn(body.element);
    case 'report':
      return 'outcome' in body.report ? MIDDLE : SHORT;
    case 'verdict':
    case 'posh':
      return MIDDLE;
    case 'fact':
    case 'queue':
    case 'lost':
      return SHORT;
    case 'attempt':
      return RECORD + (body.attempt instanceof AttemptHeld ? body.attempt.bytes : weighValue(body.attempt, 0));
    case 'dns':
    case 'certificate':
    case 'snapshot':
      return RECORD + weighValue(body, 0);
  }
}

/**
 * Events with data from TLS, DNS and the web. Data from peers is weighed with their elements; our own actors send each
 * other only domains, faults and numbers.
 */
const isLong = (type: string): boolean => LONG_EVENTS.some((prefix) => type.startsWith(prefix));
const LONG_EVENTS = ['transport.', 'xstate.done.actor.lookUp', 'xstate.done.actor.fetch'] as const;

/**
 * Bytes of names with their namespace. A namespace is declared once and inherited by many, so the size of the element
 * says nothing about them.
 */
function namesIn(element: WireElement): number {
  if (element.kind === 'features') return weighValue(element.unknown, 0);
  return element.kind === 'unsupported' ? element.name.length : 0;
}

function weighValue(value: unknown, depth: number): number {
  if (typeof value === 'string') return STRING + value.length;
  if (typeof value !== 'object' || value === null || depth > 8) return 0;
  let weight = OBJECT;
  if (Array.isArray(value)) {
    const looked = Math.min(value.length, LOOKED_AT);
    for (let at = 0; at < looked; at += 1) weight += FIELD + weighValue(value[at], depth + 1);
    return looked === 0 ? weight : (weight * value.length) / looked;
  }
  for (const name in value) weight += FIELD + weighValue((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  return weight;
}
