import type { Clock } from '../ports.ts';

/** The machine's own clock; its timers keep the process alive, as Node's do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined), // only ever what setTimeout gave
};
