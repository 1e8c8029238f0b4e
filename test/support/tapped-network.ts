/** A network on which everything that is written can be overheard before TLS encrypts it. */
import type { Connection, Network } from '../../src/ports.ts';

export function tappedNetwork(network: Network, overhear: (text: string) => void): Network {
  const tap = (connection: Connection): Connection =>
    new Proxy(connection, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (name === 'write') overhear(String(args[0]));
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
  return {
    connect: (options, events) => tap(network.connect(options, events)),
    listen: (options, accept) =>
      network.listen(options, (accepted) => accept({ ...accepted, connection: tap(accepted.connection) })),
  };
}
