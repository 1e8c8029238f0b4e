import type { ConnectionEvents } from '../ports.ts';

/** Where the events of a connection go that was refused at once. */
export const unheard: ConnectionEvents = {
  connected: () => undefined,
  data: () => undefined,
  secured: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};
