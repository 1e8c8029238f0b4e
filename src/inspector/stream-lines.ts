/**
 * Sends lines that are made as they are read, in slices, so that neither making nor sending them delays anything else.
 */
import type { ServerResponse } from 'node:http';

/** Characters in one slice. */
const SLICE = 64 * 1_024;

/** Ends the response, or stops when the client has disconnected. */
export async function streamLines(response: ServerResponse, lines: Iterable<string>): Promise<void> {
  let slice = '';
  for (const line of lines) {
    slice += line;
    if (slice.length < SLICE) continue;
    const isTaken = response.write(slice);
    slice = '';
    if (!isTaken) await readOrGone(response);
    // A fast reader is ready at once: everything else gets its turn all the same.
    await new Promise((resolve) => setImmediate(resolve));
    if (response.destroyed) return;
  }
  response.end(slice);
}

const readOrGone = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      response.off('drain', over);
      response.off('close', over);
      resolve();
    };
    response.once('drain', over);
    response.once('close', over);
  });
