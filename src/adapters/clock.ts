import type { Clock } from '../ports.ts';

/** The system clock. Its timers keep the process alive, as Node's do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined), // always a handle from setTimeout above
};
