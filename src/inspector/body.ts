/** Reads the body of a request, up to the size of a command. */
import type { IncomingMessage } from 'node:http';

/** A command is a few words, and up to two domains of 1,023 bytes each. */
const MAX_BODY_BYTES = 4_096;

/** `gone`: the client has disconnected. */
export function bodyOf(request: IncomingMessage): Promise<{ readonly text: string } | 'too-long' | 'gone'> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_BODY_BYTES) parts.push(part);
      else resolve('too-long');
    });
    request.on('end', () => resolve({ text: Buffer.concat(parts).toString() }));
    request.on('error', () => resolve('gone'));
    request.on('close', () => resolve('gone'));
  });
}
