/** Which streams the negotiations of a pair, or of a peer, go over, and what for. */
import type { RecordOf, TraceRecord } from '../record.ts';

export interface StreamParts {
  /** The domains that its elements and facts name. */
  readonly domains: Set<string>;
  /** {@link pairKey} of all that are named together. */
  readonly pairs: Set<string>;
  /** We ask over it whether keys are good: who answers is, in that, an authoritative server (XEP-0220 §1.1). */
  verifies: boolean;
  /** Something is asserted over it, or stanzas may pass. */
  asserts: boolean;
}

/** The same for both directions. */
export const pairKey = (one: string, other: string): string => [one, other].sort().join(' ');

/** By id of the actor: `stream:3`. */
export function streamsIn(records: readonly TraceRecord[]): ReadonlyMap<string, StreamParts> {
  const streams = new Map<string, StreamParts>();
  for (const record of records) {
    if (record.kind !== 'wire' && record.kind !== 'fact') continue;
    let parts = streams.get(record.actor);
    if (parts === undefined) {
      parts = { domains: new Set(), pairs: new Set(), verifies: false, asserts: false };
      streams.set(record.actor, parts);
    }
    if (record.kind === 'wire') hear(parts, record);
    else {
      name(parts, record.from, record.to);
      parts.asserts = true;
    }
  }
  return streams;
}

function hear(parts: StreamParts, { element, direction }: RecordOf<'wire'>): void {
  switch (element.kind) {
    case 'verify':
      if ((direction === 'out') === (element.answer === null)) parts.verifies = true;
      break;
    case 'result':
    case 'auth':
      parts.asserts = true;
      break;
    case 'streamHeader':
      break;
    default:
      return;
  }
  if ('from' in element) name(parts, element.from, element.to);
}

function name({ domains, pairs }: StreamParts, from: string | null, to: string | null): void {
  if (from !== null) domains.add(from);
  if (to !== null) domains.add(to);
  if (from !== null && to !== null) pairs.add(pairKey(from, to));
}
