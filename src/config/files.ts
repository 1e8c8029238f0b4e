/** Reads the files that the configuration names: whole, bounded, and with one clear sentence on failure. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';

/** A file that cannot be read, with the reason as message. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** How long a pipe may stay silent, in milliseconds: the process is blocked meanwhile and obeys not even a signal. */
const PIPE_SILENCE_MS = 5_000;
const PIPE_POLL_MS = 10;

/**
 * The text of a file of at most `maxBytes` bytes. Reads pipes too, unless nobody writes into them for `silenceMs`.
 * @throws FileError `cannot be read: …`
 */
export function readBounded(path: string, maxBytes: number, silenceMs: number = PIPE_SILENCE_MS): string {
  let descriptor: number | null = null;
  try {
    // Without O_NONBLOCK, opening a pipe waits for a writer, possibly forever.
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

/** One path for all paths to a file, also through links. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // there is no such file yet
  }
}

/** Reads a non-blocking pipe, which may have no bytes at first (before its writer opens it) or for a while. */
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

/** How many bytes were read; 0 when nobody has the pipe open for writing; null while none are available. */
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
