/** A manager under attack, and a well-behaved peer whose stream must keep working all the while. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import xml from '@xmpp/xml';
import { createCertificateAuthority, type CertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNetwork } from '../../src/adapters/network/network.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { createRandom } from '../../src/adapters/random.ts';
import { createTableResolver, type TableResolver } from '../../src/simulation/table-dns.ts';
import { answerUnattended } from '../../src/components/unattended.ts';
import { ConnectionManager, type ManagerSnapshot } from '../../src/manager.ts';
import type { ManagerOptions } from '../../src/options.ts';
import type { Credential } from '../../src/ports.ts';
import type { Stanza } from '../../src/protocol/stanza.ts';
import type { Delivery } from '../../src/routing/types.ts';
import type { ReportRecord } from '../../src/trace/record.ts';
import { dial, header, type TlsManner, type Wire } from './attacker.ts';
import { PATIENCE_MS } from './patience.ts';

export interface Target {
  readonly ca: CertificateAuthority;
  readonly resolver: TableResolver;
  readonly manager: ConnectionManager;
  readonly port: number;
  /** Stanzas that reached the program: a successful spoof would appear here. */
  readonly delivered: readonly Stanza[];
  readonly reports: readonly ReportRecord[];
  /** A connection of the attacker, before any byte is sent. */
  dial(): Promise<Wire>;
  /** A connection on which the attacker has reached the features under TLS. */
  dialSecured(from: string, manner?: TlsManner): Promise<{ wire: Wire; id: string; features: string }>;
  /** Publishes where a domain is served. */
  serve(domain: string, ...ports: readonly number[]): void;
  send(from: string, to: string, body?: string): Promise<Delivery>;
  /** One stanza from the well-behaved peer and its answer, on the stream that it has had from the start. */
  ping(): Promise<void>;
  /**
   * Runs an attack while pings are exchanged without a pause; afterwards, everything that the attack used must have
   * been freed.
   */
  survives(attack: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

const GOOD = 'good.example';

export interface TargetOptions extends Partial<ManagerOptions> {
  /** The authority that issues the certificates, and is trusted. @defaultValue a new one */
  readonly ca?: CertificateAuthority;
}

export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const ca = options.ca ?? createCertificateAuthority({ name: 'Trusted CA' });
  const resolver = createTableResolver({});
  const hosts = ['b.example', 'b2.example'];
  const make = async (names: readonly string[], credential: Credential, more: Partial<ManagerOptions>) => {
    const manager = new ConnectionManager(
      {
        hosts: Object.fromEntries(names.map((name) => [name, credential])),
        listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }],
        ...more,
      },
      {
        network: createNetwork({ credentials: { forServerName: () => credential }, clock: systemClock }),
        resolver,
        clock: systemClock,
        random: createRandom(),
        pathValidator: createPathValidator({ system: false, anchors: [ca.certPem] }),
      },
    );
    await manager.start();
    return { manager, port: manager.listening[0]?.port ?? 0 };
  };
  const serve = (domain: string, ...ports: readonly number[]): void => {
    const srv = ports.map((at, priority) => ({ priority, weight: 1, port: at, target: 'localhost.example' }));
    resolver.set(`_xmpp-server._tcp.${domain}`, { srv });
  };
  resolver.set('localhost.example', { addresses: [{ family: 4, address: '127.0.0.1' }] });

  const { manager, port } = await make(hosts, ca.issue({ dnsNames: hosts }), options);
  const good = await make([GOOD], ca.issue({ dnsNames: [GOOD] }), {
    bidi: true,
    policy: { federation: 'authenticated' },
  });
  for (const host of hosts) serve(host, port);
  serve(GOOD, good.port);

  const reports: ReportRecord[] = [];
  const delivered: Stanza[] = [];
  const watchers = new Set<() => void>();
  const scopes = [
    manager.reports$.subscribe((report) => {
      reports.push(report);
      setImmediate(() => watchers.forEach((look) => look()));
    }),
    manager.stanzas$.subscribe((stanza) => {
      delivered.push(stanza);
      // The attacker gets no answers: those would open streams that it did not cause itself.
      const answer = stanza.from === GOOD ? answerUnattended(stanza) : null;
      if (answer !== null) manager.router.inject(answer, null);
    }),
  ];
  let pings = 0;
  const pongs = new Map<string, () => void>();
  scopes.push(
    good.manager.stanzas$.subscribe((stanza) => {
      const id = /id=['"](ping\d+)['"]/.exec(stanza.bytes.toString())?.[1] ?? '';
      pongs.get(id)?.();
      pongs.delete(id);
    }),
  );

  const ping = async (): Promise<void> => {
    const id = `ping${(pings += 1)}`;
    const request = xml(
      'iq',
      { type: 'get', id, from: GOOD, to: 'b.example' },
      xml('ping', { xmlns: 'urn:xmpp:ping' }),
    );
    const answered = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the well-behaved peer got no answer to ${id}`)), PATIENCE_MS);
      pongs.set(id, () => {
        clearTimeout(late);
        resolve();
      });
    });
    const { outcome } = await good.manager.send(request);
    assert.equal(outcome, 'sent', 'the well-behaved peer could not send');
    await answered;
  };
  const send = (from: string, to: string, body = 'hello'): Promise<Delivery> =>
    manager.send(xml('message', { from, to, type: 'chat' }, xml('body', {}, body)));

  /**
   * What an attack must not leave behind. Pairs and peers are not counted: they remember failures for a while by
   * design.
   */
  const held = ({ streams, actors, tables }: ManagerSnapshot) => ({
    streams: streams.map(({ id }) => id),
    counts: [actors.streams, tables.queues.length, tables.facts.length, tables.pausedInlets],
  });
  type Held = ReturnType<typeof held>;
  const isNoMoreThan = (now: Held, before: Held): boolean =>
    now.streams.every((id) => before.streams.includes(id)) &&
    now.counts.every((count, i) => count <= (before.counts[i] ?? 0));
  const calm = (before: Held): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(late);
        watchers.delete(look);
        end();
      };
      const look = (): void => {
        if (isNoMoreThan(held(manager.snapshot()), before)) settle(resolve);
      };
      const late = setTimeout(() => {
        settle(() =>
          reject(new Error(`left behind by the attack: ${inspect(held(manager.snapshot()), { depth: 5 })}`)),
        );
      }, PATIENCE_MS);
      watchers.add(look);
      look();
    });

  await ping();

  return {
    ca,
    resolver,
    manager,
    port,
    delivered,
    reports,
    serve,
    send,
    ping,
    dial: () => dial(port),
    dialSecured: async (from, manner = {}) => {
      const wire = await dial(port);
      wire.send(header({ from, to: 'b.example' }));
      await wire.greeting();
      await wire.starttls(manner);
      wire.send(header({ from, to: 'b.example' }));
      const { id, features } = await wire.greeting();
      return { wire, id, features };
    },
    survives: async (attack) => {
      const before = held(manager.snapshot());
      const attacking = new AbortController();
      const pinging = (async () => {
        do {
          await ping();
          await new Promise(setImmediate);
        } while (!attacking.signal.aborted);
      })();
      try {
        await attack();
      } finally {
        attacking.abort();
        await pinging;
      }
      await calm(before);
      await ping();
    },
    stop: async () => {
      await Promise.all([manager.stop(), good.manager.stop()]);
      for (const scope of scopes) scope.unsubscribe();
    },
  };
}
