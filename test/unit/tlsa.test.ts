/**
 * TLSA records as values: read, written, sorted by usability, made from a certificate (RFC 6698 §2, RFC 7671, RFC 7673
 * §4).
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { derOf } from '../../src/adapters/pkix/trust.ts';
import { certificateParts, isSubjectPublicKeyInfo, rsaModulusBits } from '../../src/protocol/certificate-parts.ts';
import type { CertificateParts } from '../../src/protocol/certificate-parts.ts';
import {
  MAX_TLSA_RECORDS,
  associationsOf,
  formatTlsa,
  namesCertificate,
  parseTlsa,
  readTlsa,
  tlsaFor,
  tlsaOwner,
  usableTlsa,
} from '../../src/protocol/tlsa.ts';
import type { TlsaRecord } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

interface Vectors {
  rfc6698_appendix_c: { certificate: string; records: Omit<TlsaRecord, 'usage'>[] };
  rfc7671_s9_digest_agility: { spki: string; rrset: TlsaRecord[] };
  posh_fixture_certs_as_tlsa: Record<string, Record<string, string>>;
}
const fixture = (path: string): string => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'latin1');
const vectors = JSON.parse(fixture('dane/vectors.json')) as Vectors;
const partsIn = (path: string): CertificateParts => {
  const [der] = derOf(fixture(path), 'CERTIFICATE');
  const parts = certificateParts(der!);
  assert.ok(parts);
  return parts;
};
const tlsa = (text: string): TlsaRecord => {
  const record = parseTlsa(text);
  assert.ok(record, text);
  return record;
};
const sha256 = 'ab'.repeat(32);
const sha512 = 'cd'.repeat(64);

test('RDATA is usage, selector, matching type and data, whatever they are (RFC 6698 §2.1)', () => {
  assert.deepEqual(readTlsa(Buffer.from('030101abcd', 'hex')), { usage: 3, selector: 1, matching: 1, data: 'abcd' });
  assert.deepEqual(readTlsa(Buffer.from('ff0907', 'hex')), { usage: 255, selector: 9, matching: 7, data: '' });
  const inner = Buffer.from('99030101abcd99', 'hex').subarray(1, 6);
  assert.equal(readTlsa(inner)?.data, 'abcd');
  for (const short of ['', '03', '0301']) assert.equal(readTlsa(Buffer.from(short, 'hex')), null);
});

test('the presentation form is read as zone files have it, and written so (RFC 6698 §2.2, §2.3)', () => {
  const inTwoLines = `(
      0 0 1 d2abde240d7cd3ee6b4b28c54df034b9
            7983a1d16e8a410e4561cb106618e971 )`;
  const record = tlsa(inTwoLines);
  assert.deepEqual(record, {
    usage: 0,
    selector: 0,
    matching: 1,
    data: 'd2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971',
  });
  assert.equal(formatTlsa(record), '0 0 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971');
  assert.deepEqual(tlsa('3 1 1 ABCD ef'), { usage: 3, selector: 1, matching: 1, data: 'abcdef' });
  assert.deepEqual(tlsa('255 7 9 00'), { usage: 255, selector: 7, matching: 9, data: '00' });
});

test('the acronyms of RFC 7218 §2 stand for the numbers, in any case', () => {
  const rows = [
    ['PKIX-TA Cert Full 00', '0 0 0 00'],
    ['PKIX-EE SPKI SHA2-256 00', '1 1 1 00'],
    ['dane-ta cert sha2-512 00', '2 0 2 00'],
    ['DANE-EE 1 SHA2-256 00', '3 1 1 00'],
  ] as const;
  for (const [named, numbered] of rows) assert.equal(formatTlsa(tlsa(named)), numbered);
});

test('what is not a record is not read as one', () => {
  for (const text of [
    '',
    '3 1 1',
    '3 1 1 abc',
    '3 1 1 xy',
    '256 1 1 00',
    '-1 1 1 00',
    '3 1 00',
    '3.0 1 1 00',
    'x 1 1 00',
  ])
    assert.equal(parseTlsa(text), null, text);
});

test('both forms come back as they went in', () => {
  const byte = fc.nat(255);
  const data = fc.uint8Array({ minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(byte, byte, byte, data, (usage, selector, matching, bytes) => {
      const record = readTlsa(Buffer.from([usage, selector, matching, ...bytes]));
      assert.ok(record);
      assert.deepEqual(parseTlsa(formatTlsa(record)), record);
    }),
  );
});

test('the owner is port, transport and target host (RFC 6698 §3, RFC 7673 §3.3, App. A)', () => {
  assert.equal(tlsaOwner('imap.example.net', 9143), '_9143._tcp.imap.example.net');
  assert.equal(tlsaOwner('im.Example.net.', 5222), '_5222._tcp.im.example.net');
});

test('all six associations of RFC 6698 App. C come out of its certificate', () => {
  const { certificate, records } = vectors.rfc6698_appendix_c;
  const parts = partsIn(`dane/${certificate}`);
  assert.equal(records.length, 6);
  for (const { selector, matching, data } of records) {
    assert.deepEqual(tlsaFor(parts, { usage: 3, selector, matching }), { usage: 3, selector, matching, data });
    assert.ok(namesCertificate({ usage: 1, selector, matching, data: data.toUpperCase() }, associationsOf(parts)));
  }
});

test('the certificates of RFC 7711 as TLSA records', () => {
  for (const [file, records] of Object.entries(vectors.posh_fixture_certs_as_tlsa)) {
    const parts = partsIn(`posh/${file}`);
    for (const [numbers, data] of Object.entries(records)) {
      const { usage, selector, matching } = tlsa(`${numbers} 00`);
      assert.equal(tlsaFor(parts, { usage, selector, matching }).data, data, `${file} ${numbers}`);
    }
  }
});

test('numbers that are not known make no record', () => {
  const parts = partsIn('posh/ca.crt');
  for (const [usage, selector, matching] of [[4, 1, 1] as const, [3, 2, 1] as const, [3, 1, 3] as const])
    assert.throws(() => tlsaFor(parts, { usage, selector, matching }), TypeError);
});

const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
const root = createCertificateAuthority({ name: 'Root' });
const weakLeaf = root.certify({
  subject: 'weak',
  publicKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
  extensions: [],
});
const appendixC = vectors.rfc6698_appendix_c.records;
const inFull = (selector: number): string => appendixC.find((r) => r.selector === selector && r.matching === 0)!.data;

const UNUSABLE = [
  [`4 1 1 ${sha256}`, /usage 4/],
  [`255 1 1 ${sha256}`, /usage 255/],
  [`3 2 1 ${sha256}`, /selector 2/],
  [`3 1 3 ${sha512}`, /matching type 3/],
  [`3 1 1 ${sha256.slice(2)}`, /SHA2-256 digest has 32 bytes, not 31/],
  [`3 1 1 ${sha512}`, /32 bytes, not 64/],
  [`3 1 2 ${sha256}`, /64 bytes, not 32/],
  ['3 0 0 3003020100', /not a certificate/],
  [`3 0 0 ${inFull(0)}00`, /not a certificate/],
  [`3 0 0 ${inFull(1)}`, /not a certificate/],
  [`3 1 0 ${inFull(0)}`, /not a public key/],
  [`3 1 0 ${inFull(1).slice(0, -2)}`, /not a public key/],
  [`2 1 0 ${weakRsa.toString('hex')}`, /1024 bits/],
  [`0 0 0 ${weakLeaf.toString('hex')}`, /1024 bits/],
] as const;
for (const [text, why] of UNUSABLE)
  test(`${text.slice(0, 16)}… is unusable: ${why.source} (RFC 6698 §4.1)`, () => {
    const { usable, unusable } = usableTlsa([tlsa(text)]);
    assert.deepEqual(usable, []);
    assert.match(unusable[0]!.why, why);
    assert.deepEqual(unusable[0]!.record, tlsa(text));
  });

test('a record without data is unusable, and so is one that could not be read (RFC 6698 §4.1)', () => {
  const empty = readTlsa(Buffer.of(3, 1, 1))!;
  const unreadable = { usage: -1, selector: -1, matching: -1, data: '' };
  assert.deepEqual(usableTlsa([empty, unreadable]).usable, []);
  assert.equal(usableTlsa([empty, unreadable]).unusable.length, 2);
});

test('every usage, selector and matching type of RFC 6698 is usable, usage 3 with a weak key too (RFC 7671 §5.1)', () => {
  for (const usage of [0, 1, 2, 3])
    for (const [selector, matching, data] of [
      [0, 0, inFull(0)],
      [0, 1, sha256],
      [0, 2, sha512],
      [1, 0, inFull(1)],
      [1, 1, sha256],
      [1, 2, sha512],
    ] as const) {
      const record = { usage, selector, matching, data };
      assert.deepEqual(usableTlsa([record]), { usable: [record], unusable: [] });
    }
  for (const weak of [`3 1 0 ${weakRsa.toString('hex')}`, `3 0 0 ${weakLeaf.toString('hex')}`])
    assert.equal(usableTlsa([tlsa(weak)]).usable.length, 1);
});

test('the example of RFC 7671 §9: Full and SHA2-512 stay, SHA2-256 goes', () => {
  const { rrset, spki } = vectors.rfc7671_s9_digest_agility;
  const { usable, unusable } = usableTlsa(rrset);
  assert.deepEqual(usable.map(({ matching }) => matching).sort(), [0, 2]);
  assert.match(unusable[0]!.why, /stronger digest/);
  assert.equal(unusable[0]!.record, rrset[0]);
  // The three records describe the same key, as the RFC prints them.
  const associations = associationsOf({ certificate: Buffer.alloc(0), spki: Buffer.from(spki, 'hex') });
  for (const record of rrset) assert.ok(namesCertificate(record, associations));
});

test('a digest is only weaker than one of the same usage and selector, and of a record that is usable (RFC 7671 §9)', () => {
  const kept = [tlsa(`3 1 1 ${sha256}`), tlsa(`2 1 2 ${sha512}`), tlsa(`3 0 2 ${sha512}`)];
  const malformed = tlsa(`3 1 2 ${sha256}`);
  const { usable, unusable } = usableTlsa([...kept, malformed]);
  assert.deepEqual(new Set(usable), new Set(kept));
  assert.deepEqual(
    unusable.map(({ record }) => record),
    [malformed],
  );
});

test('what is usable comes in one order, DANE-EE first, whatever the order of the answer', () => {
  const records = [0, 1, 2, 3].flatMap((usage) => ['00', '11'].map((b) => tlsa(`${usage} 1 1 ${b.repeat(32)}`)));
  const ordered = usableTlsa(records).usable;
  assert.deepEqual(
    ordered.map(({ usage }) => usage),
    [3, 3, 2, 2, 1, 1, 0, 0],
  );
  assert.deepEqual(usableTlsa(records.toReversed()).usable, ordered);
});

test('of a set of thousands a bounded number is used, the same ones in any order', () => {
  const records = Array.from({ length: 3000 }, (_, i) => tlsa(`${i % 6} 1 1 ${i.toString(16).padStart(64, '0')}`));
  const { usable, unusable } = usableTlsa(records);
  assert.equal(usable.length, MAX_TLSA_RECORDS);
  assert.equal(usable.length + unusable.length, records.length);
  assert.deepEqual(usableTlsa(records.toReversed()).usable, usable);
});

for (const { publicKey } of [
  generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  generateKeyPairSync('rsa', { modulusLength: 3072 }),
  generateKeyPairSync('ed25519'),
])
  test(`the key of a certificate is found where it stands, ${publicKey.asymmetricKeyType} (RFC 5280 §4.1)`, () => {
    const parts = certificateParts(root.certify({ subject: 'a.example', publicKey, extensions: [] }));
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    assert.deepEqual(parts && Buffer.from(parts.spki), spki);
    assert.ok(isSubjectPublicKeyInfo(spki));
    assert.equal(rsaModulusBits(spki), publicKey.asymmetricKeyType === 'rsa' ? 3072 : null);
  });

test('lengths that are not DER, and anything before or behind, make no certificate (X.690 §10.1)', () => {
  const [der] = derOf(root.certPem, 'CERTIFICATE');
  const whole = der!;
  assert.ok(certificateParts(whole));
  assert.equal(certificateParts(whole.subarray(0, -1)), null);
  assert.equal(certificateParts(Buffer.concat([whole, Buffer.of(0)])), null);
  // The outer length in three octets where two suffice, and the indefinite length.
  assert.deepEqual([whole[0], whole[1]], [0x30, 0x82]);
  assert.equal(certificateParts(Buffer.concat([Buffer.of(0x30, 0x83, 0), whole.subarray(2)])), null);
  assert.equal(certificateParts(Buffer.concat([Buffer.of(0x30, 0x80), whole.subarray(4), Buffer.of(0, 0)])), null);
  for (const bytes of [[], [0x30], [0x30, 0x82], [0x30, 0xff, 0xff, 0xff, 0xff, 0xff]])
    assert.equal(certificateParts(Buffer.from(bytes)), null);
});
