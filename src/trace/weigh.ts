/** About how many bytes a record keeps alive: exact where others choose how many, a guess where our own actors do. */
import type { WireElement } from '../protocol/wire.ts';
import { AttemptHeld } from './attempt-held.ts';
import type { TraceBody } from './record.ts';

/** A record, with its numbers and the names that it shares with others; and one that also holds a few names, or faults. */
const RECORD = 200;
const SHORT = 500;
const MIDDLE = 1_500;
/** Of an element: of what is read from it, and once more of the event that brings it. */
const HELD_PER_BYTE = 2;
const OBJECT = 24;
const STRING = 16;
const FIELD = 8;
/** Of a list that is longer than any of a peer (names of a certificate: 2,048), the first stand for all. */
const LOOKED_AT = 4_096;

export function weigh(body: TraceBody): number {
  switch (body.kind) {
    case 'event':
      return isLong(body.event.type) ? RECORD + weighValue(body.event, 0) : SHORT;
    case 'born': // what is long in it came with an event
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
 * What TLS, the DNS and the web say. What peers say is weighed with their elements; our own actors tell each other domains,
 * faults and numbers.
 */
const isLong = (type: string): boolean => LONG_EVENTS.some((prefix) => type.startsWith(prefix));
const LONG_EVENTS = ['transport.', 'xstate.done.actor.lookUp', 'xstate.done.actor.fetch'] as const;

/** Names with their namespace, which is declared once and inherited by many: the bytes of an element say nothing of them. */
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
