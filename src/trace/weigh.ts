/** About how many bytes a record keeps alive. Not exact, and never less than a few of a large one. */
import type { TraceRecord } from './record.ts';

/** A record, with its numbers and the names that it shares with others. */
const RECORD = 200;
/** One that holds a few names. */
const SHORT = 500;
const OBJECT = 24;
const FIELD = 8;
/** Of a long list, the first stand for all. */
const LOOKED_AT = 16;

export function weigh(record: TraceRecord): number {
  switch (record.kind) {
    case 'event':
      return mayBeLong(record.event.type) ? RECORD + weighValue(record.event, 0) : SHORT;
    case 'born':
      return RECORD + weighValue(record.input, 0);
    case 'ended':
      return RECORD + weighValue(record.output, 0) + weighValue(record.fault, 0);
    case 'wire':
      return RECORD + weighValue(record.element, 0);
    case 'report':
      return 'outcome' in record.report ? RECORD + weighValue(record.report, 0) : SHORT;
    case 'fact':
    case 'queue':
      return SHORT;
    case 'snapshot':
    case 'dns':
    case 'certificate':
    case 'posh':
    case 'verdict':
    case 'attempt':
    case 'lost':
      return RECORD + weighValue(record, 0);
  }
}

/** What peers, the DNS and the web say; our own actors tell each other domains, faults and numbers. */
const mayBeLong = (type: string): boolean =>
  type.startsWith('peer.') || type.startsWith('transport.') || type.startsWith('xstate.') || type.endsWith('.settled');

function weighValue(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth > 8) return 0;
  let weight = OBJECT;
  if (Array.isArray(value)) {
    const looked = Math.min(value.length, LOOKED_AT);
    for (let at = 0; at < looked; at += 1) weight += FIELD + weighValue(value[at], depth + 1);
    return looked === 0 ? weight : (weight * value.length) / looked;
  }
  for (const name in value) {
    if (name === 'settings' || name === 'policy' || name === 'proofs') continue; // shared by all
    weight += FIELD + weighValue((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  }
  return weight;
}
