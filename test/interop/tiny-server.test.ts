/**
 * examples/tiny-server.mjs together with a Prosody: real clients log in to each and talk to each other. This proves
 * that the connection manager is a routing core for a new server. Runs the built package.
 */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import {
  freePort,
  startProcess,
  temporaryFolder,
  type RunningProcess,
  type RunningServer,
} from '../support/processes.ts';
import { prosodyMissing, startProsody } from '../support/prosody.ts';
import { slixmppMissing, startClient, type Client, type ClientEvent } from '../support/slixmpp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MONTAGUE = 'montague.example';
const CAPULET = 'capulet.example';

describe(`the tiny server, ${MONTAGUE}, and Prosody, ${CAPULET}`, { skip: skip(), timeout: 600_000 }, () => {
  const authority = createCertificateAuthority({ name: 'Authority of Verona' });
  const folder = temporaryFolder('tiny-server', null);
  const ca = join(folder.path, 'ca.pem');
  const clients = new Set<Client>();
  let dns: DnsServer;
  let prosody: RunningServer;
  let tiny: RunningProcess;
  let tinyPort: number;
  let prosodyPort: number;

  before(async () => {
    assert.ok(existsSync(join(ROOT, 'dist/src/index.js')), 'the examples import the package by name: npm run build');
    dns = await startDnsServer();
    writeFileSync(ca, authority.certPem);
    prosodyPort = await freePort();
    prosody = await startProsody({
      hosts: [{ domain: CAPULET, credential: authority.issue({ dnsNames: [CAPULET] }) }],
      caPem: authority.certPem,
      dns: dns.address,
      users: [{ jid: `juliet@${CAPULET}`, password: 'art-thou' }],
      c2sPort: prosodyPort,
      modules: ['roster'],
      secureAuth: true,
    });
    tiny = await startTinyServer();
    const port = (who: string): number =>
      Number(new RegExp(`^${who}: 127.0.0.1 port (\\d+)`, 'm').exec(tiny.log())?.[1]);
    tinyPort = port('clients');
    dns.serve(CAPULET, { port: prosody.ports.s2s });
    dns.serve(MONTAGUE, { port: port('servers') });
  });

  after(async () => {
    await Promise.all([...clients].map((client) => client.close()));
    await tiny.stop();
    await prosody.discard();
    await dns.close();
    folder.remove();
  });

  function startTinyServer(): Promise<RunningProcess> {
    const { cert, key } = authority.issue({ dnsNames: [MONTAGUE] });
    const file = (name: string, pem: string): string => {
      writeFileSync(join(folder.path, name), pem, { mode: 0o600 });
      return join(folder.path, name);
    };
    const args = ['--domain', MONTAGUE, '--cert', file('tiny.crt', cert), '--key', file('tiny.key', key), '--ca', ca];
    const users = ['--user', 'romeo:wherefore', '--user', 'mercutio:a plague, on=both'];
    return startProcess({
      name: 'tiny-server',
      command: process.execPath,
      args: [
        join(ROOT, 'examples/tiny-server.mjs'),
        ...args,
        ...users,
        '--dns',
        dns.address,
        '--c2s',
        '0',
        '--s2s',
        '0',
      ],
      folder: folder.path,
      account: null,
      ready: [/^clients: /m],
    });
  }

  function client(jid: string, password: string, mechanism?: string): Client {
    const direct = jid.endsWith(MONTAGUE);
    const port = direct ? tinyPort : prosodyPort;
    const started = startClient({ jid, password, ca, port, direct, ...(mechanism === undefined ? {} : { mechanism }) });
    clients.add(started);
    return started;
  }
  const online = (of: Client): Promise<ClientEvent> => of.waitFor(({ event }) => event === 'online', 'login');
  const heard = (by: Client, text: string): Promise<ClientEvent> =>
    by.waitFor(({ event, body }) => event === 'message' && body === text, `message "${text}"`);

  test('users of the tiny server and of Prosody talk, in both directions, over proved streams (S1, S2)', async () => {
    const romeo = client(`romeo@${MONTAGUE}`, 'wherefore');
    const juliet = client(`juliet@${CAPULET}`, 'art-thou');
    const [{ jid }] = await Promise.all([online(romeo), online(juliet)]);
    romeo.message(`juliet@${CAPULET}`, 'But soft!');
    const soft = await heard(juliet, 'But soft!');
    assert.deepEqual([soft.from, soft.type], [jid, 'chat']);
    juliet.message(String(soft.from), 'What man art thou?');
    juliet.message(`romeo@${MONTAGUE}`, 'Art thou not Romeo, and a Montague?');
    const [answer] = await Promise.all([
      heard(romeo, 'What man art thou?'),
      heard(romeo, 'Art thou not Romeo, and a Montague?'),
    ]);
    assert.match(String(answer.from), /^juliet@capulet\.example\//);
    romeo.ping(CAPULET);
    juliet.ping(MONTAGUE);
    await Promise.all([romeo, juliet].map((one) => one.waitFor(({ event }) => event === 'pong', 'pong')));
  });

  test('users of the tiny server talk to each other; both mechanisms of SCRAM let them in (RFC 5802, RFC 7677)', async () => {
    const romeo = client(`romeo@${MONTAGUE}`, 'wherefore', 'SCRAM-SHA-1');
    const mercutio = client(`mercutio@${MONTAGUE}`, 'a plague, on=both');
    const logins = await Promise.all([online(romeo), online(mercutio)]);
    assert.deepEqual(
      logins.map(({ mechanism, tls }) => [mechanism, tls]),
      [
        ['SCRAM-SHA-1', 'TLSv1.3'],
        ['SCRAM-SHA-256', 'TLSv1.3'],
      ],
    );
    mercutio.message(`romeo@${MONTAGUE}`, 'Nay, gentle Romeo');
    assert.equal((await heard(romeo, 'Nay, gentle Romeo')).from, logins[1].jid);
  });

  test('a wrong password, and a user whom nobody knows, are refused alike (RFC 6120 §6.5.10)', async () => {
    for (const [jid, password] of [
      [`romeo@${MONTAGUE}`, 'therefore'],
      [`rosaline@${MONTAGUE}`, 'wherefore'],
    ] as const) {
      const { condition } = await client(jid, password).waitFor(({ event }) => event === 'refused', 'refusal');
      assert.equal(condition, 'not-authorized');
    }
  });

  test('what cannot be delivered comes back to the user with its reason (L1; RFC 6120 §8.3.3)', async () => {
    const romeo = client(`romeo@${MONTAGUE}`, 'wherefore');
    await online(romeo);
    for (const [to, error] of [
      [`rosaline@${MONTAGUE}`, 'service-unavailable'], // known here: there is no such user
      [`rosaline@${CAPULET}`, 'service-unavailable'], // Prosody says so
      ['rosaline@nowhere.example', 'remote-server-not-found'], // DNS says so
    ] as const) {
      romeo.message(to, 'Dost thou love?');
      const back = await romeo.waitFor(({ event, from }) => event === 'message' && from === to, `error from ${to}`);
      assert.deepEqual([back.type, back.error], ['error', error], to);
    }
  });
});

function skip(): string | false {
  return prosodyMissing() ?? slixmppMissing() ?? false;
}
