/** A trace that is a file. */
import { createReadStream } from 'node:fs';
import { type ReadBounds, readTrace, type Trace } from './read.ts';

/**
 * Reads a file.
 * @throws TraceError where it is no trace, or too large a one; the error of the file system where it cannot be read
 */
export const readTraceFile = (path: string, bounds: ReadBounds = {}): Promise<Trace> =>
  readTrace(createReadStream(path), bounds);
