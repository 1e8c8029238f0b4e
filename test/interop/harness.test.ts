/**
 * The harness itself: real servers federate with each other, and each option of the harness does what its name says.
 * The other interop tests rely on what these tests establish about Prosody 0.12.3 and ejabberd 23.01.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createCertificateAuthority, type ExtendedKeyUsage } from '../../src/simulation/certificate-authority.ts';
import { connectComponent, echoMessages, type ComponentClient } from '../support/component-client.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { ejabberdMissing, startEjabberd, type EjabberdOptions } from '../support/ejabberd.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { freePort, listeningOn, missing, type RunningServer } from '../support/processes.ts';
import { prosodyMissing, startProsody, type ProsodyOptions } from '../support/prosody.ts';
import { startRawPeer } from '../support/raw-peer.ts';
import type { ServerHost } from '../support/tls-files.ts';

const SECRET = 'component secret';
const authority = createCertificateAuthority({ name: 'Interop CA' });
const stranger = createCertificateAuthority({ name: 'Nobody knows this CA' });

const host = (domain: string, eku: ExtendedKeyUsage[] = ['serverAuth'], issuer = authority): ServerHost => ({
  domain,
  credential: issuer.issue({ dnsNames: [domain, `*.${domain}`], eku }),
});

/** A server with one host and the component `c.HOST`, both in DNS. */
interface Party {
  readonly server: RunningServer;
  readonly domain: string;
  readonly component: ComponentClient;
}

describe('interop harness', { skip: prosodyMissing() ?? ejabberdMissing() ?? false, timeout: 600_000 }, () => {
  let dns: DnsServer;
  let ejabberd: Party;
  const parties = new Set<Party>();

  const enter = async (domain: string, server: RunningServer): Promise<Party> => {
    for (const name of [domain, `c.${domain}`, `echo.${domain}`]) dns.serve(name, { port: server.ports.s2s });
    const component = await connectComponent({
      port: server.ports.component,
      domain: `c.${domain}`,
      secret: SECRET,
    });
    const party = { server, domain, component };
    parties.add(party);
    return party;
  };
  const leave = async (party: Party): Promise<void> => {
    parties.delete(party);
    await party.component.close();
    await party.server.discard();
  };
  const common = (domain: string): Pick<ProsodyOptions, 'hosts' | 'caPem' | 'dns' | 'components'> => ({
    hosts: [host(domain)],
    caPem: authority.certPem,
    dns: dns.address,
    components: { [`c.${domain}`]: SECRET },
  });
  const prosody = async (domain: string, options: Partial<ProsodyOptions> = {}): Promise<Party> =>
    enter(domain, await startProsody({ ...common(domain), ...options }));
  const startedEjabberd = async (domain: string, options: Partial<EjabberdOptions> = {}): Promise<Party> =>
    enter(domain, await startEjabberd({ ...common(domain), ...options }));

  /** Runs `body` with its own Prosody. */
  const withProsody = async (
    domain: string,
    options: Partial<ProsodyOptions>,
    body: (party: Party) => Promise<void>,
  ): Promise<void> => {
    const party = await prosody(domain, options);
    try {
      await body(party);
    } finally {
      await leave(party);
    }
  };

  before(async () => {
    dns = await startDnsServer();
    ejabberd = await startedEjabberd('e.example', { s2s: { directTlsPort: 0 } });
  });
  after(async () => {
    await Promise.all([...parties].map(leave));
    await dns.close();
  });

  test('Prosody and ejabberd carry messages and pings both ways', async () => {
    await withProsody('p1.example', {}, async (p) => {
      await exchange(p, ejabberd);
      assert.equal((await p.component.ping('e.example')).attrs['type'], 'result');
      assert.equal((await ejabberd.component.ping('p1.example')).attrs['type'], 'result');
    });
  });

  test('the servers listen on loopback alone, and only where they were told to', async () => {
    await withProsody('p2.example', { s2s: { directTlsPort: 0 } }, async (p) => {
      for (const { server } of [p, ejabberd]) {
        const { s2s, directTls, component } = server.ports;
        const told = [s2s, directTls, component].map((port) => `127.0.0.1:${port}`);
        assert.deepEqual(listeningOn(server.pid).sort(), told.sort());
        assert.ok(server.rssBytes() > 1e6);
        assert.ok(server.cpuMs() > 0);
        assert.notEqual(ownerOf(server.pid), 0, 'not as root');
      }
      return Promise.resolve();
    });
  });

  test('with serverAuth-only certificates Prosody accepts EXTERNAL, ejabberd offers and refuses it, dialback follows', async () => {
    await withProsody('p3.example', {}, async (p) => {
      await exchange(p, ejabberd);
      await p.server.waitForLog(/Accepting SASL EXTERNAL identity from c\.e\.example/);
      const log = ejabberd.server.log();
      assert.match(log, /Failed inbound s2s EXTERNAL authentication c\.p3\.example.*unsupported certificate purpose/);
      assert.match(log, /Accepted inbound s2s dialback authentication c\.p3\.example -> c\.e\.example/);
      await p.server.waitForLog(/SASL EXTERNAL failed, falling back to dialback/);
    });
  });

  test('with clientAuth in the certificate ejabberd accepts EXTERNAL, and no dialback takes place', async () => {
    const hosts = [host('p4.example', ['serverAuth', 'clientAuth'])];
    await withProsody('p4.example', { hosts }, async (p) => {
      await exchange(p, ejabberd);
      await ejabberd.server.waitForLog(/Accepted inbound s2s EXTERNAL authentication c\.p4\.example -> c\.e\.example/);
      await p.server.waitForLog(/Accepting SASL EXTERNAL identity from c\.e\.example/);
      assert.doesNotMatch(p.server.log(), /sent dialback key|asking \S+ if key/);
    });
  });

  test('external: false takes EXTERNAL from the features of Prosody, and dialback proves both ways', async () => {
    await withProsody('p5.example', { external: false }, async (p) => {
      await exchange(p, ejabberd);
      assert.doesNotMatch(p.server.log(), /EXTERNAL/);
      for (const accepted of [
        'outbound s2s dialback authentication c.e.example -> c.p5.example',
        'inbound s2s dialback authentication c.p5.example -> c.e.example',
      ])
        await ejabberd.server.waitForLog(new RegExp(`Accepted ${accepted.replaceAll('.', '\\.')}`));
    });
  });

  test('dialback: false leaves EXTERNAL alone: clientAuth certificates federate, serverAuth-only ones do not', async () => {
    const hosts = [host('p6.example', ['serverAuth', 'clientAuth'])];
    await withProsody('p6.example', { hosts, dialback: false }, async (p) => {
      await exchange(p, ejabberd);
      assert.doesNotMatch(p.server.log(), /Sending stream features: .*urn:xmpp:features:dialback/);
    });
    await withProsody('p7.example', { dialback: false }, async (p) => {
      const answer = await p.component.ping('e.example');
      assert.equal(answer.attrs['type'], 'error');
      await p.server.waitForLog(/No fallback from SASL EXTERNAL failure, giving up/);
    });
  });

  test('secureAuth decides whether Prosody takes dialback from a peer whose CA it does not know', async () => {
    const strange = { caPem: stranger.certPem };
    await withProsody('p8.example', { ...strange, secureAuth: false }, async (p) => {
      await exchange(p, ejabberd);
      assert.doesNotMatch(p.server.log(), /Accepting SASL EXTERNAL/);
    });
    await withProsody('p9.example', { ...strange, secureAuth: true }, async (p) => {
      const answer = await p.component.ping('e.example');
      assert.equal(answer.attrs['type'], 'error');
      assert.match(answer.toString(), /certificate is (not trusted|self-signed)/);
      const other = await ejabberd.component.ping('p9.example');
      assert.equal(other.attrs['type'], 'error');
    });
  });

  test('secureAuth makes ejabberd insist on certificates: serverAuth-only peers can only be reached, not heard', async () => {
    const strict = await startedEjabberd('strict.example', { secureAuth: true });
    await withProsody('p10.example', {}, async (p) => {
      assert.equal((await p.component.ping('strict.example')).attrs['type'], 'error');
      await strict.server.waitForLog(/Failed inbound s2s EXTERNAL authentication c\.p10\.example/);
      assert.doesNotMatch(strict.server.log(), /dialback authentication/);
    });
    const hosts = [host('p11.example', ['serverAuth', 'clientAuth'])];
    await withProsody('p11.example', { hosts }, (p) => exchange(p, strict));
    await leave(strict);
  });

  test('restart of ejabberd: its peers deliver again as soon as it listens', async () => {
    const e = await startedEjabberd('e2.example');
    await withProsody('p22.example', {}, async (p) => {
      await exchange(p, e);
      await e.server.restart();
      const again = await enter('e2.example', e.server);
      await exchange(p, again);
      await exchange(again, p);
      parties.delete(e);
      await leave(again);
    });
  });

  test('directTlsPort: each server accepts direct TLS and dials it when only _xmpps-server exists (XEP-0368)', async () => {
    await withProsody('p12.example', { s2s: { directTlsPort: 0 } }, async (p) => {
      const around = ejabberd.server.log().length;
      for (const { domain, server } of [p, ejabberd])
        for (const name of [domain, `c.${domain}`]) dns.serve(name, { directTlsPort: server.ports.directTls });
      await exchange(p, ejabberd);
      const log = ejabberd.server.log().slice(around);
      assert.match(log, new RegExp(`Accepted connection \\S+ -> 127.0.0.1:${ejabberd.server.ports.directTls}`));
      assert.doesNotMatch(log, /<starttls/);
      assert.doesNotMatch(p.server.log(), /TLS negotiation started/);
    });
    for (const name of ['e.example', 'c.e.example']) dns.serve(name, { port: ejabberd.server.ports.s2s });
  });

  test('bidi: two Prosodies use one stream for both directions, and two without it (XEP-0288)', async () => {
    for (const bidi of [true, false]) {
      await withProsody(`p13-${bidi}.example`, { bidi }, (one) =>
        withProsody(`p14-${bidi}.example`, { bidi }, async (other) => {
          await exchange(one, other);
          await exchange(other, one);
          const incoming = [one, other].map(({ server }) =>
            server.log().match(/Incoming s2s connection \S+ complete/g),
          );
          assert.deepEqual(
            incoming.map((streams) => streams?.length ?? 0),
            bidi ? [0, 1] : [1, 1],
          );
        }),
      );
    }
  });

  test('ejabberd 23.01 neither offers bidi nor asks for it', async () => {
    await withProsody('p15.example', { bidi: true }, async (p) => {
      await exchange(p, ejabberd);
      await p.server.waitForLog(/Sending stream features: .*urn:xmpp:features:bidi/);
      assert.doesNotMatch(p.server.log(), /Requesting bidirectional stream|Requested bidirectional stream/);
    });
  });

  test('requireEncryption: Prosody offers STARTTLS as required by default, and not when it is false', async () => {
    for (const requireEncryption of [true, false]) {
      await withProsody(`p16-${requireEncryption}.example`, { requireEncryption }, async (p) => {
        await exchange(p, ejabberd);
        assert.equal(/<starttls xmlns='\S+'><required\/>/.test(p.server.log()), requireEncryption);
      });
    }
  });

  test('restart keeps ports and data; the other server delivers again at once', async () => {
    const p = await prosody('p17.example');
    await exchange(p, ejabberd);
    const pid = p.server.pid;
    await p.server.restart();
    assert.notEqual(p.server.pid, pid);
    const again = await enter('p17.example', p.server);
    await exchange(ejabberd, again);
    await exchange(again, ejabberd);
    parties.delete(p);
    await leave(again);
  });

  test('EXTERNAL offered and then refused: both servers fall back to dialback on the same stream (XEP-0178)', async (t) => {
    const peer = await startRawPeer(host('refusing.example').credential, { refuseExternal: true });
    t.after(() => peer.close());
    dns.serve('refusing.example', { port: peer.port });
    await withProsody('p20.example', {}, async (p) => {
      for (const { component } of [p, ejabberd]) {
        component.send(message(component.domain, 'refusing.example', 'after-refusal'));
        const from = component.domain;
        await peer.hears((e) => e.is('message') && e.attrs['from'] === from);
        const mine = peer.heard.filter((e) => e.attrs['from'] === from || e.is('auth')).map((e) => e.name);
        assert.ok(mine.includes('auth') && mine.includes('db:result') && mine.includes('message'), mine.join());
      }
    });
  });

  test('further sender and target domains join an incoming stream; how failures of one pair end (XEP-0220 §2.6)', async (t) => {
    await withProsody('p21.example', {}, async (p) => {
      const peer = await startRawPeer(host('a1.example', ['serverAuth'], stranger).credential);
      t.after(() => peer.close());
      for (const name of ['a1.example', 'a2.example']) dns.serve(name, { port: peer.port });
      for (const { server, domain, component } of [p, ejabberd]) {
        const isProsody = server === p.server;
        const stream = await peer.open({ port: server.ports.s2s, from: 'a1.example', to: domain });
        assert.equal(/<errors\/>/.test(stream.received.join('')), !isProsody, 'dialback errors advertised');
        assert.equal(
          /EXTERNAL/.test(stream.received.join('')),
          !isProsody,
          'EXTERNAL offered without a client certificate',
        );
        for (const [from, to] of [
          ['a1.example', domain],
          ['a2.example', domain],
          ['a1.example', component.domain],
        ] as const) {
          const verdict = await stream.assert(from, to);
          assert.deepEqual([verdict?.name, verdict?.attrs['type']], ['db:result', 'valid'], `${from} -> ${to}`);
          stream.write(message(from, component.domain, `${from}-${to}`));
          await component.waitFor((s) => s.attrs['id'] === `${from}-${to}` && s.attrs['from'] === from);
        }
        const unhosted = await stream.assert('a1.example', 'unhosted.example');
        if (isProsody) assert.ok(unhosted?.name === 'stream:error' && unhosted.getChild('unsupported-stanza-type'));
        else assert.deepEqual([unhosted?.name, unhosted?.attrs['type'], stream.ended], ['db:result', 'error', false]);
      }
    });
  });

  test('echo: the component of Prosody, and echoMessages for any other server, return what they get', async () => {
    await withProsody('p18.example', { echo: ['echo.p18.example'] }, async (p) => {
      ejabberd.component.send(message('c.e.example', 'echo.p18.example', 'to-echo'));
      await ejabberd.component.waitFor((s) => s.attrs['id'] === 'to-echo' && s.attrs['from'] === 'echo.p18.example');
      const echo = echoMessages(p.component);
      ejabberd.component.send(message('c.e.example', 'c.p18.example', 'to-component'));
      const back = await ejabberd.component.waitFor((s) => s.attrs['id'] === 'to-component');
      assert.equal(back.getChildText('body'), 'to-component');
      await p.component.close();
      await echo;
    });
  });

  test('users: an account of Prosody logs in and sends to the other server', { skip: noSendxmpp() }, async () => {
    const c2sPort = await freePort();
    const users = [{ jid: 'alice@p19.example', password: 'wonderland' }];
    await withProsody('p19.example', { users, c2sPort }, async () => {
      await sendxmpp([
        '-u',
        'alice@p19.example',
        '-p',
        'wonderland',
        '-j',
        `localhost:${c2sPort}`,
        '-n',
        'bot@c.e.example',
      ]);
      const got = await ejabberd.component.waitFor((s) => String(s.attrs['from']).startsWith('alice@p19.example'));
      assert.equal(got.getChildText('body'), 'from a client');
    });
  });
});

const message = (from: string, to: string, id: string): string =>
  `<message from='${from}' to='${to}' id='${id}'><body>${id}</body></message>`;

let exchanges = 0;

/** One message each way between the components of two servers. */
async function exchange(one: Party, other: Party): Promise<void> {
  exchanges += 1;
  for (const [from, to] of [
    [one.component, other.component],
    [other.component, one.component],
  ] as const) {
    const id = `exchange-${exchanges}-${from.domain}`;
    from.send(message(from.domain, to.domain, id));
    const got = await to.waitFor((stanza) => stanza.attrs['id'] === id);
    assert.deepEqual([got.attrs['from'], got.attrs['type'], got.getChildText('body')], [from.domain, undefined, id]);
  }
}

const ownerOf = (pid: number): number => Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function noSendxmpp(): string | false {
  return missing('/usr/bin/go-sendxmpp') ?? false;
}

function sendxmpp(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('/usr/bin/go-sendxmpp', args, { timeout: PATIENCE_MS }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stderr}`)),
    );
    child.stdin?.end('from a client\n');
  });
}
