/** Which streams carry the negotiations of a pair or a peer, and for what purpose. */
import type { RecordOf, TraceRecord } from '../record.ts';

export interface StreamParts {
  /** The domains named by its elements and facts. */
  readonly domains: Set<string>;
  /** The wanted domains are named; if there are two, together in one element or fact. */
  isNamed: boolean;
  /** We verify keys over it: the far end answers as an authoritative server (XEP-0220 §1.1). */
  verifies: boolean;
  /** A domain is asserted over it, or stanzas may pass. */
  asserts: boolean;
}

/** Records looked at between two yields. */
const A_STEP = 512;

/**
 * By id of the actor (`stream:3`), the streams on which `names` are named: one domain, or two in the same element or
 * fact.
 */
export function* streamsIn(
  records: Iterable<TraceRecord>,
  names: readonly string[],
): Generator<undefined, ReadonlyMap<string, StreamParts>> {
  const streams = new Map<string, StreamParts>();
  let looked = 0;
  for (const record of records) {
    if (++looked % A_STEP === 0) yield;
    if (record.kind !== 'wire' && record.kind !== 'fact') continue;
    let parts = streams.get(record.actor);
    if (parts === undefined) {
      parts = { domains: new Set(), isNamed: names.length === 0, verifies: false, asserts: false };
      streams.set(record.actor, parts);
    }
    if (record.kind === 'wire') hear(parts, record, names);
    else {
      name(parts, record.from, record.to, names);
      parts.asserts = true;
    }
  }
  return new Map([...streams].filter(([, { isNamed }]) => isNamed));
}

function hear(parts: StreamParts, { element, direction }: RecordOf<'wire'>, names: readonly string[]): void {
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
  if ('from' in element) name(parts, element.from, element.to, names);
}

/** A stream may name ten thousand domains: only the wanted ones are kept, or all if none is specified. */
function name(parts: StreamParts, from: string | null, to: string | null, names: readonly string[]): void {
  const isWanted = (one: string | null): boolean => one !== null && (names.length === 0 || names.includes(one));
  if (from !== null && isWanted(from)) parts.domains.add(from);
  if (to !== null && isWanted(to)) parts.domains.add(to);
  const [first, second] = names;
  if (first === undefined || parts.isNamed) return;
  const [isFrom, isTo] = [from === first, to === first];
  parts.isNamed = second === undefined ? isFrom || isTo : (isFrom && to === second) || (isTo && from === second);
}
