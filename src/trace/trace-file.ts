/**
 * Writes records to a file `NAME`, and keeps the previous file, from before it was full, as `NAME.1`. Nothing waits for
 * the disk: records that it does not take in time are lost, and their number is written down. If writing fails, a new
 * file is begun a minute later.
 */
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { fault, type Fault, FaultError } from '../protocol/faults.ts';
import { type HeaderFields, TraceEncoder } from './format.ts';
import { traceLimits } from './limits.ts';
import type { TraceRecord } from './record.ts';

export interface TraceFileOptions {
  readonly path: string;
  /**
   * Bytes of records, not counting the snapshots of live actors at the beginning, at which a new file is begun; the
   * previous one is kept.
   * @defaultValue 67108864
   */
  readonly fileBytes?: number;
  /** Bytes that may wait for the disk. @defaultValue 8388608 */
  readonly unwrittenBytes?: number;
  readonly header: () => HeaderFields;
  /** Snapshots of every live actor: the file begins with them. */
  readonly snapshots: () => readonly TraceRecord[];
  /**
   * Called when it cannot be written to. A regular file is tried again in a minute; anything else under that name (a
   * pipe) is not.
   */
  readonly failed: (why: Fault) => void;
}

interface Subscribable<Value> {
  subscribe(next: (value: Value) => void): { unsubscribe(): void };
}

const ROTATES = Symbol('the file is full');
const RETRIES = Symbol('the file could not be written to');
type Part = string | typeof ROTATES | typeof RETRIES;

/** Measured by the time of the records. */
const RETRY_MS = 60_000;

/** Mode of a new file: it reveals who talks to whom. */
const OWNER_ONLY = 0o600;

export class TraceFile {
  readonly #options: TraceFileOptions;
  readonly #fileBytes: number;
  readonly #unwrittenBytes: number;
  #encoder = new TraceEncoder();
  /** Null if no file could be opened. */
  #handle: FileHandle | null;
  /** Bytes of records in the current file, including those that wait; not of the snapshots at its beginning. */
  #size = 0;
  /** Lines that wait for the disk, and markers where a new file begins. */
  #waiting: Part[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;
  #source: { unsubscribe(): void } | null = null;
  /** Whether a new file is about to be begun. */
  #beginsSoon = false;
  /** Since when nothing can be written, by the newest record; null while writing works. */
  #brokenMs: number | null = null;
  #newestMs = 0;
  #isOver = false;
  /** Whether it is a regular file and not, for example, a pipe, whose reader may be gone. */
  readonly #isRegular: boolean;

  private constructor(options: TraceFileOptions, handle: FileHandle, isRegular: boolean) {
    this.#options = options;
    this.#isRegular = isRegular;
    this.#fileBytes = options.fileBytes ?? traceLimits.fileBytes;
    this.#unwrittenBytes = options.unwrittenBytes ?? traceLimits.unwrittenBytes;
    this.#handle = handle;
  }

  /**
   * Begins the file; an existing one is kept as `NAME.1`.
   * @throws FaultError `config`: `trace-unwritable`
   */
  static async open(options: TraceFileOptions): Promise<TraceFile> {
    try {
      await keepOlder(options.path, false);
      const handle = await open(options.path, 'w', OWNER_ONLY);
      return new TraceFile(options, handle, (await handle.stat()).isFile());
    } catch (error) {
      throw new FaultError(unwritable(options.path, error), { cause: error });
    }
  }

  /** Writes the current snapshots, and then every record. */
  follow(records$: Subscribable<TraceRecord>): void {
    this.#begin();
    this.#size = 0;
    this.#source = records$.subscribe((record) => this.#write(record));
  }

  #write(record: TraceRecord): void {
    this.#newestMs = record.atMs;
    if (this.#brokenMs !== null || this.#waitingBytes > this.#unwrittenBytes) {
      this.#lost += 1;
      const mayBegin = this.#brokenMs !== null && record.atMs >= this.#brokenMs + RETRY_MS && this.#isRegular;
      if (mayBegin) this.#beginSoon();
      return;
    }
    if (this.#lost > 0) {
      const { seq, atMs } = record;
      const lost: TraceRecord = { seq, atMs, actor: '', cause: null, kind: 'lost', records: this.#lost };
      this.#lost = 0;
      this.#append(this.#encoder.record(lost));
    }
    this.#append(this.#encoder.record(record));
    if (this.#size >= this.#fileBytes) this.#beginSoon();
  }

  /** Not while an actor is handling an event: its snapshot would still show the previous state. */
  #beginSoon(): void {
    if (this.#beginsSoon) return;
    this.#beginsSoon = true;
    queueMicrotask(() => this.#beginAnother());
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    this.#source?.unsubscribe();
    await this.#writing;
    this.#isOver = true;
    await this.#release();
  }

  async #release(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  #begin(): void {
    const { header, snapshots } = this.#options;
    this.#append(this.#encoder.header(header()));
    for (const snapshot of snapshots()) this.#append(this.#encoder.record(snapshot));
  }

  #beginAnother(): void {
    this.#beginsSoon = false;
    if (this.#isOver) return;
    this.#waiting.push(this.#brokenMs === null ? ROTATES : RETRIES);
    this.#brokenMs = null;
    this.#encoder = new TraceEncoder();
    this.#begin();
    // The snapshots alone may be larger than a file. They do not count: each file has the same room for records, or
    // every file would at once begin the next.
    this.#size = 0;
  }

  #append(lines: string): void {
    const bytes = Buffer.byteLength(lines);
    this.#size += bytes;
    this.#waitingBytes += bytes;
    this.#waiting.push(lines);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    let waiting: readonly Part[] = [];
    try {
      await Promise.resolve(); // everything from the current task goes into one write
      while (this.#waiting.length > 0) {
        waiting = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#writeOut(waiting);
      }
    } catch (error) {
      this.#brokenMs = this.#newestMs;
      this.#lost += waiting.length + this.#waiting.length; // an upper bound: a part may have been written
      this.#waiting = [];
      this.#waitingBytes = 0;
      await this.#release().catch(() => undefined);
      this.#options.failed(unwritable(this.#options.path, error));
    } finally {
      this.#writing = null;
    }
  }

  async #writeOut(waiting: readonly Part[]): Promise<void> {
    let text = '';
    const write = async (): Promise<void> => {
      if (text !== '') await this.#handle?.writeFile(text);
      text = '';
    };
    for (const part of waiting) {
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      await write();
      await this.#release();
      await keepOlder(this.#options.path, part === RETRIES);
      this.#handle = await open(this.#options.path, 'w', OWNER_ONLY);
    }
    await write();
  }
}

/**
 * Regular files only: anything else under that name (a pipe, a terminal) is written to directly. If writing broke off,
 * the larger of the two files is kept: on a full disk, stubs must not replace what was written before.
 */
async function keepOlder(path: string, isBrokenOff: boolean): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true || found.size === 0) return;
  const older = isBrokenOff ? await stat(`${path}.1`).catch(() => null) : null;
  if (found.size > (older?.size ?? 0)) await rename(path, `${path}.1`);
}

const unwritable = (path: string, error: unknown): Fault =>
  fault(
    'config',
    'trace-unwritable',
    'local',
    `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
  );
