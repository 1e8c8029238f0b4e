/** The stage of the corpus: our managers and their far ends, on real sockets on loopback; time passes when told to. */
import assert from 'node:assert/strict';
import { createNetwork } from '../../src/adapters/network/network.ts';
import type { CredentialStore } from '../../src/adapters/network/tls.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { createRandom } from '../../src/adapters/random.ts';
import { greeting } from '../../src/demo/greeting.ts';
import { ConnectionManager } from '../../src/manager.ts';
import type { ManagerOptions } from '../../src/options.ts';
import type { Clock, Credential, Network, PathValidator, Ports } from '../../src/ports.ts';
import type { TlsMode } from '../../src/protocol/dns.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { explain, type Explanation } from '../../src/trace/explain/explain.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import { replay } from '../../src/trace/view/replay.ts';
import type { View } from '../../src/trace/view/view.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { readText, traceText } from '../support/traces.ts';
import { altered } from './altered-network.ts';
import { type AskedDns, type AskedResolver, startAskedDns } from './asked-dns.ts';

export const A = 'a.example';
export const B = 'b.example';

/** Trusted by everybody. */
export const authority = createCertificateAuthority({ name: 'Trusted Root' });
/** Trusted by nobody. */
export const stranger = createCertificateAuthority({ name: 'Stranger' });
export const certificates: Readonly<Record<string, Credential>> = {
  [A]: authority.issue({ dnsNames: [A] }),
  [B]: authority.issue({ dnsNames: [B] }),
};

let validator: PathValidator | null = null;

export interface ProviderOptions {
  readonly hosts?: readonly string[];
  /** Presented where it listens. @defaultValue a good one for the first host */
  readonly credential?: Credential | null;
  /** Whether it presents the same credential as a client. @defaultValue true */
  readonly showsAsClient?: boolean;
  readonly manager?: Omit<Partial<ManagerOptions>, 'hosts'>;
  readonly ports?: Partial<Ports>;
  /** Changes what it writes, before TLS encrypts it. */
  readonly onTheWay?: (text: string) => string;
  /** How far its clock is ahead of the others. @defaultValue 0 */
  readonly aheadMs?: number;
  /** False: it is not found in the DNS. @defaultValue true */
  readonly isPublished?: boolean;
}

export interface Provider {
  readonly manager: ConnectionManager;
  readonly clock: Clock;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly records: readonly TraceRecord[];
  readonly deliveries: readonly Delivery[];
  send(from: string, to: string): void;
  /** The live explanations. */
  explain(): readonly Explanation[];
}

/** Event loop turns: more than it takes on loopback to connect, to send a request and to receive the answer. */
const TURNS = 20;
/**
 * In milliseconds of real time: if nothing happens for this long, the kernel has delivered everything that was sent.
 */
const QUIET_MS = 1;

export class Stage {
  readonly clock: SimulatedClock;
  readonly resolver: AskedResolver;
  readonly #ends: (() => unknown)[] = [];
  readonly #watchers = new Set<() => void>();
  #changes = 0;
  #sent = 0;

  private constructor(clock: SimulatedClock, dns: AskedDns) {
    this.clock = clock;
    this.resolver = dns.resolver;
    this.atEnd(() => dns.close());
  }

  static async open(): Promise<Stage> {
    const clock = new SimulatedClock(Date.now());
    return new Stage(clock, await startAskedDns(clock));
  }

  /** Called whenever something has happened that somebody may be waiting for. */
  readonly changed = (): void => {
    this.#changes += 1;
    setImmediate(() => [...this.#watchers].forEach((look) => look()));
  };

  /** Registers the end of anything that holds a port or a process; it ends with the stage. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async close(): Promise<void> {
    const failed: unknown[] = [];
    for (const end of this.#ends.reverse()) await Promise.resolve(end()).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw new AggregateError(failed, 'not all has ended');
  }

  /** Resolves when the condition holds; checked again whenever something has happened. */
  until(holds: () => boolean, what: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(late);
        this.#watchers.delete(look);
      };
      const look = (): void => {
        if (!holds()) return;
        settle();
        resolve();
      };
      const late = setTimeout(() => {
        settle();
        reject(new Error(`did not come to that: ${what()}`));
      }, PATIENCE_MS);
      this.#watchers.add(look);
      look();
    });
  }

  /** A host for a scripted peer (simulation-peer.ts). */
  readonly host = (credentials: CredentialStore): { network: Network; address: string } => {
    const real = createNetwork({ clock: this.clock, credentials });
    const network: Network = {
      connect: (options, events) => real.connect(options, events),
      listen: async (options, accept) => {
        const listening = await real.listen(options, accept);
        this.atEnd(() => listening.close());
        return listening;
      },
    };
    return { network, address: '127.0.0.1' };
  };

  /** Lets time pass second by second, and waits for the consequences of each. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms;
    while (this.clock.now() < untilMs) {
      this.clock.increment(Math.min(1_000, untilMs - this.clock.now()));
      await this.#quiet();
    }
  }

  /**
   * Resolves when nothing more happens. Turns alone would do if the kernel were never late; on a busy machine it is.
   */
  async #quiet(): Promise<void> {
    let before: number;
    do {
      before = this.#changes;
      for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    } while (this.#changes > before);
  }

  /** Publishes that these domains are served there. */
  publish(
    domains: readonly string[],
    port: number,
    { target = 'xmpp.example', tls = 'starttls' }: { target?: string; tls?: TlsMode } = {},
  ): void {
    this.resolver.set(target, { addresses: [{ family: 4, address: '127.0.0.1' }] });
    const service = tls === 'direct' ? '_xmpps-server' : '_xmpp-server';
    for (const domain of domains)
      this.resolver.set(`${service}._tcp.${domain}`, { srv: [{ priority: 0, weight: 0, port, target }] });
  }

  async provider(options: ProviderOptions = {}): Promise<Provider> {
    const { hosts = [A], showsAsClient = true, aheadMs = 0, isPublished = true, onTheWay } = options;
    const credential = options.credential === undefined ? (certificates[hosts[0] ?? ''] ?? null) : options.credential;
    const clock: Clock = {
      now: () => this.clock.now() + aheadMs,
      setTimeout: (fn, ms) => this.clock.setTimeout(fn, ms),
      clearTimeout: (handle) => this.clock.clearTimeout(handle),
    };
    validator ??= createPathValidator({ system: false, anchors: [authority.certPem] });
    const forServerName = (name: string | null): Credential | null =>
      name === null || hosts.includes(name) ? credential : null;
    const network = createNetwork({ clock, credentials: { forServerName } });
    const manager = new ConnectionManager(
      {
        hosts: Object.fromEntries(hosts.map((host) => [host, showsAsClient ? credential : null])),
        listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }],
        bidi: false,
        ...options.manager,
      },
      {
        network: onTheWay === undefined ? network : altered(network, onTheWay),
        resolver: this.resolver,
        clock,
        random: createRandom(),
        pathValidator: validator,
        ...options.ports,
      },
    );
    const records: TraceRecord[] = [];
    manager.records$.subscribe((record) => {
      records.push(record);
      this.changed();
    });
    manager.stanzas$.subscribe(this.changed);
    await manager.start();
    this.atEnd(async () => {
      const over = manager.stop(0).then(() => true);
      const turn = (): Promise<false> => new Promise((resolve) => setImmediate(() => resolve(false)));
      while (!(await Promise.race([over, turn()]))) this.clock.increment(1_000);
    });
    const port = manager.listening[0]?.port ?? 0;
    if (isPublished) this.publish(hosts, port);
    const deliveries: Delivery[] = [];
    return {
      ...{ manager, clock, port, hosts, records, deliveries },
      send: (from, to) => {
        manager.router.inject(greeting(from, to, this.#sent++), null, (delivery) => {
          deliveries.push(delivery);
          this.changed();
        });
      },
      explain: () => explain(manager.view()),
    };
  }
}

/** Resolves with the first established stream of this kind at `at`. */
export async function standing(
  stage: Stage,
  at: Provider,
  machine: 'initiatingStream' | 'receivingStream',
): Promise<number> {
  const found = (): string | undefined =>
    at.records.find((one) => one.kind === 'event' && one.machine === machine && one.states[0] === 'established')?.actor;
  await stage.until(
    () => found() !== undefined,
    () => JSON.stringify(at.explain(), null, 1),
  );
  return Number(found()?.slice('stream:'.length));
}

/** The view of its trace: written as a file, read, and replayed through the charts. */
export async function replayed({ records, hosts, clock }: Provider): Promise<View> {
  const trace = await readText(traceText(records, hosts));
  const view = replay(trace.records, { hosts: trace.header.hosts });
  assert.deepEqual(view.diverged, [], 'the records lead through the charts as it went');
  return { ...view, atMs: clock.now() };
}

/** The live explanations, after checking that its trace gives the same. */
export async function explained(provider: Provider): Promise<readonly Explanation[]> {
  const live = explain(provider.manager.view());
  assert.deepEqual(explain(await replayed(provider)), live, 'the trace has the same explanation');
  return live;
}
