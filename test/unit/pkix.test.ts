import assert from 'node:assert/strict';
import { X509Certificate, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { LruMap } from '../../src/adapters/lru.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { CertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { contextTag, derBoolean, octetString, oid, sequence } from '../../src/adapters/der-writer.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import type { TrustOptions } from '../../src/adapters/pkix/path-validator.ts';
import type { PathVerdict } from '../../src/protocol/certificate.ts';
import { FaultError } from '../../src/protocol/faults.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;

const root = createCertificateAuthority({ name: 'Root' });
const intermediate = root.intermediate({ name: 'Intermediate' });
const stranger = createCertificateAuthority({ name: 'Stranger' });

const opened: { close(): void }[] = [];
after(() => {
  for (const validator of opened) validator.close();
});
function trusting(anchors: readonly string[], options: Partial<TrustOptions> = {}) {
  const validator = createPathValidator({ system: false, anchors, ...options });
  opened.push(validator);
  return validator;
}
const validator = trusting([root.certPem]);
const strict = trusting([root.certPem], { profile: 'all' });

const validate = (der: readonly Uint8Array[], atMs = NOW): PathVerdict => validator.validate({ der }, atMs);
/** `valid`, or the condition. */
const answer = (verdict: PathVerdict): string => (verdict.kind === 'valid' ? 'valid' : verdict.condition);
const sha256Of = (der: Uint8Array): string => new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase();

/** The key of an authority in another certificate: signed by `issuer`, with these extensions. */
function recertify(issuer: CertificateAuthority, subject: CertificateAuthority, extensions: Buffer[] = []): Buffer {
  return issuer.certify({ subject: subject.name, publicKey: new X509Certificate(subject.der).publicKey, extensions });
}
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), derBoolean(true), octetString(value));
const caTrue = extension('2.5.29.19', sequence(derBoolean(true)));

for (const keyType of ['ec', 'rsa', 'ed25519'] as const)
  test(`a serverAuth-only certificate is valid whichever end shows it, key ${keyType}`, () => {
    const top = createCertificateAuthority({ name: `Root ${keyType}`, keyType });
    const leaf = top.intermediate({ name: `Below ${keyType}`, keyType }).issue({ dnsNames: ['a.example'], keyType });
    assert.deepEqual(trusting([top.certPem], { profile: 'all' }).validate({ der: leaf.der }, NOW), {
      kind: 'valid',
      notAfterMs: Date.UTC(2049, 11, 31),
      pathSha256: [...leaf.der, top.der].map(sha256Of),
    });
  });

test('usage that lacks serverAuth is refused, with anyExtendedKeyUsage or none at all it is not', () => {
  const withUsage = (eku: ('serverAuth' | 'clientAuth' | 'any')[] | null): string =>
    answer(validate(intermediate.issue({ dnsNames: ['a.example'], eku }).der));
  assert.equal(withUsage(['clientAuth']), 'invalid-purpose');
  assert.equal(withUsage(['serverAuth', 'clientAuth']), 'valid');
  assert.equal(withUsage(['any']), 'valid');
  assert.equal(withUsage(null), 'valid');
});

test('an intermediate limited to clientAuth issues no servers (RFC 5280 §4.2.1.12)', () => {
  const clientsOnly = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')));
  const issuer = createCertificateAuthority({ name: 'Clients only' });
  const [leaf] = issuer.issue({ dnsNames: ['a.example'] }).der;
  assert.deepEqual(validate([leaf!, recertify(root, issuer, [caTrue, clientsOnly])]), {
    kind: 'invalid',
    condition: 'invalid-purpose',
    text: 'extendedKeyUsage does not include serverAuth',
    depth: 1,
  });
});

test('the certificate of an authority is not that of a server (RFC 6120 §13.7.1.1)', () => {
  assert.equal(answer(validate(intermediate.issue({ dnsNames: ['a.example'], ca: true }).der)), 'invalid-purpose');
});

test('expired and not yet valid are told apart, and both ends of the window belong to it (RFC 5280 §4.1.2.5)', () => {
  const [notBefore, notAfter] = [NOW, NOW + DAY_MS];
  const { der } = intermediate.issue({ dnsNames: ['a.example'], notBefore, notAfter });
  const at = (atMs: number): string => answer(trusting([root.certPem]).validate({ der }, atMs));
  assert.equal(at(notBefore - 1), 'certificate-not-yet-valid');
  assert.equal(at(notBefore), 'valid');
  assert.equal(at(notAfter), 'valid');
  assert.equal(at(notAfter + 999), 'valid');
  assert.equal(at(notAfter + 1000), 'certificate-expired');
});

test('a remembered verdict does not outlive the path (RFC 5280 §6.1.3)', () => {
  const short = root.intermediate({ name: 'Short', notBefore: NOW - DAY_MS, notAfter: NOW + DAY_MS });
  const { der } = short.issue({ dnsNames: ['a.example'] });
  const verdict = validate(der);
  assert.equal(verdict.kind === 'valid' && verdict.notAfterMs, NOW + DAY_MS);
  assert.equal(validate(der), verdict);
  assert.equal(answer(validate(der, NOW + 2 * DAY_MS)), 'certificate-expired');
  assert.equal(answer(validate(der, NOW - 2 * DAY_MS)), 'certificate-not-yet-valid');
});

test('an unknown issuer, a missing intermediate and an untrusted root are named as such, in the words of OpenSSL', () => {
  assert.deepEqual(validate(stranger.issue({ dnsNames: ['a.example'] }).der), {
    kind: 'invalid',
    condition: 'unknown-issuer',
    text: 'unable to get local issuer certificate',
    depth: 0,
  });
  const [leaf] = intermediate.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(validate([leaf!])), 'unknown-issuer');
  const [foreign] = stranger.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(validate([foreign!, stranger.der])), 'untrusted-root');
});

test('order and surplus of what the peer sends do not matter, the leaf being first (RFC 8446 §4.4.2)', () => {
  const low = intermediate.intermediate({ name: 'Low' });
  const [leaf, ...others] = low.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(validate([leaf!, stranger.der, ...others.reverse(), root.der])), 'valid');
});

test('an intermediate without CA:TRUE issues nothing (RFC 5280 §6.1.4 k)', () => {
  const pretender = createCertificateAuthority({ name: 'Pretender' });
  const [leaf] = pretender.issue({ dnsNames: ['a.example'] }).der;
  const keyCertSign = extension('2.5.29.15', Buffer.of(0x03, 0x02, 0x02, 0x04));
  const caFalse = extension('2.5.29.19', sequence());
  assert.equal(answer(validate([leaf!, recertify(root, pretender)])), 'invalid-ca');
  assert.equal(answer(validate([leaf!, recertify(root, pretender, [keyCertSign])])), 'invalid-ca');
  assert.equal(answer(validate([leaf!, recertify(root, pretender, [caFalse])])), 'invalid-ca');
  // The same when the leaf violates the profile, so that the second, lenient validation decides.
  const { publicKey } = generateKeyPairSync('ed25519');
  const dnsName = contextTag(2, Buffer.from('a.example'), { constructed: false });
  const notCritical = sequence(oid('2.5.29.17'), octetString(sequence(dnsName)));
  const sloppy = pretender.certify({ subject: '', publicKey, extensions: [notCritical] });
  assert.equal(answer(trusting([pretender.certPem]).validate({ der: [sloppy] }, NOW)), 'valid');
  assert.equal(answer(validate([sloppy, recertify(root, pretender, [keyCertSign])])), 'invalid-ca');
});

test('a path longer than the authority allows is refused (RFC 5280 §4.2.1.9)', () => {
  const last = root.intermediate({ name: 'Last', pathLength: 0 });
  assert.equal(answer(validate(last.issue({ dnsNames: ['a.example'] }).der)), 'valid');
  const below = last.intermediate({ name: 'One too many' });
  assert.equal(answer(validate(below.issue({ dnsNames: ['a.example'] }).der)), 'path-length-exceeded');
});

test('self-signed: refused unless the operator named this very certificate', () => {
  const { publicKey } = new X509Certificate(stranger.der);
  const usual = stranger.certify({ subject: stranger.name, publicKey, extensions: [] });
  assert.equal(answer(validate([usual])), 'self-signed');
  assert.equal(answer(trusting([toPem(usual)]).validate({ der: [usual] }, NOW)), 'valid');
  const [leaf] = stranger.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(trusting([toPem(leaf!)]).validate({ der: [leaf!] }, NOW)), 'valid');
  const other = stranger.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(trusting([toPem(leaf!)]).validate({ der: other }, NOW)), 'unknown-issuer');
});

test('an intermediate can be the anchor, without its root', () => {
  const partial = trusting([intermediate.certPem]);
  assert.equal(answer(partial.validate({ der: intermediate.issue({ dnsNames: ['a.example'] }).der }, NOW)), 'valid');
  assert.equal(answer(partial.validate({ der: root.issue({ dnsNames: ['a.example'] }).der }, NOW)), 'unknown-issuer');
});

test('a signature that does not hold is refused', () => {
  const forged = Buffer.from(root.issue({ dnsNames: ['a.example'] }).der[0]!);
  forged[forged.length - 3]! ^= 1; // inside the signature, so that the DER stays well formed
  assert.equal(answer(validate([forged])), 'bad-signature');
});

test('RSA below 2048 bits is weak (RFC 9325 §4.5)', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  assert.equal(answer(validate([root.certify({ subject: 'weak', publicKey, extensions: [] })])), 'weak-key');
});

test('a key of a type that TLS 1.3 has not is refused before any signature is checked', () => {
  const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
  const der = root.certify({ subject: 'dsa', publicKey, extensions: [] });
  assert.equal(answer(validate([der])), 'unsupported-key');
  const [leaf] = intermediate.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(validate([leaf!, der, intermediate.der])), 'unsupported-key');
});

test('an unknown critical extension is refused (RFC 5280 §4.2)', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const unknown = extension('1.3.6.1.4.1.55555.1', octetString(Buffer.of(1)));
  const der = root.certify({ subject: 'x', publicKey, extensions: [unknown] });
  assert.equal(answer(validate([der])), 'unhandled-critical-extension');
});

/** Below the root: an authority whose basic constraints are not marked critical, as is common in hand-made ones. */
function handMadeChain(): Buffer[] {
  const { publicKey } = generateKeyPairSync('ed25519');
  const notCritical = sequence(oid('2.5.29.19'), octetString(sequence(derBoolean(true))));
  const handMade = createCertificateAuthority({ name: 'Hand-made' });
  return [
    handMade.certify({ subject: 'a.example', publicKey, extensions: [] }),
    recertify(root, handMade, [notCritical]),
  ];
}

test('the issuing profile is asked of public authorities, and waived for the operator’s own (RFC 5280 §4.2)', () => {
  const chain = handMadeChain();
  assert.equal(answer(validate(chain)), 'valid');
  assert.equal(answer(strict.validate({ der: chain }, NOW)), 'profile-violation');
  // Only the profile is waived, nothing else.
  assert.equal(answer(validate(chain, Date.UTC(2060, 0, 1))), 'certificate-expired');
  assert.equal(answer(trusting([stranger.certPem]).validate({ der: chain }, NOW)), 'unknown-issuer');
});

test('nothing presented, garbage and over-long certificates are answers, not exceptions', () => {
  assert.equal(answer(validate([])), 'no-certificate');
  assert.equal(answer(validate([Buffer.alloc(0)])), 'malformed');
  assert.equal(answer(validate([Buffer.from('hello')])), 'malformed');
  assert.equal(answer(validate([Buffer.alloc(65_537)])), 'certificate-too-large');
  const [leaf] = root.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(answer(validate([Buffer.concat([leaf!, Buffer.of(0)])])), 'malformed');
  assert.deepEqual(validate([leaf!, randomBytes(100)]), {
    kind: 'invalid',
    condition: 'malformed',
    text: 'this is not a certificate',
    depth: 1,
  });
});

test('damage in any octet ends in a verdict, and never in `valid`', () => {
  const [leaf] = root.issue({ dnsNames: ['a.example'], xmppAddrs: ['a.example'] }).der;
  fc.assert(
    fc.property(fc.nat(leaf!.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(leaf!);
      damaged[at]! ^= change;
      assert.equal(validate([damaged]).kind, 'invalid');
    }),
    { numRuns: 300 },
  );
});

test('of a chain of fifty, ten certificates are looked at', () => {
  let authority = root;
  for (let i = 0; i < 49; i += 1) authority = authority.intermediate({ name: `Level ${i}` });
  const long = authority.issue({ dnsNames: ['a.example'] }).der;
  assert.equal(long.length, 50);
  assert.equal(answer(validate(long)), 'path-too-long');
  // The right intermediate is there, but beyond the tenth place.
  const [leaf, right] = intermediate.issue({ dnsNames: ['a.example'] }).der;
  const useless = long.slice(0, 9);
  assert.equal(answer(validate([leaf!, ...useless, right!])), 'unknown-issuer');
  assert.equal(answer(validate([leaf!, ...useless.slice(1), right!])), 'valid');
});

test('two authorities that certify each other make no path and no loop', () => {
  const [a, b] = [createCertificateAuthority({ name: 'A' }), createCertificateAuthority({ name: 'B' })];
  const [leaf] = a.issue({ dnsNames: ['a.example'] }).der;
  const loop = [leaf!, recertify(b, a, [caTrue]), recertify(a, b, [caTrue])];
  assert.equal(answer(validate(loop)), 'unknown-issuer');
  // Trust in one of the two ends the loop.
  assert.equal(answer(trusting([b.certPem]).validate({ der: loop }, NOW)), 'valid');
});

test('of two certificates of one intermediate, the one that leads nowhere does not hide the other', () => {
  const [leaf, right] = intermediate.issue({ dnsNames: ['a.example'] }).der;
  const wrong = recertify(stranger, intermediate, [caTrue]);
  for (const chain of [
    [leaf!, wrong, right!],
    [leaf!, right!, wrong],
  ])
    assert.equal(answer(validate(chain)), 'valid');
  assert.equal(answer(validate([leaf!, wrong])), 'unknown-issuer');
});

test('an authority limited to some dNSNames is held to them in SRVName and xmppAddr too (RFC 9525 §7.6)', () => {
  const limited = root.intermediate({ name: 'Limited', permittedDnsNames: ['hosted.example'] });
  const issue = (names: object): string => answer(validate(limited.issue({ commonName: '', ...names }).der));
  assert.equal(issue({ dnsNames: ['a.hosted.example'] }), 'valid');
  assert.equal(issue({ dnsNames: ['victim.example'] }), 'name-constraint-violation');
  assert.equal(issue({ srvNames: ['_xmpp-server.a.hosted.example'], xmppAddrs: ['hosted.example'] }), 'valid');
  assert.equal(
    issue({ dnsNames: ['hosted.example'], srvNames: ['_xmpp-server.victim.example'] }),
    'name-constraint-violation',
  );
  assert.equal(issue({ dnsNames: ['hosted.example'], xmppAddrs: ['victim.example'] }), 'name-constraint-violation');
  assert.equal(issue({ xmppAddrs: ['1hosted.example'] }), 'name-constraint-violation');
});

test('a wildcard that could stand for an excluded name is refused (CVE-2025-61727)', () => {
  const dns = (name: string): Buffer => sequence(contextTag(2, Buffer.from(name, 'latin1'), { constructed: false }));
  const excluding = extension('2.5.29.30', sequence(contextTag(1, dns('secret.example.com'))));
  const issuer = createCertificateAuthority({ name: 'Excluding' });
  const chainOf = (...dnsNames: string[]): readonly Buffer[] => [
    issuer.issue({ dnsNames }).der[0]!,
    recertify(root, issuer, [caTrue, excluding]),
  ];
  assert.equal(answer(validate(chainOf('*.example.com'))), 'name-constraint-violation');
  assert.equal(answer(validate(chainOf('www.example.com', '*.other.example'))), 'valid');
});

test('the system’s roots are trusted when asked for, and SSL_CERT_FILE replaces them', (t) => {
  const system = trusting([], { system: true });
  assert.equal(answer(system.validate({ der: root.issue({ dnsNames: ['a.example'] }).der }, NOW)), 'unknown-issuer');
  const before = process.env['SSL_CERT_FILE'];
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-roots-'));
  t.after(() => {
    if (before === undefined) delete process.env['SSL_CERT_FILE'];
    else process.env['SSL_CERT_FILE'] = before;
    rmSync(folder, { recursive: true, force: true });
  });
  const bundle = join(folder, 'roots.pem');
  writeFileSync(bundle, `# ours\n${stranger.certPem}\n${root.certPem}`);
  process.env['SSL_CERT_FILE'] = bundle;
  const replaced = trusting([], { system: true });
  assert.equal(answer(replaced.validate({ der: root.issue({ dnsNames: ['a.example'] }).der }, NOW)), 'valid');
  // Such a root is not the operator's own, so the profile applies to it.
  assert.equal(answer(replaced.validate({ der: handMadeChain() }, NOW)), 'profile-violation');
  process.env['SSL_CERT_FILE'] = '/nonexistent/roots.pem';
  assert.throws(() => trusting([], { system: true }), isFault('trust-anchors-unreadable'));
});

test('an anchor that cannot be read is the operator’s fault and said at once', () => {
  assert.throws(() => trusting(['no certificate here']), isFault('trust-anchor-malformed'));
  const broken = root.certPem.replace('MII', 'AAA');
  assert.throws(() => trusting([broken]), isFault('trust-anchor-malformed'));
});

test('verdicts and certificates are remembered in bounded number, the least used forgotten first', () => {
  const memo = new LruMap<string, number>(2);
  memo.set('a', 1);
  memo.set('b', 2);
  assert.equal(memo.get('a'), 1);
  memo.set('c', 3);
  assert.deepEqual([memo.get('a'), memo.get('b'), memo.get('c'), memo.size], [1, undefined, 3, 2]);
  memo.set('c', 4); // an existing key displaces no other
  assert.deepEqual([memo.get('a'), memo.get('c'), memo.size], [1, 4, 2]);
});

test('a closed validator is not used, and may be closed twice', () => {
  const closed = createPathValidator({ system: false, anchors: [root.certPem] });
  closed.close();
  closed.close();
  assert.throws(() => closed.validate({ der: [] }, NOW), TypeError);
});

function isFault(condition: string) {
  return (error: unknown): boolean =>
    error instanceof FaultError && error.fault.condition === condition && error.fault.origin === 'local';
}

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
