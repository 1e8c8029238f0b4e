import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { CertificateAuthority, IssuedCredential } from '../../src/simulation/certificate-authority.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-ca-'));
});
after(() => rmSync(folder, { recursive: true }));

/** The verdict of OpenSSL's own path validation, as an independent judge. */
function opensslVerify(
  root: CertificateAuthority,
  leaf: IssuedCredential,
  between: CertificateAuthority[] = [],
): string {
  const file = (name: string, pem: string): string => {
    writeFileSync(join(folder, name), pem);
    return join(folder, name);
  };
  const untrusted =
    between.length === 0 ? [] : ['-untrusted', file('mid.pem', between.map((ca) => ca.certPem).join(''))];
  const args = ['-x509_strict', '-purpose', 'sslserver', '-CAfile', file('root.pem', root.certPem), ...untrusted];
  try {
    return execFileSync('openssl', ['verify', ...args, file('leaf.pem', leaf.certPem)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

test('a leaf carries DNS, SRV and XMPP names and a strict validator accepts it (RFC 5280 §4.2.1.6)', () => {
  const ca = createCertificateAuthority({ name: 'Root' });
  const leaf = ca.issue({
    dnsNames: ['a.example', '*.a.example'],
    srvNames: ['_xmpp-server.a.example'],
    xmppAddrs: ['a.example'],
    ipAddresses: ['127.0.0.1', 'fe80::1:2'],
  });
  assert.match(opensslVerify(ca, leaf), /OK/);
  const read = new X509Certificate(leaf.cert);
  assert.equal(
    read.subjectAltName,
    'DNS:a.example, DNS:*.a.example, othername:SRVName:_xmpp-server.a.example, ' +
      'othername:XmppAddr:a.example, IP Address:127.0.0.1, IP Address:FE80:0:0:0:0:0:1:2',
  );
  assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(read.subject, 'CN=a.example');
  assert.ok(read.checkPrivateKey(createPrivateKey(leaf.key)));
});

test('every key type can sign and be signed', () => {
  for (const authorityKey of ['ec', 'rsa', 'ed25519'] as const) {
    const ca = createCertificateAuthority({ name: `Root ${authorityKey}`, keyType: authorityKey });
    const leaf = ca.issue({ dnsNames: ['a.example'], keyType: authorityKey });
    assert.match(opensslVerify(ca, leaf), /OK/);
    assert.equal(new X509Certificate(leaf.cert).publicKey.asymmetricKeyType, authorityKey);
  }
});

test('the chain of a leaf holds the intermediates and not the root', () => {
  const root = createCertificateAuthority({ name: 'Root' });
  const middle = root.intermediate({ name: 'Middle', pathLength: 0 });
  const leaf = middle.issue({ dnsNames: ['a.example'] });
  assert.deepEqual(
    leaf.der.map((der) => new X509Certificate(der).subject),
    ['CN=a.example', 'CN=Middle'],
  );
  assert.equal(leaf.cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.match(opensslVerify(root, leaf, [middle]), /OK/);
  assert.match(opensslVerify(root, leaf), /unable to get local issuer/);
});

test('path length and name constraints of an authority bind what is below it (RFC 5280 §4.2.1.9-10)', () => {
  const root = createCertificateAuthority({ name: 'Root' });
  const short = root.intermediate({ name: 'Short', pathLength: 0 });
  const below = short.intermediate({ name: 'Below' });
  assert.match(opensslVerify(root, below.issue({ dnsNames: ['a.example'] }), [short, below]), /path length constraint/);
  const narrow = root.intermediate({ name: 'Narrow', permittedDnsNames: ['a.example'] });
  assert.match(opensslVerify(root, narrow.issue({ dnsNames: ['x.a.example'] }), [narrow]), /OK/);
  assert.match(opensslVerify(root, narrow.issue({ dnsNames: ['b.example'] }), [narrow]), /permitted subtree/);
});

test('validity, purpose, authority flag and an empty subject are as asked', () => {
  const ca = createCertificateAuthority({ name: 'Root' });
  const past = ca.issue({
    dnsNames: ['a.example'],
    notBefore: Date.UTC(2020, 0, 1),
    notAfter: new Date('2021-01-01T00:00:00Z'),
  });
  assert.equal(new X509Certificate(past.cert).validTo, 'Jan  1 00:00:00 2021 GMT');
  assert.match(opensslVerify(ca, past), /expired/);
  const far = ca.issue({ dnsNames: ['a.example'], notAfter: Date.UTC(2055, 5, 1) });
  assert.equal(new X509Certificate(far.cert).validTo, 'Jun  1 00:00:00 2055 GMT');
  assert.equal(new X509Certificate(ca.issue({ dnsNames: ['a.example'], eku: null }).cert).keyUsage, undefined);
  assert.match(opensslVerify(ca, ca.issue({ dnsNames: ['a.example'], eku: ['clientAuth'] })), /purpose/);
  assert.equal(new X509Certificate(ca.issue({ dnsNames: ['a.example'], ca: true }).cert).ca, true);
  const nameless = ca.issue({ dnsNames: ['a.example'], commonName: '' });
  assert.ok(!new X509Certificate(nameless.cert).subject);
  assert.match(opensslVerify(ca, nameless), /OK/);
});
