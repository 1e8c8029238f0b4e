/** What plain() of redact.ts wrote, as it was: numbers that JSON does not know, errors, what is shared. */
import { type Fault, FaultError } from '../protocol/faults.ts';

/** Deeper than anything that is written. */
const MAX_DEPTH = 64;

/** Null where it is too deep, or refers to what is not known. */
export function revive(value: unknown, shared: (id: number) => unknown): object | null {
  try {
    const revived = reviveValue(value, shared, 0);
    return typeof revived === 'object' ? revived : {};
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function reviveValue(value: unknown, shared: (id: number) => unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new RangeError('too deep');
  if (Array.isArray(value)) return value.map((item) => reviveValue(item, shared, depth + 1));
  const fields = Object.entries(value);
  const [first] = fields;
  if (first !== undefined && fields.length === 1 && first[0].startsWith('$')) {
    return reviveMarked(first[0], first[1], shared, depth);
  }
  return Object.fromEntries(fields.map(([name, field]) => [name, reviveValue(field, shared, depth + 1)]));
}

function reviveMarked(mark: string, value: unknown, shared: (id: number) => unknown, depth: number): unknown {
  if (mark === '$number') return Number(value);
  if (mark === '$shared') {
    const known = typeof value === 'number' ? shared(value) : undefined;
    if (known === undefined) throw new RangeError('unknown reference');
    return known;
  }
  if (mark === '$error') return reviveError(value);
  return { [mark]: reviveValue(value, shared, depth + 1) };
}

function reviveError(value: unknown): Error {
  const { message, fault: what } = (typeof value === 'object' && value !== null ? value : {}) as {
    message?: unknown;
    fault?: unknown;
  }; // whatever it is, its fields are looked at one by one
  if (isFault(what)) return new FaultError(what);
  return new Error(typeof message === 'string' ? message : 'an error');
}

export function isFault(value: unknown): value is Fault {
  if (typeof value !== 'object' || value === null) return false;
  const { layer, condition, origin, text } = value as Partial<Record<keyof Fault, unknown>>; // looked at one by one
  const isText = (field: unknown): boolean => typeof field === 'string';
  return isText(layer) && isText(condition) && isText(origin) && (text === undefined || isText(text));
}
