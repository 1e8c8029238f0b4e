/** How many files and sockets this process may have open: what operators of daemons forget to raise. */
import { readFileSync } from 'node:fs';
import { limits } from '../../machines/limits.ts';

/** What one address may take of it, and as much again for all others. */
const ENOUGH = 2 * limits.streamsPerAddress;

/** A sentence where that is few; null where it is enough, or unlimited, or where the system does not tell. */
export function tooFewFiles(path = '/proc/self/limits'): string | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux
  }
  const most = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Infinity); // Node has raised it as far as it may
  if (most >= ENOUGH) return null;
  return `this process may open ${most} files and sockets, and one address alone may take ${limits.streamsPerAddress}: raise the limit (LimitNOFILE, ulimit -n)`;
}
