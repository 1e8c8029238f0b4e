/**
 * A network that counts the connections it has opened and those still open: invariant L3 is checked by these counts.
 */
import type { ConnectionEvents, Network } from '../ports.ts';

export class SocketCount {
  opened = 0;
  standing = 0;
}

/** Counts the connections that are opened through `network`; each is one socket between two providers. */
export function countedNetwork(network: Network, count: SocketCount, changed: () => void): Network {
  return {
    listen: (options, accept) => network.listen(options, accept),
    connect: (options, events) => {
      let stands = false;
      const counted: ConnectionEvents = {
        connected: (info) => {
          stands = true;
          count.opened += 1;
          count.standing += 1;
          events.connected(info);
          changed();
        },
        data: (bytes) => events.data(bytes),
        secured: (session) => events.secured(session),
        drained: () => events.drained(),
        ended: () => events.ended?.(),
        closed: (what) => {
          if (stands) count.standing -= 1;
          stands = false;
          events.closed(what);
          changed();
        },
      };
      return network.connect(options, counted);
    },
  };
}
