/**
 * The output of `publish`, loaded into a real nsd unchanged: libunbound finds it secure, and it proves the certificate.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createValidatingResolver, type ValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { formatTlsa, tlsaOwner } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { nsdMissing, startNsd, type Nsd } from '../support/nsd.ts';
import { signingMissing, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-publish-dns-'));

const root = createCertificateAuthority({ name: 'Root' });
const middle = root.intermediate({ name: 'Middle' });
const issued = middle.issue({ dnsNames: ['b.example'] });
const renewed = middle.issue({ dnsNames: ['b.example'] });
const stranger = createCertificateAuthority({ name: 'Root' }).issue({ dnsNames: ['b.example'] });

const TARGET = 'xmpp.b.example';
const PORTS = { 'xmpp-server': [5269, 5270], 'xmpp-client': [5222, 5223] } as const;
/** Every possible record; some cause warnings, which go to stderr. */
const EVERYTHING = ['--usage', '0,1,2,3', '--selector', '0,1', '--matching', '0,1,2'];

async function published(domain: string, ...args: string[]): Promise<string> {
  const certificate = join(folder, 'chain.pem');
  writeFileSync(certificate, issued.cert);
  let stdout = '';
  const code = await runCommandLine(['publish', certificate, '--domain', domain, ...args], (json) => ({
    json,
    print: (line) => void (stdout += `${line}\n`),
    event: () => undefined,
    tell: () => undefined,
    paint: (_colour, text) => text,
  }));
  assert.equal(code, 0);
  return stdout;
}

const head = (zone: string): string =>
  `$ORIGIN ${zone}.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nxmpp A 192.0.2.1\n`;

let nsd: Nsd;
let resolver: ValidatingResolver;
before(async () => {
  if (skip !== false) return;
  const ofServers = await published('b.example', '--target', TARGET, '--direct-port', '5270', ...EVERYTHING);
  const ofClients = await published(
    ...['b.example', '--target', TARGET, '--service', 'xmpp-client', '--direct-port', '5223'],
    ...['--posh-url', 'https://hosting.example/posh.json'],
  );
  const { text, ds } = signZone('b.example', head('b.example') + ofServers + ofClients);
  // The signer rewrites the zone in its own format; the other zone is loaded as it was printed.
  const plain = head('c.example') + (await published('c.example', ...EVERYTHING));
  nsd = await startNsd({ 'b.example': text, 'c.example': plain });
  resolver = createValidatingResolver({
    stubs: { 'b.example': nsd.address, 'c.example': nsd.address },
    trustAnchors: [ds],
    rootAnchorFiles: [],
  });
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (skip !== false) return;
  resolver.close();
  await nsd.stop();
});

for (const [service, [port, directPort]] of Object.entries(PORTS))
  test(`O11: the ${service} records that were printed lead to the server, secure`, { skip }, async () => {
    for (const [srv, expected] of [
      [`_${service}._tcp`, port],
      [`_${service.replace('xmpp', 'xmpps')}._tcp`, directPort],
    ] as const) {
      const { status, records } = await resolver.srv(`${srv}.b.example`, never);
      assert.equal(status, 'secure');
      assert.deepEqual(records, [{ priority: 0, weight: 0, port: expected, target: TARGET }]);
      assert.equal((await resolver.tlsa(tlsaOwner(TARGET, expected), never)).status, 'secure');
    }
  });

test(
  'O11: each TLSA record that was printed proves the certificate, in every usage, and no other one',
  { skip },
  async () => {
    const { records } = await resolver.tlsa(tlsaOwner(TARGET, 5269), never);
    assert.equal(records.length, 4 * 2 * 3);
    const validator = createPathValidator({ system: false, anchors: [root.certPem] });
    for (const record of records) {
      const match = validator.validateDane({ der: issued.der }, [record], Date.now());
      assert.deepEqual(match.kind === 'matched' && match.record, record);
      // A certificate of the same authority has the same issuer; the server's own certificate differs.
      const ofAuthority = record.usage === 0 || record.usage === 2;
      assert.equal(
        validator.validateDane({ der: renewed.der }, [record], Date.now()).kind,
        ofAuthority ? 'matched' : 'unmatched',
      );
      assert.equal(validator.validateDane({ der: stranger.der }, [record], Date.now()).kind, 'unmatched');
    }
    validator.close();
  },
);

test('O11: a renewal with the same key needs no new record (RFC 7671 §5.1)', { skip }, async () => {
  const { records } = await resolver.tlsa(tlsaOwner(TARGET, 5222), never);
  assert.deepEqual(
    records.map(formatTlsa).map((text) => text.slice(0, 5)),
    ['3 1 1'],
  );
  const again = middle.certify({
    subject: 'b.example',
    publicKey: new X509Certificate(issued.certPem).publicKey,
    extensions: [],
  });
  const validator = createPathValidator({ system: false, anchors: [] });
  assert.equal(validator.validateDane({ der: [again] }, records, Date.now()).kind, 'matched');
  assert.equal(validator.validateDane({ der: renewed.der }, records, Date.now()).kind, 'unmatched');
  validator.close();
});

test('O11: nsd loads what was printed as it is, comments and all', { skip }, async () => {
  assert.equal((await resolver.srv('_xmpp-server._tcp.c.example', never)).status, 'insecure');
  assert.equal((await resolver.tlsa(tlsaOwner('c.example', 5269), never)).records.length, 4 * 2 * 3);
  assert.doesNotMatch(nsd.log(), /error|warning/i);
});
