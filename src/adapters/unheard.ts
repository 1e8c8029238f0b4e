import type { ConnectionEvents } from '../ports.ts';

/** Ignores the events of a connection that was refused at once. */
export const unheard: ConnectionEvents = {
  connected: () => undefined,
  data: () => undefined,
  secured: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};
