/** Restores what plain() in redact.ts wrote: numbers that JSON cannot express, errors, shared values. */
import { type Fault, FaultError } from '../protocol/faults.ts';

/** Deeper than anything we write. */
const MAX_DEPTH = 64;
/**
 * Maximum number of objects in one line, including everything it refers to: lines that each refer twice to the shared
 * value of the line before would otherwise grow exponentially.
 */
const MAX_OBJECTS = 250_000;

/** The value of a line, and its size once all references are resolved. */
export interface Revived {
  readonly value: unknown;
  readonly objects: number;
  readonly depth: number;
}

/** Null if it is too deep or too large, or refers to an unknown number. */
export function revive(value: unknown, shared: (id: number) => Revived | undefined): Revived | null {
  try {
    return new Reviver(shared).revived(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

class Reviver {
  readonly #shared: (id: number) => Revived | undefined;
  #objects = 0;
  #depth = 0;

  constructor(shared: (id: number) => Revived | undefined) {
    this.#shared = shared;
  }

  revived(value: unknown): Revived {
    return { value: this.#value(value, 0), objects: this.#objects, depth: this.#depth };
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.#count(1, depth);
    if (Array.isArray(value)) return value.map((item) => this.#value(item, depth + 1));
    const fields = Object.entries(value);
    const [first] = fields;
    if (first !== undefined && fields.length === 1 && first[0].startsWith('$')) {
      return this.#marked(first[0], first[1], depth);
    }
    return Object.fromEntries(fields.map(([name, field]) => [name, this.#value(field, depth + 1)]));
  }

  #marked(mark: string, value: unknown, depth: number): unknown {
    if (mark === '$number') return Number(value);
    if (mark === '$shared') {
      const known = typeof value === 'number' ? this.#shared(value) : undefined;
      if (known === undefined) throw new RangeError('unknown reference');
      this.#count(known.objects, depth + known.depth);
      return known.value;
    }
    if (mark === '$error') return reviveError(value);
    return { [mark]: this.#value(value, depth + 1) };
  }

  #count(objects: number, depth: number): void {
    this.#objects += objects;
    this.#depth = Math.max(this.#depth, depth);
    if (depth > MAX_DEPTH) throw new RangeError('too deep');
    if (this.#objects > MAX_OBJECTS) throw new RangeError('too large');
  }
}

function reviveError(value: unknown): Error {
  const { message, fault: what } = (typeof value === 'object' && value !== null ? value : {}) as {
    message?: unknown;
    fault?: unknown;
  }; // of unknown types: each field is checked
  if (isFault(what)) return new FaultError(what);
  return new Error(typeof message === 'string' ? message : 'an error');
}

export function isFault(value: unknown): value is Fault {
  if (typeof value !== 'object' || value === null) return false;
  const { layer, condition, origin, text } = value as Partial<Record<keyof Fault, unknown>>; // each field is checked
  const isText = (field: unknown): boolean => typeof field === 'string';
  return isText(layer) && isText(condition) && isText(origin) && (text === undefined || isText(text));
}
