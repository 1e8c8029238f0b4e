/** The time that is shown: it ticks for a live source, and is fixed in a trace. */
import { useEffect, useState } from 'preact/hooks';
import type { Source } from './source.ts';

/** How far the daemon's clock is ahead of ours, in milliseconds; its answers contain its time. */
let aheadMs = 0;

export function hearTime(atMs: number): void {
  aheadMs = atMs - Date.now();
}

const TICK_MS = 1_000;

export function useNow(source: Source): number {
  const [, tick] = useState(0);
  const lives = source.kind === 'live';
  useEffect(() => {
    if (!lives) return;
    const timer = window.setInterval(() => tick((count) => count + 1), TICK_MS);
    return () => window.clearInterval(timer);
  }, [lives]);
  return source.timeline === null ? Date.now() + aheadMs : source.timeline.moment.atMs;
}
