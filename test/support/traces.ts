/** Traces of providers in a simulation: as the text of a trace file, and read back. */
import { TraceEncoder } from '../../src/trace/format.ts';
import { readTrace, type Trace } from '../../src/trace/read.ts';
import type { TraceRecord } from '../../src/trace/record.ts';

/** The text of a trace file. */
export function traceText(records: readonly TraceRecord[], hosts: readonly string[] = []): string {
  const encoder = new TraceEncoder();
  const header = encoder.header({ software: 'test', startedAtMs: 0, role: 'test', hosts });
  return [header, ...records.map((record) => encoder.record(record))].join('');
}

/** Reads a text, in chunks of an odd size. */
export async function readText(text: string): Promise<Trace> {
  const bytes = Buffer.from(text);
  return await readTrace(chunksOf(bytes, 1_021));
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is read comes in time
export async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
