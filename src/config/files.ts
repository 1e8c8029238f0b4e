/** Reading the files that the configuration names: whole, bounded, and with one clear sentence when it fails. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** What is expected of a file, and what was found in its place. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** How long a pipe may keep silent, in milliseconds: we can do nothing else meanwhile, not even obey a signal. */
const PIPE_SILENCE_MS = 5_000;
const PIPE_POLL_MS = 10;

/**
 * The text of a file of at most `maxBytes` bytes. Reads pipes too, unless nobody writes into them for `silenceMs`.
 * @throws FileError `cannot be read: …`
 */
export function readBounded(path: string, maxBytes: number, silenceMs: number = PIPE_SILENCE_MS): string {
  let descriptor: number | null = null;
  try {
    // Without O_NONBLOCK the opening of a pipe waits for a writer, for ever if need be.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const read = fstatSync(descriptor).isFIFO() ? pipeReader(path, silenceMs) : readSync;
    const buffer = Buffer.alloc(Math.min(maxBytes + 1, 65536));
    const chunks: Buffer[] = [];
    let total = 0;
    for (let length = -1; length !== 0; total += length) {
      if (total > maxBytes) throw new FileError(`cannot be read: ${path} is larger than ${maxBytes} bytes`);
      length = read(descriptor, buffer);
      chunks.push(Buffer.from(buffer.subarray(0, length)));
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`cannot be read: ${readable(error, path)}`, { cause: error });
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Reads a pipe that does not block: it has no bytes at first (its writer is not there yet), or for a while. */
function pipeReader(path: string, silenceMs: number): (descriptor: number, buffer: Buffer) => number {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  let begun = false;
  return (descriptor, buffer) => {
    for (let waitedMs = 0; waitedMs < silenceMs; waitedMs += PIPE_POLL_MS) {
      const length = readAvailable(descriptor, buffer);
      if (length !== null && (length > 0 || begun)) {
        begun = true;
        return length;
      }
      Atomics.wait(clock, 0, 0, PIPE_POLL_MS);
    }
    throw new FileError(`cannot be read: ${path} is a pipe, and nobody wrote into it for ${silenceMs / 1000} s`);
  };
}

/** How many bytes were read, 0 where nobody has the pipe open for writing; null while there are none. */
function readAvailable(descriptor: number, buffer: Buffer): number | null {
  try {
    return readSync(descriptor, buffer);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return null;
    throw error;
  }
}

function readable(error: unknown, path: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return `there is no file ${path}`;
    case 'EACCES':
      return `no permission to read ${path}`;
    case 'EISDIR':
      return `${path} is a directory`;
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return `${path} is not UTF-8 text`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
