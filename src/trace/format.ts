/**
 * Records as lines of JSON (docs/trace-format.md): a header, then one record per line. What many actors hold alike is written
 * once and referred to by number.
 */
import { AttemptHeld } from './attempt-held.ts';
import { traceLimits } from './limits.ts';
import type { TraceRecord } from './record.ts';
import { plain } from './redact.ts';

export const TRACE_VERSION = 1;

export interface TraceHeader {
  readonly trace: 'xmpp-dna';
  readonly version: typeof TRACE_VERSION;
  /** Name and version of what wrote it. */
  readonly software: string;
  readonly startedAtMs: number;
  /** What wrote it is for: `daemon`, `demo`, `embedded`, … */
  readonly role: string;
  /** Domains served there. */
  readonly hosts: readonly string[];
  /** When it was taken from memory, whole; null or absent in a file that was written while records came. */
  readonly savedAtMs?: number | null;
}

export type HeaderFields = Pick<TraceHeader, 'software' | 'startedAtMs' | 'role' | 'hosts' | 'savedAtMs'>;

/** Writes the lines of one file. */
export class TraceEncoder {
  readonly #shared = new WeakMap<object, number>();
  #next = 1;
  /** Lines that the record at hand refers to. */
  #before: string[] = [];

  header({ software, startedAtMs, role, hosts, savedAtMs = null }: HeaderFields): string {
    const header: TraceHeader = {
      ...{ trace: 'xmpp-dna', version: TRACE_VERSION, software, startedAtMs, role, hosts },
      ...(savedAtMs === null ? {} : { savedAtMs }),
    };
    return `${JSON.stringify(header)}\n`;
  }

  /** One line, or more where it is the first to refer to something. */
  record(record: TraceRecord): string {
    const line = JSON.stringify(plain(inWords(record), traceLimits.textChars, this.#share));
    const lines = [...this.#before, line, ''].join('\n');
    this.#before = [];
    return lines;
  }

  readonly #share = (value: object): number => {
    const known = this.#shared.get(value);
    if (known !== undefined) return known;
    const id = this.#next++;
    this.#shared.set(value, id);
    const whole = plain(value, traceLimits.textChars, this.#share); // what it refers to itself comes first
    this.#before.push(JSON.stringify({ kind: 'shared', id, value: whole }));
    return id;
  };
}

/** Attempts are put into words when they are read. */
const inWords = (record: TraceRecord): TraceRecord =>
  record.kind === 'attempt' && record.attempt instanceof AttemptHeld
    ? { ...record, attempt: record.attempt.toJSON() }
    : record;
