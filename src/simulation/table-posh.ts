/** POSH documents held in the process, for the demo, simulations and tests. */
import { systemClock } from '../adapters/clock.ts';
import { findMaterial, type PoshAnswer } from '../adapters/posh/find-material.ts';
import type { Clock, PoshSource } from '../ports.ts';
import { FaultError } from '../protocol/faults.ts';
import { httpsUrl } from '../protocol/https-url.ts';
import { type PoshCondition, poshFault } from '../protocol/posh-conditions.ts';

/** The text of a document, or why it cannot be fetched. A URL that is not in the table gives 404. */
export type PoshTableEntry = string | { readonly status: number } | { readonly condition: PoshCondition };

/**
 * Keys are complete URLs, such as `poshUrl('a.example', 'xmpp-server')`; documents are parsed like those fetched over
 * HTTPS.
 */
export type PoshTable = Readonly<Record<string, PoshTableEntry>>;

export interface TablePoshSource extends PoshSource {
  /** Replaces the entry of a URL; null removes it. Answers already under way are unchanged. */
  set(url: string, entry: PoshTableEntry | null): void;
}

export interface TablePoshOptions {
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
  /** How long each document takes, in milliseconds. @defaultValue 0: the next microtask, with no timer */
  readonly delayMs?: number;
}

/** A source over a table; it caches nothing. */
export function createTablePoshSource(table: PoshTable, options: TablePoshOptions = {}): TablePoshSource {
  const { clock = systemClock, delayMs = 0 } = options;
  const entries = new Map(Object.entries(table).map(([url, entry]) => [normal(url), entry]));

  async function get(url: string, signal: AbortSignal): Promise<PoshAnswer> {
    const entry = entries.get(normal(url)) ?? { status: 404 };
    await pause(signal);
    if (typeof entry === 'string') return { status: 200, body: new TextEncoder().encode(entry), url };
    if ('status' in entry) return { status: entry.status, body: new Uint8Array(), url };
    throw new FaultError(poshFault(entry.condition, url));
  }

  function pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        clock.clearTimeout(timer);
        reject(new FaultError(poshFault('cancelled')));
      };
      const end = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const timer = delayMs === 0 || signal.aborted ? null : clock.setTimeout(end, delayMs);
      if (signal.aborted) giveUp();
      else if (timer === null) resolve();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  return {
    fetch: (domain, service, signal) => findMaterial(domain, service, (url) => get(url, signal), clock),
    set: (url, entry) => {
      if (entry === null) entries.delete(normal(url));
      else entries.set(normal(url), entry);
    },
  };
}

const normal = (url: string): string => httpsUrl(url)?.href ?? url;
