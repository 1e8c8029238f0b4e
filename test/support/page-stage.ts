/** A daemon with an inspector, in this process, on real sockets; and peers with which no negotiation succeeds. */
import { EventEmitter, once } from 'node:events';
import { after, before } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from '../../src/cli/inspect.ts';
import { createPorts } from '../../src/cli/ports.ts';
import { loadConfig } from '../../src/config/load.ts';
import { greeting } from '../../src/demo/greeting.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { Browser } from 'playwright-core';
import { startDnsServer } from './dns-server.ts';
import { buildPage, noBrowser, openBrowser } from './page.ts';
import { PATIENCE_MS } from './patience.ts';
import { DIALBACK_FEATURE, features, header } from './simulation-peer.ts';

/** What a peer does with each connection. */
export type Behaviour = (socket: Socket) => void;

/** Accepts the connection, and never sends anything. */
export const silent: Behaviour = () => undefined;

/** Answers a header with this text, and sends nothing else. */
export const answering =
  (text: string): Behaviour =>
  (socket) =>
    void socket.once('data', () => socket.write(text));

/** Offers only dialback, and never answers the assertion: this wait has the longest deadline. */
export const undecided: Behaviour = (socket) => {
  let heard = '';
  let isOffered = false;
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString();
    const domain = /<stream:stream[^>]* to=['"]([^'"]+)/.exec(heard)?.[1];
    if (isOffered || domain === undefined) return;
    isOffered = true;
    socket.write(header(`from='${domain}' to='a.example' id='one'`) + features(DIALBACK_FEATURE));
  });
};

/** Answers the assertion with `invalid`: the hold-off after such a refusal is longer than a test. */
export function unbelieving(): { readonly behaviour: Behaviour; readonly asserted: (times: number) => Promise<void> } {
  let count = 0;
  const heard = new EventEmitter();
  return {
    behaviour: (socket) => {
      undecided(socket);
      socket.on('data', (bytes: Buffer) => {
        const [tag] = /<db:result [^>]*>/.exec(bytes.toString()) ?? [];
        if (tag === undefined) return;
        const [from, to] = ['from', 'to'].map((name) => new RegExp(` ${name}=['"]([^'"]+)`).exec(tag)?.[1] ?? '');
        socket.write(`<db:result from='${to}' to='${from}' type='invalid'/>`);
        count += 1;
        heard.emit('asserted');
      });
    },
    asserted: async (times) => {
      while (count < times) await once(heard, 'asserted', { signal: AbortSignal.timeout(PATIENCE_MS) });
    },
  };
}

export interface PageStage {
  readonly url: string;
  readonly manager: ConnectionManager;
  /** Sends a stanza from a.example to this domain, whose server has this behaviour. */
  send(domain: string, behaviour: Behaviour): Promise<void>;
  stop(): Promise<void>;
}

export interface PageRun {
  /** Why there is no browser; false where there is one. */
  readonly skip: string | false;
  readonly browser: Browser;
  readonly stage: PageStage;
}

/** For the tests of a file: a browser, and a daemon whose page it opens; `prepare` runs before the first test. */
export function pageRun(prepare: (stage: PageStage) => Promise<void> = () => Promise.resolve()): PageRun {
  const skip = noBrowser() ?? false;
  let open: { readonly browser: Browser; readonly stage: PageStage } | null = null;
  const opened = (): NonNullable<typeof open> => {
    if (open === null) throw new Error('it is open while tests run');
    return open;
  };
  before(async () => {
    if (skip !== false) return;
    buildPage();
    const [browser, stage] = await Promise.all([openBrowser(), createPageStage()]);
    open = { browser, stage };
    await prepare(stage);
  });
  after(async () => {
    await open?.browser.close();
    await open?.stage.stop();
  });
  return {
    skip,
    get browser() {
      return opened().browser;
    },
    get stage() {
      return opened().stage;
    },
  };
}

/** @param token the token that the inspector requires; null: none */
export async function createPageStage(token: string | null = null): Promise<PageStage> {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-page-'));
  const ca = createCertificateAuthority({ name: 'CA' });
  const { cert, key } = ca.issue({ dnsNames: ['a.example'] });
  writeFileSync(join(folder, 'a.crt'), cert);
  writeFileSync(join(folder, 'a.key'), key);
  writeFileSync(join(folder, 'ca.crt'), ca.certPem);
  const dns = await startDnsServer();
  const file = join(folder, 'a.yaml');
  writeFileSync(
    file,
    `hosts: { a.example: { cert: a.crt, key: a.key } }
listen: [{ address: 127.0.0.1, port: 0, tls: detect }]
trust: { system: false, files: [ca.crt] }
dns: { validator: none, servers: ["${dns.address}"] }
policy: { federation: permissive }
inspector: { address: 127.0.0.1, port: 0${token === null ? '' : `, token: "${token}"`} }
`,
  );
  const config = loadConfig(file);
  const ports = createPorts(file, config, () => undefined);
  const manager = new ConnectionManager(config.manager, ports);
  await manager.start();
  if (config.inspector === null) throw new Error('the configuration has an inspector');
  const inspector = await inspect(
    manager,
    config.inspector,
    Object.keys(config.manager.hosts),
    ports.clock,
    () => undefined,
  );
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let sent = 0;
  return {
    url: inspector.url,
    manager,
    send: async (domain, behaviour) => {
      const server = createServer((socket) => {
        sockets.add(socket.on('error', () => undefined));
        behaviour(socket.on('data', () => undefined));
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      dns.serve(domain, { port: (server.address() as AddressInfo).port });
      manager.router.inject(greeting('a.example', domain, sent++), null, () => undefined);
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
      await inspector.stop();
      await manager.stop();
      ports.close();
      await dns.close();
      rmSync(folder, { recursive: true });
    },
  };
}
