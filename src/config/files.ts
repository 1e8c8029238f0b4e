/** Reading the files that the configuration names: whole, bounded, and with one clear sentence when it fails. */
import { closeSync, openSync, readSync } from 'node:fs';

/** What is expected of a file, and what was found in its place. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/**
 * The text of a file of at most `maxBytes` bytes. Reads pipes too.
 * @throws FileError `cannot be read: …`
 */
export function readBounded(path: string, maxBytes: number): string {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    const buffer = Buffer.alloc(Math.min(maxBytes + 1, 65536));
    const chunks: Buffer[] = [];
    let total = 0;
    for (let read = -1; read !== 0; total += read) {
      if (total > maxBytes) throw new FileError(`cannot be read: ${path} is larger than ${maxBytes} bytes`);
      read = readSync(descriptor, buffer);
      chunks.push(Buffer.from(buffer.subarray(0, read)));
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`cannot be read: ${readable(error, path)}`, { cause: error });
  } finally {
    if (descriptor !== null) closeSync(descriptor);
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
