/** A network on which somebody stands who swallows or changes what is written, in the clear and, as nobody real could, within TLS. */
import type { Connection, Flushed, Network } from '../../src/ports.ts';

/** `alter` is given each text that is written; what it answers is sent in its place, and nothing where that is empty. */
export function altered(network: Network, alter: (text: string) => string): Network {
  const wrap = (connection: Connection): Connection =>
    new Proxy(connection, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'write') return (bytes: Buffer | string, flushed?: Flushed) => write(target, bytes, flushed);
        return (...args: unknown[]): unknown => Reflect.apply(member, target, args) as unknown;
      },
    });
  const write = (connection: Connection, bytes: Buffer | string, flushed?: Flushed): void => {
    const passes = alter(bytes.toString());
    if (passes === '') flushed?.(true);
    else connection.write(passes, flushed);
  };
  return {
    connect: (options, events) => wrap(network.connect(options, events)),
    listen: (options, accept) =>
      network.listen(options, (accepted) => accept({ ...accepted, connection: wrap(accepted.connection) })),
  };
}
