/**
 * What SIGHUP puts into effect: policy, certificates, proofs of delegation; and the certificate of later handshakes.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as tls from 'node:tls';
import { createLog } from '../../src/cli/log.ts';
import { Reloads } from '../../src/cli/reload.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts } from '../../src/node-ports.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-reload-'));
after(() => rmSync(folder, { recursive: true }));
const authority = createCertificateAuthority({ name: 'CA' });
const issue = () => authority.issue({ dnsNames: ['b.example', 'c.example'] });

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
function certificate({ cert, key } = issue()): string {
  write('b.crt', cert);
  write('b.key', key);
  return cert;
}
const config = (hosts: string, policy = '{ federation: encrypted }'): string =>
  write('serve.yaml', `hosts: ${hosts}\npolicy: ${policy}\ntrust: { system: false }\n`);
const B = 'b.example: { cert: b.crt, key: b.key, proofs: { xml-assertion: b.xml } }';

/** A daemon's reloads, with a record of their effects. */
function stage(refusal: Error | null = null) {
  const [told, done] = [[] as string[], [] as string[]];
  const shown = new Map<string, string>();
  const terminal = { tell: (line: string) => told.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal, () => 0);
  const file = join(folder, 'serve.yaml');
  const reloads = new Reloads(file, loadConfig(file), {
    setPolicy: ({ federation }) => done.push(`policy ${federation ?? '?'}`),
    setProofs: (domain, proofs) => done.push(`proofs ${domain} ${JSON.stringify(proofs)}`),
    setCredentials: (hosts) => {
      if (refusal !== null) throw refusal;
      for (const [domain, credential] of Object.entries(hosts)) shown.set(domain, credential?.cert ?? 'none');
    },
  });
  return { reload: () => reloads.reload(log), told, done, shown };
}

test('SIGHUP reads certificates and proofs anew, and tells of the proofs that are others now; of a host that is new it says nothing (T7)', () => {
  certificate();
  write('b.xml', '<first/>');
  config(`{ ${B} }`);
  const { reload, done, shown, told } = stage();
  const renewed = certificate();
  reload();
  assert.deepEqual([done.splice(0), shown.get('b.example')], [['policy encrypted'], renewed]);
  assert.match(told.join(), /SIGHUP: the policy of .* is in force, with its certificates and proofs/);

  write('b.xml', '<second/>');
  config(`{ ${B}, c.example: { cert: b.crt, key: b.key } }`, '{ federation: verified }');
  reload();
  assert.deepEqual(done.splice(0), ['policy verified', 'proofs b.example {"xml-assertion":"<second/>"}']);
  assert.deepEqual([...shown.keys()], ['b.example']);

  config('{ b.example: { cert: b.crt, key: b.key } }');
  reload();
  assert.deepEqual(done.splice(0), ['policy encrypted', 'proofs b.example null']);
});

/** A renewal that is still being written: the leaf is complete, its issuer is not. */
function appendHalfCertificate(): void {
  appendFileSync(join(folder, 'b.crt'), authority.certPem.slice(0, 300));
}

for (const [what, spoil] of [
  ['a certificate that is not that of the key', () => void write('b.crt', issue().cert)],
  ['a chain of which the second certificate is half-written', () => appendHalfCertificate()],
  ['a proof that is empty', () => void write('b.xml', ' \n')],
  ['a file that is not there', () => rmSync(join(folder, 'b.key'))],
  ['YAML that is none', () => void write('serve.yaml', '{')],
] as const) {
  test(`SIGHUP with ${what} changes nothing, and says so (P2)`, () => {
    certificate();
    write('b.xml', '<first/>');
    config(`{ ${B} }`);
    const { reload, done, shown, told } = stage();
    spoil();
    reload();
    assert.deepEqual([done, shown.size], [[], 0]);
    assert.match(told.join('\n'), /error SIGHUP: nothing is changed: /);
  });
}

/** The certificate that the listener presents to a client that names the domain. */
function shownTo(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? 'none');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('SIGHUP that fails on the way does not say that nothing is changed', () => {
  certificate();
  write('b.xml', '<first/>');
  config(`{ ${B} }`);
  const { reload, done, told } = stage(new Error('refused'));
  reload();
  assert.deepEqual(done, ['policy encrypted']);
  assert.match(told.join('\n'), /error SIGHUP: only part of .*serve\.yaml is in force: refused/);
});

test('T7: after setCredentials a handshake shows the new certificate; the listener stays, and so does who is connected', async () => {
  const [before, renewed, ofC] = [issue(), issue(), issue()];
  const fingerprint = ({ cert }: { cert: string }): string => new X509Certificate(cert).fingerprint256;
  const hosts = { 'b.example': before, 'c.example': ofC, 'sub.b.example': null };
  const ports = createNodePorts({ hosts, trust: { system: false }, posh: { enabled: false } });
  const manager = new ConnectionManager({ hosts, listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }] }, ports);
  await manager.start();
  try {
    const port = manager.listening[0]?.port ?? 0;
    const ask = (...names: string[]) => Promise.all(names.map((name) => shownTo(port, name)));
    assert.deepEqual(await ask('b.example', 'sub.b.example'), [fingerprint(before), fingerprint(before)]);
    for (const target of [ports, manager]) {
      assert.throws(() => target.setCredentials({ 'b.example': renewed, 'new.example': renewed }), /new\.example/);
      target.setCredentials({ 'b.example': renewed, 'c.example': { ...ofC } });
    }
    assert.deepEqual(await ask('b.example', 'sub.b.example', 'c.example'), [
      fingerprint(renewed),
      fingerprint(renewed),
      fingerprint(ofC),
    ]);
    assert.equal(manager.credentialFor('sub.b.example'), renewed, 'and as a client');
    assert.equal(manager.credentialFor('c.example'), ofC, 'what is the same stays what it was');
  } finally {
    await manager.stop();
    ports.close();
  }
});
