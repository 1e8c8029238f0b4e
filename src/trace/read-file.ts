/** Reading a trace from a file. */
import { createReadStream } from 'node:fs';
import { type ReadBounds, readTrace, type Trace } from './read.ts';

/**
 * Reads a file.
 * @throws TraceError if it is not a trace, or is too large; the error of the file system if it cannot be read
 */
export const readTraceFile = (path: string, bounds: ReadBounds = {}): Promise<Trace> =>
  readTrace(createReadStream(path), bounds);
