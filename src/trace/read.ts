/** Reads a trace strictly and within bounds, because it may come from anybody. */
import { checkRecord } from './check-record.ts';
import type { Found } from './field-checks.ts';
import { TRACE_VERSION, type TraceHeader } from './format.ts';
import { traceLimits } from './limits.ts';
import type { TraceRecord } from './record.ts';
import { revive, type Revived } from './revive.ts';

export interface Trace {
  readonly header: TraceHeader;
  readonly records: readonly TraceRecord[];
  /** The last line had no end: the program that wrote it was cut off. */
  readonly isCutOff: boolean;
  /** Number of records of kinds that this version does not know; they are left out. */
  readonly unknown: number;
}

export interface ReadBounds {
  readonly lineBytes?: number;
  readonly bytes?: number;
  readonly records?: number;
}

/** What was expected of a trace, and on which line it was not met. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  /** Counted from 1; 0 if it concerns the whole file. */
  readonly line: number;
  readonly expected: string;

  constructor(line: number, expected: string, found: string | null = null) {
    super(`${line === 0 ? '' : `line ${line}: `}expected ${expected}${found === null ? '' : `, got ${found}`}`);
    this.line = line;
    this.expected = expected;
  }
}

/**
 * Reads lines as they arrive.
 * @throws TraceError with the line and what was expected there
 */
export async function readTrace(chunks: AsyncIterable<Uint8Array>, bounds: ReadBounds = {}): Promise<Trace> {
  const reader = new TraceReader(bounds);
  for await (const chunk of chunks) reader.take(chunk);
  return reader.end();
}

const NEWLINE = 0x0a;
const HEADER = 'the header of a trace, {"trace":"xmpp-dna",…}';

/** Not `Buffer`: web pages read traces, too. */
function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

class TraceReader {
  readonly #most: Required<ReadBounds>;
  readonly #text = new TextDecoder('utf-8', { fatal: true });
  readonly #shared = new Map<number, Revived>();
  readonly #records: TraceRecord[] = [];
  #header: TraceHeader | null = null;
  /** The beginning of the current line, in parts. */
  #parts: Uint8Array[] = [];
  #lineBytes = 0;
  #bytes = 0;
  #line = 1;
  #unknown = 0;

  constructor({
    lineBytes = traceLimits.lineBytes,
    bytes = traceLimits.readBytes,
    records = traceLimits.readRecords,
  }: ReadBounds) {
    this.#most = { lineBytes, bytes, records };
  }

  take(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#most.bytes) throw new TraceError(0, `a trace of at most ${this.#most.bytes} bytes`);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, end));
      this.#takeLine(this.#lineText());
      this.#line += 1;
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
  }

  end(): Trace {
    const isCutOff = this.#lineBytes > 0;
    if (this.#header === null) throw new TraceError(1, 'the header of a trace', isCutOff ? 'half a line' : 'nothing');
    return { header: this.#header, records: this.#records, isCutOff, unknown: this.#unknown };
  }

  #hold(part: Uint8Array): void {
    this.#lineBytes += part.length;
    if (this.#lineBytes > this.#most.lineBytes) throw this.#wrong(`a line of at most ${this.#most.lineBytes} bytes`);
    if (part.length > 0) this.#parts.push(part);
  }

  #lineText(): string {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : joined(this.#parts, this.#lineBytes);
    this.#parts = [];
    this.#lineBytes = 0;
    try {
      return this.#text.decode(bytes);
    } catch {
      throw this.#wrong('UTF-8');
    }
  }

  #takeLine(text: string): void {
    const revived = revive(this.#parse(text), (id) => this.#shared.get(id));
    if (revived === null) throw this.#wrong('less depth, fewer objects, and references only to values shared before');
    const { value, objects, depth } = revived;
    const found: Found = typeof value !== 'object' || Array.isArray(value) ? {} : { ...value };
    if (this.#header === null) {
      this.#header = this.#checkHeader(found);
    } else if (found['kind'] === 'shared') {
      if (typeof found['id'] !== 'number') throw this.#wrong('"id" to be a number');
      this.#shared.set(found['id'], { value: found['value'], objects, depth });
    } else {
      this.#takeRecord(found);
    }
  }

  #takeRecord(found: Found): void {
    if (this.#records.length >= this.#most.records) {
      throw this.#wrong(`at most ${this.#most.records} records`);
    }
    const { record, expected } = checkRecord(found);
    if (record !== null) this.#records.push(record);
    else if (expected !== null) throw this.#wrong(expected);
    else this.#unknown += 1;
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw this.#wrong(this.#line === 1 ? HEADER : 'JSON');
    }
  }

  #checkHeader({ trace, version, software, startedAtMs, role, hosts, savedAtMs }: Found): TraceHeader {
    if (trace !== 'xmpp-dna') throw this.#wrong(HEADER);
    if (version !== TRACE_VERSION)
      throw this.#wrong(`version ${TRACE_VERSION}`, version === undefined ? 'none' : JSON.stringify(version));
    if (typeof software !== 'string' || typeof role !== 'string') throw this.#wrong('"software" and "role" as texts');
    if (!isNumber(startedAtMs)) throw this.#wrong('"startedAtMs" as a number');
    if (!Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string'))
      throw this.#wrong('"hosts" as names');
    if (savedAtMs !== undefined && !isNumber(savedAtMs)) throw this.#wrong('"savedAtMs" as a number');
    return { trace, version: TRACE_VERSION, software, startedAtMs, role, hosts, savedAtMs: savedAtMs ?? null };
  }

  #wrong(expected: string, found: string | null = null): TraceError {
    return new TraceError(this.#line, expected, found);
  }
}
