/** Accepts external components (XEP-0114) on one socket; attaches each to the data plane once it proves its secret. */
import { unheard } from '../adapters/unheard.ts';
import type { Accepted, Clock, ConnectionEvents, Listening, Network, Random } from '../ports.ts';
import { fault } from '../protocol/faults.ts';
import { canonicalDomain } from '../protocol/names.ts';
import {
  ComponentStream,
  type ComponentEvent,
  type ComponentLimits,
  type ComponentRouter,
} from './component-stream.ts';

export type { ComponentEvent, ComponentLimits, ComponentRouter } from './component-stream.ts';

export interface ComponentListenerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Component domain to shared secret. */
  readonly domains: Readonly<Record<string, string>>;
  readonly limits?: Partial<ComponentLimits>;
}

export interface ComponentListenerPorts {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly router: ComponentRouter;
  /** Receives the events of components. @defaultValue none */
  readonly tell?: (event: ComponentEvent) => void;
}

/**
 * The sizes are those of s2s streams. A component on the same machine answers its handshake within milliseconds. One
 * that accepts no byte for half a minute hangs: until it is dropped, streams that wrote to it carry nothing for anybody
 * else.
 */
const defaultComponentLimits: ComponentLimits = {
  stanzaBytes: 524_288,
  preAuthBytes: 10_000,
  handshakeTimeoutMs: 10_000,
  drainTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
};

/** Most connections before their handshake, per socket: keeps a stranger from holding all file descriptors. */
const MAX_PENDING = 64;

export class ComponentListener {
  readonly #ports: ComponentListenerPorts;
  readonly #limits: ComponentLimits;
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #streams = new Set<ComponentStream>();
  #listening: Listening | null = null;
  #pending = 0;
  #draining = false;
  #emptied: () => void = () => undefined;
  #stopped: Promise<void> | null = null;

  /** @throws TypeError when a key of `domains` is not a domain. */
  private constructor({ domains, limits }: ComponentListenerOptions, ports: ComponentListenerPorts) {
    this.#ports = ports;
    this.#limits = { ...defaultComponentLimits, ...limits };
    this.#secrets = new Map(
      Object.entries(domains).map(([domain, secret]) => {
        const name = canonicalDomain(domain);
        if (name === null) throw new TypeError(`not a domain: ${domain}`);
        return [name, secret];
      }),
    );
  }

  /**
   * Listens; resolves once components can connect.
   * @throws FaultError `tcp`, when the address cannot be listened on.
   */
  static async start(options: ComponentListenerOptions, ports: ComponentListenerPorts): Promise<ComponentListener> {
    const listener = new ComponentListener(options, ports);
    const { address, port } = options;
    // `starttls` means that the connection begins without TLS; a component stream never starts it later either.
    listener.#listening = await ports.network.listen({ address, port, tls: 'starttls' }, (accepted) =>
      listener.#accept(accepted),
    );
    return listener;
  }

  /** Where it listens; the port is the assigned one when 0 was requested. */
  get address(): { readonly address: string; readonly port: number } {
    const { address = '', port = 0 } = this.#listening ?? {};
    return { address, port };
  }

  /** Component domains, canonical. */
  get domains(): readonly string[] {
    return [...this.#secrets.keys()];
  }

  /** Accepts no new component and reads no more stanzas, so that those in transit can finish; {@link stop} follows. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#streams) stream.drain();
  }

  /** Ends every stream with `system-shutdown`; resolves once all are gone. Further calls return the same promise. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#draining = true;
    const closed = this.#listening?.close();
    const emptied = new Promise<void>((resolve) => (this.#emptied = resolve));
    for (const stream of [...this.#streams]) stream.shutdown();
    if (this.#streams.size > 0) await emptied;
    await closed;
  }

  #accept({ connection }: Accepted): ConnectionEvents {
    const { router, clock, random, tell = () => undefined } = this.#ports;
    if (this.#draining || this.#pending >= MAX_PENDING) {
      const why = fault('component', 'resource-constraint', 'local', 'too many connections without a handshake');
      connection.destroy(why);
      if (!this.#draining) {
        tell({ kind: 'refused', domain: null, remoteAddress: connection.remoteAddress, fault: why });
      }
      return unheard;
    }
    this.#pending += 1;
    const stream = new ComponentStream({
      connection,
      secrets: this.#secrets,
      limits: this.#limits,
      router,
      clock,
      random,
      tell,
      settled: () => (this.#pending -= 1),
      ended: () => {
        this.#streams.delete(stream);
        if (this.#streams.size === 0) this.#emptied();
      },
    });
    this.#streams.add(stream);
    return stream;
  }
}
