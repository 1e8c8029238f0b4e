/**
 * The stage of an interop test: our daemon and a real server, each with its own hosts and components, and DNS for both.
 */
import assert from 'node:assert/strict';
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type ExtendedKeyUsage,
} from '../../src/simulation/certificate-authority.ts';
import type { Element } from '@xmpp/xml';
import { connectComponent, type ComponentClient } from '../support/component-client.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { startEjabberd, type EjabberdOptions } from '../support/ejabberd.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import type { RunningServer } from '../support/processes.ts';
import { startProsody, type ProsodyOptions } from '../support/prosody.ts';
import type { ServerHost } from '../support/tls-files.ts';
import { startDaemon, type Daemon, type DaemonOptions } from './daemon.ts';

const SECRET = 'component secret';

/** Trusted by both sides. */
export const authority = createCertificateAuthority({ name: 'Interop CA' });
export const stranger = createCertificateAuthority({ name: 'Nobody knows this CA' });

/** A host whose certificate names it and everything one level below it. */
export const host = (
  domain: string,
  { issuer = authority, eku = ['serverAuth'] }: { issuer?: CertificateAuthority; eku?: ExtendedKeyUsage[] } = {},
): ServerHost => ({ domain, credential: issuer.issue({ dnsNames: [domain, `*.${domain}`], eku }) });

export type Kind = 'Prosody' | 'ejabberd';

/** A real server, and one component attached to it. */
export interface Theirs {
  readonly kind: Kind;
  readonly server: RunningServer;
  readonly domain: string;
  readonly component: ComponentClient;
  close(): Promise<void>;
}

/** Our daemon, and two components attached to it; nothing is attached for its host. */
export interface Ours {
  readonly daemon: Daemon;
  readonly domain: string;
  readonly component: ComponentClient;
  readonly second: ComponentClient;
  /** Closes the components, drains the daemon, and asserts that its exit code is 0. */
  close(): Promise<void>;
}

export interface TheirOptions extends Partial<ProsodyOptions>, Partial<EjabberdOptions> {
  readonly eku?: ExtendedKeyUsage[];
  readonly issuer?: CertificateAuthority;
  /** Publish only `_xmpps-server` in DNS. */
  readonly directTls?: boolean;
  /** Additional hosts. */
  readonly further?: readonly string[];
}

export interface OurOptions extends Partial<DaemonOptions> {
  readonly eku?: ExtendedKeyUsage[];
  readonly issuer?: CertificateAuthority;
  readonly directTls?: boolean;
}

export class Stage {
  readonly dns: DnsServer;
  #lastNumber = 0;

  private constructor(dns: DnsServer) {
    this.dns = dns;
  }

  static async open(): Promise<Stage> {
    return new Stage(await startDnsServer());
  }

  close(): Promise<void> {
    return this.dns.close();
  }

  async theirs(kind: Kind, options: TheirOptions = {}): Promise<Theirs> {
    const { eku, issuer, directTls = false, further = [], ...given } = options;
    const domain = `${kind.toLowerCase()}-${(this.#lastNumber += 1)}.example`;
    const names = [domain, ...further.map((name) => `${name}.${domain}`)];
    const common = {
      hosts: names.map((name) => host(name, { ...(eku && { eku }), ...(issuer && { issuer }) })),
      caPem: authority.certPem,
      dns: this.dns.address,
      components: { [`c.${domain}`]: SECRET },
      ...(directTls ? { s2s: { directTlsPort: 0 } } : {}),
      ...given,
    };
    const server = await (kind === 'Prosody' ? startProsody(common) : startEjabberd(common));
    for (const name of [...names, `c.${domain}`]) this.publish(name, server, directTls);
    const component = await attach(server.ports.component, `c.${domain}`);
    const close = async (): Promise<void> => {
      await component.close();
      await server.discard();
    };
    return { kind, server, domain, component, close };
  }

  async ours(options: OurOptions = {}): Promise<Ours> {
    const { eku, issuer, directTls = false, ...given } = options;
    const domain = `ours-${(this.#lastNumber += 1)}.example`;
    const [first, second] = [`c.${domain}`, `d.${domain}`];
    const daemon = await startDaemon({
      hosts: [host(domain, { ...(eku && { eku }), ...(issuer && { issuer }) })],
      caPem: authority.certPem,
      dns: this.dns.address,
      components: { [first]: SECRET, [second]: SECRET },
      ...given,
    });
    for (const name of [domain, first, second]) {
      this.dns.serve(name, directTls ? { directTlsPort: daemon.s2sPort } : { port: daemon.s2sPort });
    }
    const components = await Promise.all([first, second].map((name) => attach(daemon.componentPort, name)));
    const close = async (): Promise<void> => {
      await Promise.all(components.map((component) => component.close()));
      assert.equal(await daemon.drain(), 0, `the daemon drains\n${daemon.log()}`);
    };
    return { daemon, domain, component: components[0]!, second: components[1]!, close };
  }

  publish(name: string, server: RunningServer, directTls: boolean): void {
    this.dns.serve(name, directTls ? { directTlsPort: server.ports.directTls } : { port: server.ports.s2s });
  }
}

/** Attaches a component to either side. */
export const attach = (port: number, domain: string): Promise<ComponentClient> =>
  connectComponent({ port, domain, secret: SECRET });

/** Runs `body`, then closes the parties, however it ended; if it throws, prints the log of our daemon. */
export async function during(parties: readonly { close(): Promise<void> }[], body: () => Promise<void>): Promise<void> {
  let failed = false;
  try {
    await body();
  } catch (error) {
    failed = true;
    for (const party of parties) {
      if ('daemon' in party) process.stderr.write((party as Ours).daemon.log());
      if ('kind' in party && process.env['INTEROP_LOG'] !== undefined)
        process.stderr.write((party as Theirs).server.log());
    }
    throw error;
  } finally {
    const ends = await Promise.allSettled(parties.map((party) => party.close()));
    const broken = ends.find((end) => end.status === 'rejected');
    // eslint-disable-next-line no-unsafe-finally -- only where nothing else was thrown
    if (broken !== undefined && !failed) throw broken.reason;
  }
}

export const message = (from: string, to: string, id: string): string =>
  `<message from='${from}' to='${to}' id='${id}'><body>${id}</body></message>`;

let lastId = 0;

/** One message arrives unchanged at the first attempt. */
export async function delivers(from: ComponentClient, to: ComponentClient, timeoutMs?: number): Promise<void> {
  const id = `m${(lastId += 1)}`;
  from.send(message(from.domain, to.domain, id));
  const got = await arrival(from, to, id, timeoutMs);
  assert.deepEqual([got.attrs['from'], got.attrs['type'], got.getChildText('body')], [from.domain, undefined, id]);
}

/** The opposite of {@link delivers}: the message comes back with a stanza error, and does not arrive. */
export async function returns(from: ComponentClient, to: ComponentClient, timeoutMs = PATIENCE_MS): Promise<string> {
  const id = `m${(lastId += 1)}`;
  from.send(message(from.domain, to.domain, id));
  const back = await from.waitFor((s) => s.attrs['id'] === id && s.attrs['type'] === 'error', timeoutMs);
  assert.ok(!to.received.some((stanza) => stanza.attrs['id'] === id), `${id} has arrived`);
  return back.getChild('error')?.getChildElements()[0]?.name ?? back.toString();
}

/** Fails at once if the message comes back instead. */
async function arrival(from: ComponentClient, to: ComponentClient, id: string, timeoutMs?: number): Promise<Element> {
  const isIt = ({ attrs }: Element): boolean => attrs['id'] === id;
  const arrived = to.waitFor(isIt, timeoutMs);
  const returned = from.waitFor((stanza) => isIt(stanza) && stanza.attrs['type'] === 'error', timeoutMs);
  // The promise that loses has its own deadline, and its rejection is not an error.
  const first = await Promise.any([arrived, returned]);
  if (first.attrs['type'] === 'error') assert.fail(`returned: ${first.toString()}`);
  return first;
}

/** From now on, echoes messages and answers iqs (XEP-0199), until the stream ends. */
export async function serve(component: ComponentClient): Promise<void> {
  for await (const stanza of component) {
    const { from = '', to = '', id = '', type } = stanza.attrs as Record<string, string>;
    if (stanza.is('iq') && type === 'get') component.send(`<iq type='result' from='${to}' to='${from}' id='${id}'/>`);
    else if (stanza.is('message') && type === undefined) {
      component.send(`<message from='${to}' to='${from}' id='${id}-echo'><body>${id}</body></message>`);
    }
  }
}
