/** How many files and sockets this process may have open: a limit that operators of daemons forget to raise. */
import { readFileSync } from 'node:fs';
import { limits } from '../../machines/limits.ts';

/** Room for the streams of one address, and as many again for all others. */
const ENOUGH = 2 * limits.streamsPerAddress;

/** A warning if the limit is low; null if it is sufficient or unlimited, or if the system does not report it. */
export function tooFewFiles(path = '/proc/self/limits'): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux
  }
  const most = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Infinity); // Node has raised it at its start
  if (most >= ENOUGH) return null;
  return `this process may open ${most} files and sockets, and one address alone may take ${limits.streamsPerAddress}: raise the limit (LimitNOFILE, ulimit -n)`;
}
