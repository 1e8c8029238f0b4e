import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { derOf } from '../../src/adapters/pkix/trust.ts';
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import {
  fingerprintMatches,
  MAX_DOCUMENT_BYTES,
  poshUrl,
  readPoshDocument,
  writePoshDocument,
  type PoshFingerprint,
} from '../../src/protocol/posh.ts';

interface Vectors {
  readonly certificates: Readonly<Record<string, Readonly<Record<'sha-256' | 'sha-512', string>>>>;
  readonly documents: readonly {
    readonly source: string;
    readonly kind: 'fingerprints' | 'reference';
    readonly doc: { readonly url?: string; readonly expires: number };
    readonly matches?: readonly string[];
    readonly does_not_match?: readonly string[];
  }[];
}

const folder = new URL('../fixtures/posh/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('posh.json', folder), 'utf8')) as Vectors; // a fixture of ours
const certificate = (file: string): CertificateEvidence =>
  readCertificate(derOf(readFileSync(new URL(file, folder), 'utf8'), 'CERTIFICATE')[0]!);

const primary = certificate('im.example.com-primary.crt');
const [SHA256, SHA512] = ['sha-256', 'sha-512'].map(
  (hash) => vectors.certificates['im.example.com-primary.crt']![hash as 'sha-256'],
) as [string, string];

const read = (document: unknown) =>
  readPoshDocument(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)));
const outcome = (document: unknown): string => {
  const found = read(document);
  return found.kind === 'unusable' ? found.condition : found.kind;
};
const fingerprintsOf = (document: unknown): readonly PoshFingerprint[] => {
  const found = read(document);
  assert.equal(found.kind, 'fingerprints');
  return found.fingerprints;
};

test('the certificates of the RFC 7711 authors have the hashes that §3.1 prints', () => {
  for (const [file, hashes] of Object.entries(vectors.certificates)) {
    const { sha256, sha512 } = certificate(file);
    const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
    assert.deepEqual([sha256, sha512], [hex(hashes['sha-256']), hex(hashes['sha-512'])], file);
  }
});

test('the documents of RFC 7711 §3.1 and §3.2 are read, and name the certificates that they name', () => {
  for (const { source, kind, doc, matches = [], does_not_match: others = [] } of vectors.documents) {
    const found = read(doc);
    assert.equal(found.kind, kind, source);
    assert.equal(found.expiresSeconds, doc.expires);
    if (found.kind === 'reference') {
      assert.equal(found.url, doc.url);
      continue;
    }
    for (const file of matches) assert.ok(fingerprintMatches(found, certificate(file)), `${source}: ${file}`);
    for (const file of others) assert.ok(!fingerprintMatches(found, certificate(file)), `${source}: not ${file}`);
  }
});

test('the well-known URL is that of the service (RFC 7712 §5.2)', () => {
  assert.equal(poshUrl('a.example', 'xmpp-server'), 'https://a.example/.well-known/posh/xmpp-server.json');
  assert.equal(poshUrl('a.example', 'xmpp-client'), 'https://a.example/.well-known/posh/xmpp-client.json');
});

const good = { fingerprints: [{ 'sha-256': SHA256 }], expires: 60 };
const reference = { url: 'https://b.example/posh.json', expires: 60 };

test('"expires" is a non-negative integer, and 0 makes either document invalid (RFC 7711 §3.1, §3.2)', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['1', ''],
    ['6.048e5', ''],
    ['99999999999999999999', ''],
    ['0', 'expires-zero'],
    ['-0', 'expires-zero'],
    ['-1', 'document-invalid'],
    ['0.5', 'document-invalid'],
    ['1.5', 'document-invalid'],
    ['"60"', 'document-invalid'],
    ['null', 'document-invalid'],
    ['true', 'document-invalid'],
    ['[60]', 'document-invalid'],
    ['1e400', 'document-invalid'],
  ];
  for (const [expires, wanted] of cases) {
    const fingerprints = `{"fingerprints":[{"sha-256":"${SHA256}"}],"expires":${expires}}`;
    assert.equal(outcome(fingerprints), wanted || 'fingerprints', expires);
    assert.equal(outcome(`{"url":"${reference.url}","expires":${expires}}`), wanted || 'reference', expires);
  }
  assert.equal(outcome({ fingerprints: good.fingerprints }), 'document-invalid', 'missing');
  assert.equal(outcome({ url: reference.url }), 'document-invalid', 'missing');
});

test('what is malformed is rejected as a whole (RFC 7711 §3.1, §3.2)', () => {
  const malformed: Readonly<Record<string, unknown>> = {
    'both members': { ...good, ...reference },
    'neither member': { expires: 60 },
    'an empty list': { fingerprints: [], expires: 60 },
    'no list': { fingerprints: good.fingerprints[0], expires: 60 },
    'null for a list': { fingerprints: null, expires: 60 },
    'a descriptor that is no object': { fingerprints: [good.fingerprints[0], SHA256], expires: 60 },
    'a descriptor that is a list': { fingerprints: [[SHA256]], expires: 60 },
    'a hash that is no text': { fingerprints: [{ 'sha-256': 7 }], expires: 60 },
    'one bad hash beside good ones': { fingerprints: [good.fingerprints[0], { 'sha-256': 'AAAA' }], expires: 60 },
    'plain http': { url: 'http://b.example/posh.json', expires: 60 },
    'another scheme': { url: 'file:///etc/passwd', expires: 60 },
    'a relative URL': { url: '/posh.json', expires: 60 },
    'a URL with a password': { url: 'https://me:secret@b.example/', expires: 60 },
    'a URL with a user': { url: 'https://me@b.example/', expires: 60 },
    'a URL that is none': { url: 'https://', expires: 60 },
    'a URL that is no text': { url: 1, expires: 60 },
    'an endless URL': { url: `https://b.example/${'x'.repeat(2_048)}`, expires: 60 },
    'a list': [good],
    'a text': '"posh"',
    'a number': '60',
    null: 'null',
    nothing: '',
    'white space': ' \n',
    HTML: '<!doctype html><title>It works</title>',
  };
  for (const [what, document] of Object.entries(malformed)) assert.equal(outcome(document), 'document-invalid', what);
  assert.deepEqual([outcome(good), outcome(reference)], ['fingerprints', 'reference']);
});

test('members that nobody has defined are passed over', () => {
  assert.equal(outcome({ ...good, comment: { by: ['us'] } }), 'fingerprints');
  assert.equal(
    outcome({ fingerprints: [{ ...good.fingerprints[0], comment: 'the new one' }], expires: 1 }),
    'fingerprints',
  );
});

test('JSON is read in one way or not at all: no member twice, no comments, nothing after the end (RFC 8259)', () => {
  const body = `"fingerprints":[{"sha-256":"${SHA256}"}]`;
  const bad = [
    `{${body},"expires":1,"expires":60}`,
    `{${body},"expires":1,"\\u0065xpires":60}`,
    `{"fingerprints":[{"sha-256":"${SHA256}","sha-256":"${SHA256}"}],"expires":60}`,
    `{${body},"url":"https://b.example/","url":"https://c.example/","expires":60}`,
    `{${body},"expires":60,}`,
    `{${body},"expires":60}}`,
    `{${body},"expires":60} {}`,
    `{${body},"expires":60 /* a minute */}`,
    `{${body},'expires':60}`,
    `{${body},expires:60}`,
    `{${body},"expires":060}`,
    `{${body},"expires":+60}`,
    `{${body},"expires":60.}`,
    `{${body},"expires":0x3c}`,
    `{${body},"expires":NaN}`,
    `{${body},"expires":Infinity}`,
    `{${body},"expires":60,"x":"\n"}`,
    `{${body},"expires":60,"x":"\\x41"}`,
    `{${body},"expires":60,"x":tru}`,
    `{${body},"expires":60`,
    `{${body} "expires":60}`,
    `{${body},"expires" 60}`,
  ];
  for (const text of bad) assert.equal(outcome(text), 'document-invalid', text);
  const fine = [
    `\ufeff{${body},"expires":60}`,
    ` \t\r\n{ ${body} , "\\u0065xpires" : 60 } `,
    `{${body},"expires":60,"x":[{},[],-0.5e-3,true,false,null,"\\ud83d\\ude00\\n\\"\\\\"],"__proto__":1,"constructor":{}}`,
  ];
  for (const text of fine) assert.equal(outcome(text), 'fingerprints', text);
});

test('bytes that are no UTF-8 are refused (RFC 8259 §8.1)', () => {
  const text = Buffer.from(JSON.stringify({ ...good, x: 'é' }), 'latin1');
  assert.equal(readPoshDocument(text).kind, 'unusable');
  assert.equal(readPoshDocument(Buffer.from(JSON.stringify(good), 'utf16le')).kind, 'unusable');
});

test('size and depth are bounded before anything else is looked at', () => {
  const padded = (length: number): string => JSON.stringify(good).padEnd(length, ' ');
  assert.equal(outcome(padded(MAX_DOCUMENT_BYTES)), 'fingerprints');
  assert.equal(outcome(padded(MAX_DOCUMENT_BYTES + 1)), 'document-invalid');
  const deep = (depth: number) => `{"x":${'['.repeat(depth)}${']'.repeat(depth)},${JSON.stringify(good).slice(1)}`;
  assert.equal(outcome(deep(7)), 'fingerprints');
  assert.equal(outcome(deep(8)), 'document-invalid');
  assert.equal(outcome('['.repeat(MAX_DOCUMENT_BYTES)), 'document-invalid');
  assert.equal(outcome('{"x":'.repeat(13_000)), 'document-invalid');
});

test('base64 is that of RFC 4648 §4, in one spelling; only the pad may be missing, as in the example of RFC 7711 §3.1', () => {
  const withHash = (value: string, hash = 'sha-256') => outcome({ fingerprints: [{ [hash]: value }], expires: 60 });
  const bare = SHA256.slice(0, -1);
  for (const value of [SHA256, bare]) assert.equal(withHash(value), 'fingerprints', value);
  for (const value of [SHA512, SHA512.slice(0, -2)]) assert.equal(withHash(value, 'sha-512'), 'fingerprints', value);
  const bad = {
    'a line break': `${SHA256.slice(0, 20)}\n${SHA256.slice(20)}`,
    'white space around it': ` ${SHA256}`,
    'the alphabet of URLs': `_${SHA256.slice(1)}`,
    'a character that is none': `!${SHA256.slice(1)}`,
    'pad bits that are not zero': `${SHA256.slice(0, -2)}R=`,
    'more padding': `${SHA256}=`,
    'an octet less': Buffer.alloc(31).toString('base64'),
    'an octet more': Buffer.alloc(33).toString('base64'),
    hexadecimal: primary.sha256,
    nothing: '',
    'more after the pad': `${SHA256}${SHA256}`,
  };
  for (const [what, value] of Object.entries(bad)) assert.equal(withHash(value), 'document-invalid', what);
  assert.equal(withHash(SHA512.slice(0, -1), 'sha-512'), 'document-invalid', 'half of the padding');
  assert.equal(withHash(SHA256, 'sha-512'), 'document-invalid', 'the other hash');
});

test('hashes that are weak or unknown are passed over; a document with none else is of no use (RFC 7711 §3.3)', () => {
  const others = { 'sha-1': 'AAAA', md5: 7, 'sha-384': Buffer.alloc(48).toString('base64'), 'SHA-256': SHA256 };
  assert.equal(outcome({ fingerprints: [others, {}], expires: 60 }), 'no-known-hash');
  assert.equal(outcome({ fingerprints: [others, {}], expires: 0 }), 'no-known-hash');
  assert.deepEqual(fingerprintsOf({ fingerprints: [others, { ...others, 'sha-256': SHA256 }], expires: 60 }), [
    { 'sha-256': primary.sha256 },
  ]);
});

test('any descriptor may match, each by its strongest hash alone (RFC 7711 §3.3)', () => {
  const { sha256, sha512 } = primary;
  const [no256, no512] = ['0'.repeat(64), '0'.repeat(128)];
  const matches = (...fingerprints: PoshFingerprint[]) => fingerprintMatches({ fingerprints }, primary);
  assert.equal(matches({ 'sha-256': sha256 }), true);
  assert.equal(matches({ 'sha-512': sha512 }), true);
  assert.equal(matches({ 'sha-256': sha256, 'sha-512': sha512 }), true);
  assert.equal(matches({ 'sha-256': no256, 'sha-512': sha512 }), true, 'the weaker hash is not looked at');
  assert.equal(matches({ 'sha-256': sha256, 'sha-512': no512 }), false, 'the stronger hash is not overruled');
  assert.equal(matches({ 'sha-256': no256 }, { 'sha-512': sha512 }), true, 'the second of two');
  assert.equal(matches({ 'sha-256': no256 }, { 'sha-512': no512 }), false);
  assert.equal(matches({}), false);
});

test('what is written for certificates is read back, most relevant first (RFC 7711 §3.1)', () => {
  const rollover = certificate('im.example.com-rollover.crt');
  const text = writePoshDocument([rollover, primary], 86_400);
  const found = read(text);
  assert.deepEqual(found, {
    kind: 'fingerprints',
    expiresSeconds: 86_400,
    fingerprints: [rollover, primary].map(({ sha256, sha512 }) => ({ 'sha-512': sha512, 'sha-256': sha256 })),
  });
});
