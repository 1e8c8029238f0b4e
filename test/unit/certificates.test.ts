import assert from 'node:assert/strict';
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { MAX_CERTIFICATE_BYTES, readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { contextTag, octetString, oid, sequence, text } from '../../src/adapters/der-writer.ts';
import { FaultError } from '../../src/protocol/faults.ts';

const authority = createCertificateAuthority({ name: 'Certificate Test Authority' });
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A certificate whose subjectAltName contains these GeneralNames, right or wrong. */
function withNames(...names: Buffer[]): Buffer {
  const san = sequence(oid('2.5.29.17'), octetString(sequence(...names)));
  return authority.certify({ subject: 'test', publicKey, extensions: [san] });
}
const primitive = (tag: number, content: string | Buffer): Buffer =>
  contextTag(tag, Buffer.from(content as string, 'latin1'), { constructed: false });
const otherName = (type: string, value: Buffer): Buffer =>
  contextTag(0, Buffer.concat([oid(type), contextTag(0, value)]));

const SRV_NAME = '1.3.6.1.5.5.7.8.7';
const XMPP_ADDR = '1.3.6.1.5.5.7.8.5';
const isMalformed = (error: unknown): boolean =>
  error instanceof FaultError && error.fault.layer === 'pkix' && error.fault.condition === 'malformed';

test('a certificate gives its names, its dates and its fingerprint', () => {
  const { der, certPem } = authority.issue({
    dnsNames: ['IM.example.com', '*.example.com'],
    srvNames: ['_xmpp-server.im.example.com'],
    xmppAddrs: ['im.example.com', 'bücher.example'],
    ipAddresses: ['192.0.2.1', '2001:db8::1'],
    commonName: 'im.example.com',
    notBefore: Date.UTC(2026, 0, 2, 3, 4, 5),
    notAfter: Date.UTC(2051, 5, 6, 7, 8, 9),
  });
  const evidence = readCertificate(der[0]!);
  assert.deepEqual(evidence.presented, {
    dnsNames: ['im.example.com', '*.example.com'],
    srvNames: ['_xmpp-server.im.example.com'],
    xmppAddrs: ['im.example.com', 'bücher.example'],
    ipAddresses: ['192.0.2.1', '2001:db8::1'],
  });
  const node = new X509Certificate(certPem);
  assert.equal(evidence.sha256, node.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.equal(evidence.notBeforeMs, Date.parse(node.validFrom));
  assert.equal(evidence.notAfterMs, Date.parse(node.validTo));
  assert.equal(evidence.subject, 'CN=im.example.com');
  assert.equal(evidence.issuer, 'CN=Certificate Test Authority');
});

for (const keyType of ['ec', 'rsa', 'ed25519'] as const)
  test(`the key does not matter for reading: ${keyType}`, () => {
    const { der } = authority.issue({ dnsNames: ['a.example'], keyType });
    assert.deepEqual(readCertificate(der[0]!).presented.dnsNames, ['a.example']);
  });

test('a certificate without subjectAltName presents nothing, whatever its subject says (RFC 9525 App. A)', () => {
  const { der } = authority.issue({ commonName: 'im.example.com' });
  assert.deepEqual(readCertificate(der[0]!).presented, {
    dnsNames: [],
    srvNames: [],
    xmppAddrs: [],
    ipAddresses: [],
  });
});

test('an identifier that is not what its type promises is left out, the others stand', () => {
  const der = withNames(
    primitive(2, 'example.com\0.evil.example'),
    primitive(2, 'caf\xe9.example'),
    primitive(2, ''),
    primitive(2, 'a b.example'),
    primitive(7, Buffer.from([1, 2, 3])),
    otherName(SRV_NAME, text('utf8', '_xmpp-server.utf8.example')),
    otherName(SRV_NAME, text('ia5', '_xmpp-server.x.example\0')),
    otherName(XMPP_ADDR, text('ia5', 'ia5.example')),
    otherName(XMPP_ADDR, Buffer.from([0x0c, 2, 0xc3, 0x28])),
    otherName('1.3.6.1.4.1.311.20.2.3', text('utf8', 'upn.example')),
    primitive(6, 'xmpp:uri.example'),
    primitive(2, 'good.example'),
    otherName(XMPP_ADDR, text('utf8', 'good.example')),
  );
  assert.deepEqual(readCertificate(der).presented, {
    dnsNames: ['good.example'],
    srvNames: [],
    xmppAddrs: ['good.example'],
    ipAddresses: [],
  });
});

test('two subjectAltName extensions are malformed, not a choice (RFC 5280 §4.2)', () => {
  const san = (name: string) => sequence(oid('2.5.29.17'), octetString(sequence(primitive(2, name))));
  const der = authority.certify({ subject: 'x', publicKey, extensions: [san('a.example'), san('b.example')] });
  assert.throws(() => readCertificate(der), isMalformed);
});

test('a name in the subject cannot look like another, nor move the cursor (RFC 4514 §2.4)', () => {
  const { der } = authority.issue({ commonName: 'x, OU=im.example.com\n\u202eevil', dnsNames: ['a.example'] });
  assert.equal(readCertificate(der[0]!).subject, 'CN=x\\, OU\\=im.example.com\\u000a\\u202eevil');
});

test('the number of names taken is bounded', () => {
  const der = withNames(...Array.from({ length: 4000 }, (_, i) => primitive(2, `n${i}.e.fr`)));
  assert.equal(readCertificate(der).presented.dnsNames.length, 2048);
});

test('what is no certificate is malformed: empty, cut, too long, something behind it', () => {
  const [der] = authority.issue({ dnsNames: ['a.example'] }).der;
  const whole = der!;
  const wrong = [
    Buffer.alloc(0),
    Buffer.from('-----BEGIN CERTIFICATE-----'),
    whole.subarray(0, -1),
    Buffer.concat([whole, Buffer.of(0)]),
    Buffer.alloc(MAX_CERTIFICATE_BYTES + 1, 0x30),
    Buffer.of(0x30, 0x80, 0x00, 0x00),
    Buffer.alloc(MAX_CERTIFICATE_BYTES, Buffer.of(0x30, 0x80)),
    sequence(sequence()),
  ];
  for (const der of wrong) assert.throws(() => readCertificate(der), isMalformed);
});

test('damage in any octet is read or malformed, never another error', () => {
  const [der] = authority.issue({ dnsNames: ['a.example'], xmppAddrs: ['a.example'], ipAddresses: ['::1'] }).der;
  fc.assert(
    fc.property(fc.nat(der!.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(60), (at, octet, cut) => {
      const damaged = Buffer.from(der!.subarray(0, der!.length - (cut > 50 ? cut : 0)));
      damaged[at % damaged.length] = octet;
      try {
        readCertificate(damaged);
      } catch (error) {
        assert.ok(isMalformed(error), String(error));
      }
    }),
    { numRuns: 1500 },
  );
});
