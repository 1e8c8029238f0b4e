/**
 * Records in a file: `NAME`, and beside it `NAME.1` with those from before it was full. Nobody waits for the disk; records
 * that it does not take in time are lost, and how many is written down. Where a file takes none, it is begun anew a minute later.
 */
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { fault, type Fault, FaultError } from '../protocol/faults.ts';
import { type HeaderFields, TraceEncoder } from './format.ts';
import { traceLimits } from './limits.ts';
import type { TraceRecord } from './record.ts';

export interface TraceFileOptions {
  readonly path: string;
  /**
   * Bytes of records, beyond those who lived when it was begun, at which a new file is begun; the one before is kept.
   * @defaultValue 67108864
   */
  readonly fileBytes?: number;
  /** Bytes that may wait for the disk. @defaultValue 8388608 */
  readonly unwrittenBytes?: number;
  readonly header: () => HeaderFields;
  /** Of every actor that lives now: what the file begins with. */
  readonly snapshots: () => readonly TraceRecord[];
  /** It cannot be written to: a file is tried again in a minute; anything else that stands under the name (a pipe) is not. */
  readonly failed: (why: Fault) => void;
}

interface Subscribable<Value> {
  subscribe(next: (value: Value) => void): { unsubscribe(): void };
}

const ROTATES = Symbol('the file is full');
const RETRIES = Symbol('the file could not be written to');
type Part = string | typeof ROTATES | typeof RETRIES;

/** By the time of the records. */
const RETRY_MS = 60_000;

/** Mode of a new file: it names who talks to whom. */
const OWNER_ONLY = 0o600;

export class TraceFile {
  readonly #options: TraceFileOptions;
  readonly #fileBytes: number;
  readonly #unwrittenBytes: number;
  #encoder = new TraceEncoder();
  /** Null where none could be opened. */
  #handle: FileHandle | null;
  /** Of the records in the file at hand, with what waits; not of those who lived when it was begun. */
  #size = 0;
  /** What waits for the disk: lines, and where a new file begins. */
  #waiting: Part[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;
  #source: { unsubscribe(): void } | null = null;
  /** Whether the next file is to be begun in a moment. */
  #beginsSoon = false;
  /** Since when nothing can be written, by the newest record; null while all is well. */
  #brokenMs: number | null = null;
  #newestMs = 0;
  #isOver = false;
  /** And no pipe, for example, which nobody may read any more. */
  readonly #isRegular: boolean;

  private constructor(options: TraceFileOptions, handle: FileHandle, isRegular: boolean) {
    this.#options = options;
    this.#isRegular = isRegular;
    this.#fileBytes = options.fileBytes ?? traceLimits.fileBytes;
    this.#unwrittenBytes = options.unwrittenBytes ?? traceLimits.unwrittenBytes;
    this.#handle = handle;
  }

  /**
   * Begins the file; one that is there already is kept as `NAME.1`.
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

  /** Writes what there is, and what comes. */
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

  /** Not while an actor moves: it would stand where it stood before. */
  #beginSoon(): void {
    if (this.#beginsSoon) return;
    this.#beginsSoon = true;
    queueMicrotask(() => this.#beginAnother());
  }

  /** Resolves when all is on the disk. */
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
    // Who lives may alone be more than a file: it has room for as many records as any other, or each would begin the next.
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
      await Promise.resolve(); // all of this task goes in one write
      while (this.#waiting.length > 0) {
        waiting = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#writeOut(waiting);
      }
    } catch (error) {
      this.#brokenMs = this.#newestMs;
      this.#lost += waiting.length + this.#waiting.length; // at most: a part may have been written
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
 * Only files: what else stands under the name (a pipe, a terminal) is written to as it is. Of two of which one was broken off the
 * larger is kept: where a disk is full, stubs must not take the place of what was written before.
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
