/**
 * Records as lines of JSON (docs/trace-format.md): a header, then one record per line. Values that many actors share
 * are written once and referred to by number.
 */
import { AttemptHeld } from './attempt-held.ts';
import { traceLimits } from './limits.ts';
import type { TraceRecord } from './record.ts';
import { plain } from './redact.ts';

export const TRACE_VERSION = 1;

export interface TraceHeader {
  readonly trace: 'xmpp-dna';
  readonly version: typeof TRACE_VERSION;
  /** Name and version of the program that wrote it. */
  readonly software: string;
  readonly startedAtMs: number;
  /** Role of the program that wrote it: `daemon`, `demo`, `embedded`, … */
  readonly role: string;
  /** Domains served by that program. */
  readonly hosts: readonly string[];
  /** When it was saved from memory in one go; null or absent in a file that was written record by record. */
  readonly savedAtMs?: number | null;
}

export type HeaderFields = Pick<TraceHeader, 'software' | 'startedAtMs' | 'role' | 'hosts' | 'savedAtMs'>;

/** Writes the lines of one file. */
export class TraceEncoder {
  readonly #shared = new WeakMap<object, number>();
  #next = 1;
  /** Lines with shared values that the current record refers to. */
  #before: string[] = [];

  header({ software, startedAtMs, role, hosts, savedAtMs = null }: HeaderFields): string {
    const header: TraceHeader = {
      ...{ trace: 'xmpp-dna', version: TRACE_VERSION, software, startedAtMs, role, hosts },
      ...(savedAtMs === null ? {} : { savedAtMs }),
    };
    return `${JSON.stringify(header)}\n`;
  }

  /** One line; more if the record is the first to refer to a shared value. */
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
    const whole = plain(value, traceLimits.textChars, this.#share); // values that it refers to come first
    this.#before.push(JSON.stringify({ kind: 'shared', id, value: whole }));
    return id;
  };
}

/** Attempts are put into words only when they are read. */
const inWords = (record: TraceRecord): TraceRecord =>
  record.kind === 'attempt' && record.attempt instanceof AttemptHeld
    ? { ...record, attempt: record.attempt.toJSON() }
    : record;
