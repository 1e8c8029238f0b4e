/** The body of a request, as far as it is one of a command. */
import type { IncomingMessage } from 'node:http';

/** A command is a few words; two domains of 1,023 bytes each among them. */
const MAX_BODY_BYTES = 4_096;

/** `gone`: whoever asked is not there any more. */
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
