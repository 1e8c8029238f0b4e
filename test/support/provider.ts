/** Providers on loopback with real sockets, TLS, DNS and HTTPS; and the results of each. */
import type { AssociationOutcome } from '../../machines/events.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts, type NodePorts, type NodePortsOptions } from '../../src/node-ports.ts';
import type { ManagerOptions } from '../../src/options.ts';
import type { Accepted, ConnectionEvents, Ports } from '../../src/ports.ts';
import type { WireElement } from '../../src/protocol/wire.ts';
import type { Stanza } from '../../src/protocol/stanza.ts';

export interface ProviderOptions extends NodePortsOptions, Omit<ManagerOptions, 'hosts' | 'listen'> {
  /** Number of listeners, each on its own port. @defaultValue 1 */
  readonly listeners?: number;
  /** Port of the first listener, if others must know it beforehand. @defaultValue a free one */
  readonly port?: number;
  /** These ports replace the real ones. */
  readonly instead?: Partial<Ports>;
  /** Where to connect instead, by TCP port. */
  readonly redirected?: Readonly<Record<number, number>>;
}

export interface Provider {
  readonly manager: ConnectionManager;
  readonly ports: NodePorts;
  /** Port of each listener. */
  readonly listeners: readonly number[];
  /** Port of the first listener. */
  readonly port: number;
  readonly received: readonly Stanza[];
  /** The outcome of each attempt to prove a domain, in order. */
  readonly outcomes: readonly AssociationOutcome[];
  /** Elements of the negotiation, by stream, in both directions and in order. */
  readonly wire: readonly { readonly actor: string; readonly direction: 'in' | 'out'; readonly element: WireElement }[];
  /** Owner names of the TLSA records that were queried, in order. */
  readonly tlsaAsked: readonly string[];
  /** SASL mechanisms that it offered on streams from a domain. */
  offeredTo(domain: string): readonly string[];
  /** TCP connections accepted on a port. */
  visits(port?: number): number;
  /** The next stanza that was not returned before. */
  next(): Promise<Stanza>;
  stop(): Promise<void>;
}

export async function startProvider(options: ProviderOptions): Promise<Provider> {
  const { listeners = 1, port: first = 0, instead, redirected = {} } = options;
  const real = createNodePorts(options);
  const tlsaAsked: string[] = [];
  const visits = new Map<number, number>();
  const counted: Ports = {
    ...real,
    network: {
      connect: (to, events) => real.network.connect({ ...to, port: redirected[to.port] ?? to.port }, events),
      listen: async (to, accept) => {
        const counting = (accepted: Accepted): ConnectionEvents => {
          visits.set(listening.port, (visits.get(listening.port) ?? 0) + 1);
          return accept(accepted);
        };
        const listening = await real.network.listen(to, counting);
        return listening;
      },
    },
    resolver: {
      ...real.resolver,
      tlsa: (name, signal, manner) => {
        tlsaAsked.push(name);
        return real.resolver.tlsa(name, signal, manner);
      },
    },
    ...instead,
  };
  const listen = Array.from({ length: listeners }, (_, i) => ({
    address: '127.0.0.1',
    port: i === 0 ? first : 0,
    tls: 'detect' as const,
  }));
  const manager = new ConnectionManager({ ...options, listen }, counted);
  const received: Stanza[] = [];
  const outcomes: AssociationOutcome[] = [];
  const wire: Provider['wire'][number][] = [];
  const waiting: ((stanza: Stanza) => void)[] = [];
  let taken = 0;
  manager.stanzas$.subscribe((stanza) => {
    received.push(stanza);
    if (waiting.length > 0) taken += 1;
    waiting.shift()?.(stanza);
  });
  manager.records$.subscribe((record) => {
    if (record.kind === 'wire') wire.push(record);
    if (record.kind !== 'report' || record.report.type !== 'association.settled') return;
    // Records contain the reports unchanged (src/control/registry.ts).
    outcomes.push((record.report as unknown as { readonly outcome: AssociationOutcome }).outcome);
  });
  await manager.start();
  const ports = manager.listening.map(({ port }) => port);
  return {
    manager,
    ports: real,
    listeners: ports,
    port: ports[0] ?? 0,
    received,
    outcomes,
    wire,
    tlsaAsked,
    offeredTo: (domain) => {
      const streams = wire.flatMap(({ actor, element }) =>
        element.kind === 'streamHeader' && element.from === domain ? [actor] : [],
      );
      return wire.flatMap(({ actor, direction, element }) =>
        direction === 'out' && element.kind === 'features' && streams.includes(actor) ? element.mechanisms : [],
      );
    },
    visits: (port) =>
      port === undefined ? [...visits.values()].reduce((sum, count) => sum + count, 0) : (visits.get(port) ?? 0),
    next: () => {
      const ready = received[taken];
      if (ready === undefined) return new Promise((resolve) => waiting.push(resolve));
      taken += 1;
      return Promise.resolve(ready);
    },
    stop: async () => {
      await manager.stop();
      real.close();
    },
  };
}

/** `dane proved, …`: each prooftype that was asked, with its answer; `!` where the answer was final. */
export const inWords = ({ attempts }: AssociationOutcome): string =>
  attempts
    .map(({ prooftype, verdict }) =>
      verdict.kind === 'proved'
        ? `${prooftype} proved`
        : `${prooftype} ${verdict.fault.condition}${verdict.final === true ? '!' : ''}`,
    )
    .join(', ');
