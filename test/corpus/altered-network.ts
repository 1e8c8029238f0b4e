/**
 * A network on which somebody drops or changes what is written, in the clear and also inside TLS, where nobody real
 * could.
 */
import type { Connection, Flushed, Network } from '../../src/ports.ts';

/** `alter` receives each text that is written; its result is sent instead, or nothing if the result is empty. */
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
