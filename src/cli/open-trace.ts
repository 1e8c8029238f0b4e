/** Opens a trace, or a bundle, for the commands `explain` and `replay`. */
import { open } from 'node:fs/promises';
import { FaultError } from '../protocol/faults.ts';
import { headerOf, isPacked, traceIn, unpacked } from '../trace/explain/bundle.ts';
import { divergedWords } from '../trace/explain/words.ts';
import { traceLimits } from '../trace/limits.ts';
import { momentOf } from '../trace/view/moment.ts';
import { readTrace, TraceError } from '../trace/read.ts';
import { replay } from '../trace/view/replay.ts';
import type { View } from '../trace/view/view.ts';
import { type Terminal, InputError } from './terminal.ts';

export interface OpenedTrace {
  readonly view: View;
  /** The lines of the file; an incomplete last line is left out. */
  readonly lines: readonly string[];
  /** Number of records of kinds that this version does not know. */
  readonly unknown: number;
  readonly isCutOff: boolean;
}

/**
 * @param nowMs milliseconds since the epoch
 * @throws InputError if the file cannot be read, or is not a trace
 */
export async function openTrace(file: string, nowMs: number): Promise<OpenedTrace> {
  try {
    const bytes = await bytesOf(file);
    const text = isPacked(bytes) ? unpacked(bytes) : bytes.toString('utf8');
    const bundle = headerOf(text);
    const lines = (bundle === null ? text : traceIn(text)).split('\n');
    const isCutOff = lines.pop() !== '';
    const { header, records, unknown } = await readTrace(chunksOf(lines));
    const view = replay(records, { hosts: header.hosts });
    const covers = { sinceMs: header.startedAtMs, untilMs: header.savedAtMs ?? view.atMs };
    const atMs = momentOf(view, header, bundle?.atMs ?? nowMs);
    return { view: { ...view, atMs, covers }, lines, unknown, isCutOff };
  } catch (error) {
    if (error instanceof TraceError) throw new InputError(`${file}: ${error.message}`);
    if (error instanceof FaultError) throw new InputError(`${file}: ${error.fault.text ?? error.fault.condition}`);
    if (error instanceof Error && 'code' in error)
      throw new InputError(`${file}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`);
    throw error;
  }
}

async function bytesOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > traceLimits.readBytes) throw new TraceError(0, `a trace of at most ${traceLimits.readBytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

const encoder = new TextEncoder();

async function* chunksOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (const line of lines) yield encoder.encode(`${line}\n`);
}

/** Tells the user what is missing from the picture. */
export function warn(file: string, { view, unknown, isCutOff }: OpenedTrace, terminal: Terminal): void {
  const note = (sentence: string): void => terminal.tell(terminal.paint('yellow', `${file}: ${sentence}`));
  if (view.lost > 0) note(`${view.lost} records are missing: what is said may be incomplete`);
  if (unknown > 0) note(`${unknown} records are of kinds that this version does not know`);
  if (isCutOff) note('it ends in the middle of a line: the program that wrote it was cut off, or is still writing');
  const [first] = view.diverged;
  if (first === undefined) return;
  const times = divergedWords(view.diverged.length, first);
  note(`the charts of this version diverge from the trace ${times}`);
}
