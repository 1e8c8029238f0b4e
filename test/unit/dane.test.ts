/** Chains against TLSA records: what each usage requires, and what it does not (RFC 7671 §5, RFC 6698 §2). */
import assert from 'node:assert/strict';
import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import type { TrustOptions } from '../../src/adapters/pkix/path-validator.ts';
import type { DaneMatch } from '../../src/protocol/certificate.ts';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { formatTlsa, parseTlsa, tlsaFor } from '../../src/protocol/tlsa.ts';
import type { TlsaRecord } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { CertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { derBoolean, octetString, oid, sequence } from '../../src/adapters/der-writer.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const EXPIRED = { notBefore: NOW - 2 * DAY_MS, notAfter: NOW - DAY_MS };
const NOT_YET = { notBefore: NOW + DAY_MS, notAfter: NOW + 2 * DAY_MS };

const opened: { close(): void }[] = [];
after(() => {
  for (const validator of opened) validator.close();
});
function trusting(anchors: readonly string[], options: Partial<TrustOptions> = {}) {
  const validator = createPathValidator({ system: false, anchors, ...options });
  opened.push(validator);
  return validator;
}

const root = createCertificateAuthority({ name: 'Root' });
const middle = root.intermediate({ name: 'Middle' });
const issued = middle.issue({ dnsNames: ['a.example'] });
const [leaf] = issued.der as [Buffer, ...Buffer[]];
const stranger = createCertificateAuthority({ name: 'Stranger' });
const trustsRoot = trusting([root.certPem]);
const trustsNobody = trusting([]);

/** `tlsa('3 1 1', der)`: the record with these numbers that names the certificate. */
function tlsa(numbers: string, der: Uint8Array): TlsaRecord {
  const [usage = -1, selector = -1, matching = -1] = numbers.split(' ').map(Number);
  const parts = certificateParts(der);
  assert.ok(parts);
  return tlsaFor(parts, { usage, selector, matching });
}
/** The numbers of the record that matched, or the condition. */
function answer(match: DaneMatch): string {
  if (match.kind === 'unmatched') return match.condition;
  return formatTlsa(match.record).split(' ').slice(0, 3).join(' ');
}
const ask = (
  chain: readonly Uint8Array[],
  records: readonly TlsaRecord[],
  validator = trustsNobody,
  atMs = NOW,
): string => answer(validator.validateDane({ der: chain }, records, atMs));
const textOf = (match: DaneMatch): string => (match.kind === 'unmatched' ? match.text : 'matched');

/** The key of an authority in another certificate: signed by `issuer`, with these extensions. */
function recertify(issuer: CertificateAuthority, subject: CertificateAuthority, extensions: Buffer[] = []): Buffer {
  return issuer.certify({ subject: subject.name, publicKey: new X509Certificate(subject.der).publicKey, extensions });
}
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), derBoolean(true), octetString(value));
const caTrue = extension('2.5.29.19', sequence(derBoolean(true)));

// ---- every usage, selector and matching type ------------------------------------------------------------------------

const other = stranger.issue({ dnsNames: ['a.example'] });
/** What a record names, and which usages accept it: the root is trusted, and sent with the rest. */
const NAMED = [
  { what: 'the leaf', der: leaf, accepting: [3, 1] },
  { what: 'the intermediate', der: middle.der, accepting: [2, 0] },
  { what: 'the root', der: root.der, accepting: [2, 0] },
  { what: 'another leaf', der: other.der[0]!, accepting: [] },
  { what: 'another authority', der: stranger.der, accepting: [] },
] as const;
for (const usage of [0, 1, 2, 3])
  for (const selector of [0, 1])
    for (const matching of [0, 1, 2])
      test(`${usage} ${selector} ${matching} matches what its usage is about, and nothing else (RFC 6698 §2.1)`, () => {
        const numbers = `${usage} ${selector} ${matching}`;
        for (const { what, der, accepting } of NAMED) {
          const record = tlsa(numbers, der);
          const match = trustsRoot.validateDane({ der: [...issued.der, root.der] }, [record], NOW);
          const isRight = (accepting as readonly number[]).includes(usage);
          assert.equal(match.kind, isRight ? 'matched' : 'unmatched', what);
          if (match.kind === 'matched') assert.equal(match.record, record);
        }
      });

// ---- usage 3 --------------------------------------------------------------------------------------------------------

const weak = root.certify({
  subject: 'weak',
  publicKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
  extensions: [],
});
const dsa = root.certify({
  subject: 'dsa',
  publicKey: generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey,
  extensions: [],
});
const selfSigned = stranger.certify({
  subject: stranger.name,
  publicKey: new X509Certificate(stranger.der).publicKey,
  extensions: [],
});
const ANYTHING = [
  ['expired', middle.issue({ dnsNames: ['a.example'], ...EXPIRED }).der[0]!],
  ['not yet valid', middle.issue({ dnsNames: ['a.example'], ...NOT_YET }).der[0]!],
  ['of another name', middle.issue({ dnsNames: ['elsewhere.example'] }).der[0]!],
  ['without a name', middle.issue({ commonName: '' }).der[0]!],
  ['self-signed', selfSigned],
  ['of an authority', stranger.der],
  ['for clients only', middle.issue({ dnsNames: ['a.example'], eku: ['clientAuth'] }).der[0]!],
  ['with an RSA key of 1024 bits', weak],
  ['with a DSA key', dsa],
  ['with a P-256 key', leaf],
  ['with an Ed25519 key', middle.issue({ dnsNames: ['a.example'], keyType: 'ed25519' }).der[0]!],
  [
    'with a critical extension that nobody knows',
    recertify(root, stranger, [extension('1.3.6.1.4.1.1', Buffer.of(5, 0))]),
  ],
  ['whose signature is broken', tampered(leaf)],
] as const;
for (const [what, der] of ANYTHING)
  test(`usage 3 is about the leaf alone, be it ${what} (RFC 7671 §5.1, RFC 7673 §4.2)`, () => {
    for (const numbers of ['3 0 0', '3 0 1', '3 0 2', '3 1 0', '3 1 1', '3 1 2']) {
      const record = tlsa(numbers, der);
      const expected = { kind: 'matched', record, notAfterMs: null };
      assert.deepEqual(trustsNobody.validateDane({ der: [der] }, [record], NOW), expected);
      // Certificates after it are not checked.
      assert.deepEqual(trustsNobody.validateDane({ der: [der, Buffer.from('rubbish')] }, [record], NOW), expected);
    }
  });

/** Changes a bit inside the signature, so that the DER stays well formed. */
function tampered(der: Buffer): Buffer {
  const copy = Buffer.from(der);
  copy[copy.length - 3]! ^= 1;
  return copy;
}

// ---- usages 0 to 2: dates, signatures, keys, constraints ------------------------------------------------------------

const shortLived = root.intermediate({ name: 'Short', notBefore: NOW - DAY_MS, notAfter: NOW + DAY_MS });
const withExpired = root.intermediate({ name: 'Expired', ...EXPIRED });
const noPathBelow = root.intermediate({ name: 'Last', pathLength: 0 });
const limited = root.intermediate({ name: 'Limited', permittedDnsNames: ['hosted.example'] });
const pretender = createCertificateAuthority({ name: 'Pretender' });
const caFalse = recertify(root, pretender, [extension('2.5.29.19', sequence())]);

/** Chains whose second certificate is asserted by a record, and the error of each. */
const BROKEN: readonly (readonly [string, readonly Buffer[], string])[] = [
  ['an expired leaf', middle.issue({ dnsNames: ['a.example'], ...EXPIRED }).der, 'certificate-expired'],
  ['a leaf of tomorrow', middle.issue({ dnsNames: ['a.example'], ...NOT_YET }).der, 'certificate-not-yet-valid'],
  ['an expired authority', withExpired.issue({ dnsNames: ['a.example'] }).der, 'certificate-expired'],
  ['a signature that does not hold', [tampered(leaf), middle.der], 'bad-signature'],
  ['an authority that is none', [pretender.issue({ dnsNames: ['a.example'] }).der[0]!, caFalse], 'invalid-ca'],
  ['a leaf that is an authority', middle.issue({ dnsNames: ['a.example'], ca: true }).der, 'invalid-purpose'],
  ['a leaf for clients only', middle.issue({ dnsNames: ['a.example'], eku: ['clientAuth'] }).der, 'invalid-purpose'],
  ['a weak key', [weakUnder(middle), middle.der], 'weak-key'],
  ['a name outside the constraints', limited.issue({ dnsNames: ['a.example'] }).der, 'name-constraint-violation'],
  ['an SRVName outside them', limitedSrvName(), 'name-constraint-violation'],
  ['a certificate that is none', [leaf, middle.der, Buffer.from('rubbish')], 'malformed'],
];
for (const [what, chain, condition] of BROKEN)
  test(`${what} is refused by usages 0, 1 and 2 alike: ${condition} (RFC 7671 §5.2 to §5.4)`, () => {
    for (const numbers of ['0 0 1', '0 1 1', '2 0 0', '2 0 1', '2 1 0', '2 1 1'])
      assert.equal(ask(chain, [tlsa(numbers, chain[1]!)], trustsRoot), condition, numbers);
    for (const numbers of ['1 0 1', '1 1 1'])
      assert.equal(ask(chain, [tlsa(numbers, chain[0]!)], trustsRoot), condition, numbers);
    const [record] = [tlsa('2 0 1', chain[1]!)];
    const text = textOf(trustsRoot.validateDane({ der: chain }, [record], NOW));
    assert.match(
      text,
      /^TLSA 2 0 1 [0-9a-f]{16}… wants a valid path, and there is none: .+\(certificate \d of the chain\)$/,
    );
  });

function weakUnder(authority: CertificateAuthority): Buffer {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return authority.certify({ subject: 'weak', publicKey, extensions: [] });
}
function limitedSrvName(): readonly Buffer[] {
  return limited.issue({ dnsNames: ['hosted.example'], srvNames: ['_xmpp-server.victim.example'] }).der;
}

test('names are no matter of the comparison: who asked checks them (RFC 7671 §5.2)', () => {
  const { der } = middle.issue({ dnsNames: ['elsewhere.example'] });
  for (const record of [tlsa('2 0 1', middle.der), tlsa('0 0 1', middle.der), tlsa('1 0 1', der[0]!)])
    assert.equal(ask(der, [record], trustsRoot), formatTlsa(record).slice(0, 5));
});

for (const keyType of ['ec', 'rsa', 'ed25519'] as const)
  test(`a path of ${keyType} keys is as good as any, in every usage`, () => {
    const top = createCertificateAuthority({ name: `Root ${keyType}`, keyType });
    const below = top.intermediate({ name: `Below ${keyType}`, keyType });
    const { der } = below.issue({ dnsNames: ['a.example'], keyType });
    const trustsTop = trusting([top.certPem]);
    for (const [numbers, named] of [
      ['3 1 1', der[0]!],
      ['2 1 0', below.der],
      ['2 1 1', below.der],
      ['1 1 1', der[0]!],
      ['0 1 1', top.der],
    ] as const)
      assert.equal(ask(der, [tlsa(numbers, named)], trustsTop), numbers);
  });

test('a proof ends with the first certificate of its path, usage 3 with none (RFC 7671 §5)', () => {
  const { der } = shortLived.issue({ dnsNames: ['a.example'] });
  const ends = (record: TlsaRecord): number | null | undefined => {
    const match = trustsRoot.validateDane({ der }, [record], NOW);
    return match.kind === 'matched' ? match.notAfterMs : undefined;
  };
  assert.equal(ends(tlsa('3 0 1', der[0]!)), null);
  for (const [numbers, named] of [
    ['2 0 1', shortLived.der],
    ['1 0 1', der[0]!],
    ['0 0 1', shortLived.der],
    ['0 0 1', root.der],
  ] as const)
    assert.equal(ends(tlsa(numbers, named)), NOW + DAY_MS, numbers);
  // Certificates above the asserted authority do not count.
  const lasting = createCertificateAuthority({ name: 'Ends soon', notAfter: NOW + DAY_MS }).intermediate({
    name: 'Lasts',
  });
  const chain = lasting.issue({ dnsNames: ['a.example'] }).der;
  const match = trustsNobody.validateDane({ der: chain }, [tlsa('2 0 1', lasting.der)], NOW + 2 * DAY_MS);
  assert.equal(match.kind === 'matched' && match.notAfterMs, Date.UTC(2049, 11, 31));
});

// ---- usage 2: the authority that DNS asserts ------------------------------------------------------------------------

test('usage 2 asks no local trust anchor, usages 0 and 1 do (RFC 7671 §5.2.2, RFC 6698 §2.1.1)', () => {
  const records = ['0', '1', '2'].map((usage) => tlsa(`${usage} 0 1`, usage === '1' ? leaf : middle.der));
  const answers = records.map((record) => ask(issued.der, [record], trustsNobody));
  assert.deepEqual(answers, ['unknown-issuer', 'unknown-issuer', '2 0 1']);
});

test('an authority that was not sent is not found by its digest, and the text says who has to move (RFC 7671 §5.2.2)', () => {
  for (const numbers of ['2 0 1', '2 0 2', '2 1 1', '2 1 2']) {
    assert.equal(ask(issued.der, [tlsa(numbers, root.der)], trustsRoot), 'no-tlsa-match');
    const text = textOf(trustsRoot.validateDane({ der: issued.der }, [tlsa(numbers, root.der)], NOW));
    assert.match(text, /none of the 2 certificates sent is one: a server has to send it \(RFC 7671 §5\.2\.2\)/);
    assert.match(
      textOf(trustsRoot.validateDane({ der: [leaf] }, [tlsa(numbers, root.der)], NOW)),
      /no authority was sent/,
    );
    assert.equal(ask([...issued.der, root.der], [tlsa(numbers, root.der)]), numbers);
  }
});

test('`2 0 0` works from DNS alone, also where the server sends nothing but its own (RFC 7671 §5.2.2)', () => {
  assert.equal(ask(issued.der, [tlsa('2 0 0', root.der)]), '2 0 0');
  assert.equal(ask([leaf], [tlsa('2 0 0', middle.der)]), '2 0 0');
  assert.equal(ask([leaf], [tlsa('2 0 0', root.der)]), 'unknown-issuer');
  assert.equal(ask(issued.der, [tlsa('2 0 0', stranger.der)]), 'unknown-issuer');
  assert.equal(ask(issued.der, [tlsa('2 0 0', recertify(root, middle))]), 'invalid-ca');
});

test('an authority in full brings its constraints with it (RFC 7671 §5.2.1)', () => {
  const tooDeep = noPathBelow
    .intermediate({ name: 'One too many' })
    .issue({ dnsNames: ['a.example'] })
    .der.slice(0, 2);
  assert.equal(ask(tooDeep, [tlsa('2 0 0', noPathBelow.der)]), 'path-length-exceeded');
  assert.equal(
    ask([noPathBelow.issue({ dnsNames: ['a.example'] }).der[0]!], [tlsa('2 0 0', noPathBelow.der)]),
    '2 0 0',
  );
});

test('`2 1 0` whose certificate was not sent: the key has signed the topmost one (RFC 7671 §5.2.3)', () => {
  assert.equal(ask(issued.der, [tlsa('2 1 0', root.der)]), '2 1 0');
  assert.equal(ask([leaf], [tlsa('2 1 0', middle.der)]), '2 1 0');
  assert.equal(ask([leaf], [tlsa('2 1 0', root.der)]), 'no-tlsa-match');
  assert.equal(ask(issued.der, [tlsa('2 1 0', stranger.der)]), 'no-tlsa-match');
  assert.equal(ask([tampered(leaf)], [tlsa('2 1 0', middle.der)]), 'no-tlsa-match');
  assert.equal(ask([leaf, tampered(middle.der)], [tlsa('2 1 0', root.der)]), 'no-tlsa-match');
});

test('under a bare key the rest of the chain is validated: dates, authorities, signatures (RFC 7671 §5.2.3)', () => {
  const key = tlsa('2 1 0', root.der);
  assert.equal(ask(withExpired.issue({ dnsNames: ['a.example'] }).der, [key]), 'certificate-expired');
  assert.equal(ask([root.issue({ dnsNames: ['a.example'], ...EXPIRED }).der[0]!], [key]), 'certificate-expired');
  assert.equal(ask([tampered(leaf), middle.der], [key]), 'bad-signature');
  assert.equal(ask([other.der[0]!, middle.der], [key]), 'unknown-issuer');
  assert.equal(ask([root.issue({ dnsNames: ['a.example'], ca: true }).der[0]!], [key]), 'no-tlsa-match');
  assert.equal(ask([pretender.issue({ dnsNames: ['a.example'] }).der[0]!, caFalse], [key]), 'no-tlsa-match');
});

test('where the certificate of the key was sent, that one is the authority, with its constraints (RFC 7671 §5.2.3)', () => {
  const key = tlsa('2 1 0', noPathBelow.der);
  const tooDeep = noPathBelow.intermediate({ name: 'One too many' }).issue({ dnsNames: ['a.example'] }).der;
  assert.equal(tooDeep.length, 3);
  assert.equal(ask(tooDeep, [key]), 'path-length-exceeded');
});

test('the leaf is no authority of its own: what names it is usage 3 (RFC 6698 §2.1.1)', () => {
  for (const numbers of ['2 0 0', '2 0 1', '2 1 1']) {
    assert.equal(ask([selfSigned], [tlsa(numbers, selfSigned)]), 'tlsa-wrong-usage');
    assert.equal(ask([stranger.der], [tlsa(numbers, stranger.der)]), 'tlsa-wrong-usage');
    assert.equal(ask([stranger.der, stranger.der], [tlsa(numbers, stranger.der)]), 'tlsa-wrong-usage');
  }
});

test('an authority made by hand is asserted as well as one that keeps to the profile, unless all are asked', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const notCritical = sequence(oid('2.5.29.19'), octetString(sequence(derBoolean(true))));
  const handMade = recertify(root, pretender, [notCritical]);
  const chain = [pretender.certify({ subject: 'a.example', publicKey, extensions: [] }), handMade];
  assert.equal(ask(chain, [tlsa('2 0 1', handMade)]), '2 0 1');
  assert.equal(ask(chain, [tlsa('2 0 1', handMade)], trusting([], { profile: 'all' })), 'profile-violation');
});

// ---- usage 0: authorities above and beside the first anchor ---------------------------------------------------------

test('the path goes on past a trusted intermediate until a record matches (RFC 7671 §5.4)', () => {
  const low = middle.intermediate({ name: 'Low' });
  const chain = low.issue({ dnsNames: ['a.example'] }).der;
  const all = trusting([low.certPem, middle.certPem, root.certPem]);
  for (const authority of [low, middle, root]) {
    assert.equal(ask(chain, [tlsa('0 0 1', authority.der)], all), '0 0 1', authority.name);
    assert.equal(
      ask(chain.slice(0, 1), [tlsa('0 1 1', authority.der)], all),
      '0 1 1',
      `${authority.name}, nothing sent`,
    );
  }
  assert.equal(ask(chain, [tlsa('0 0 1', stranger.der)], all), 'no-tlsa-match');
  // A path must end in a trust anchor: the root is known, but not trusted.
  assert.equal(ask([...chain, root.der], [tlsa('0 0 1', root.der)], trusting([low.certPem])), 'no-tlsa-match');
});

test('a record may name the other root of a cross-certified authority (RFC 6698 §2.1.1)', () => {
  const old = createCertificateAuthority({ name: 'Old root' });
  const crossed = recertify(old, root, [caTrue]);
  const both = trusting([root.certPem, old.certPem]);
  const chain = [...issued.der, crossed];
  for (const named of [root.der, old.der, crossed, middle.der])
    assert.equal(ask(chain, [tlsa('0 0 1', named)], both), '0 0 1');
  assert.equal(ask(issued.der, [tlsa('0 0 1', old.der)], both), 'no-tlsa-match');
});

test('a leaf that the operator named has an authority only where a path has one (RFC 7671 §5.4)', () => {
  const named = trusting([issued.certPem]);
  assert.equal(ask(issued.der, [tlsa('1 0 1', leaf)], named), '1 0 1');
  assert.equal(ask(issued.der, [tlsa('0 0 1', middle.der)], named), 'no-tlsa-match');
  assert.equal(ask(issued.der, [tlsa('0 0 1', middle.der)], trusting([issued.certPem, root.certPem])), '0 0 1');
});

// ---- sets of several records ----------------------------------------------------------------------------------------

test('one record that matches is enough, and is the one that is told: usage 3 before 2, 1 and 0', () => {
  const all = [tlsa('0 0 1', root.der), tlsa('1 0 1', leaf), tlsa('2 0 1', middle.der), tlsa('3 0 1', leaf)];
  for (let usage = 3; usage >= 0; usage -= 1) {
    const records = all.slice(0, usage + 1);
    assert.equal(ask(issued.der, records, trustsRoot), `${usage} 0 1`);
    assert.equal(ask(issued.der, records.toReversed(), trustsRoot), `${usage} 0 1`);
  }
  const useless = ['3 1 1', '3 0 2', '2 0 1', '2 0 0', '1 1 1'].map((numbers) => tlsa(numbers, stranger.der));
  assert.equal(ask(issued.der, [...useless, tlsa('0 0 1', root.der)], trustsRoot), '0 0 1');
  assert.equal(ask(issued.der, [...useless, tlsa('3 1 2', leaf)]), '3 1 2');
});

test('a usage whose path does not hold leaves the others to try', () => {
  const { der } = middle.issue({ dnsNames: ['a.example'], ...EXPIRED });
  const expired = [tlsa('2 0 1', middle.der), tlsa('1 0 1', der[0]!), tlsa('0 0 1', root.der)];
  assert.equal(ask(der, expired, trustsRoot), 'certificate-expired');
  assert.equal(ask(der, [...expired, tlsa('3 1 1', der[0]!)], trustsRoot), '3 1 1');
  // Asserted by DNS and expired in that certificate, but valid under the root that is trusted here.
  const dead = recertifyExpired(middle);
  assert.equal(ask([leaf, dead, middle.der], [tlsa('2 0 1', dead), tlsa('1 0 1', leaf)], trustsRoot), '1 0 1');
});

function recertifyExpired(authority: CertificateAuthority): Buffer {
  const publicKey = new X509Certificate(authority.der).publicKey;
  return root.certify({ subject: authority.name, publicKey, extensions: [caTrue], ...EXPIRED });
}

test('records that nothing can be compared with are left out, and alone they are said to be so (RFC 6698 §4.1)', () => {
  const unusable = [
    { ...tlsa('3 1 1', leaf), usage: 7 },
    { ...tlsa('3 1 1', leaf), matching: 2 },
    { usage: -1, selector: -1, matching: -1, data: '' },
  ];
  assert.equal(ask(issued.der, unusable), 'no-usable-tlsa');
  assert.equal(ask(issued.der, []), 'no-usable-tlsa');
  assert.equal(ask(issued.der, [...unusable, tlsa('3 1 1', leaf)]), '3 1 1');
});

test('a stronger digest of one owner does not silence a weaker one of another (RFC 7671 §9)', () => {
  assert.equal(ask(issued.der, [tlsa('3 1 2', stranger.der), tlsa('3 1 1', leaf)]), '3 1 1');
});

// ---- the answer where nothing matches -------------------------------------------------------------------------------

test('the text names what the certificate is and what the records want', () => {
  const wants = [tlsa('3 1 1', stranger.der), tlsa('3 1 1', middle.issue({}).der[0]!)];
  const text = textOf(trustsRoot.validateDane({ der: issued.der }, wants, NOW));
  assert.ok(text.startsWith(`the certificate is ${formatTlsa(tlsa('3 1 1', leaf))}; the TLSA records want 3 1 1 `));
  for (const { data } of wants) assert.ok(text.includes(`3 1 1 ${data.slice(0, 16)}…`));
});

test('the text stays short, however many records and however long', () => {
  const many = Array.from({ length: 40 }, () => tlsa('3 0 0', middle.issue({ dnsNames: ['b.example'] }).der[0]!));
  const text = textOf(trustsRoot.validateDane({ der: issued.der }, many, NOW));
  assert.match(text, / and 37 more$/);
  assert.ok(text.length <= 500);
});

test('a record that names the right certificate in the wrong role is told so', () => {
  const told = (record: TlsaRecord): string => textOf(trustsRoot.validateDane({ der: issued.der }, [record], NOW));
  assert.match(told(tlsa('3 1 1', middle.der)), /names an authority of the chain, for which the usage is 2$/);
  assert.match(told(tlsa('1 1 1', middle.der)), /names an authority of the chain, for which the usage is 0$/);
  assert.match(told(tlsa('2 1 1', leaf)), /names the server's own certificate, for which the usage is 3$/);
  assert.match(told(tlsa('0 1 1', leaf)), /names the server's own certificate, for which the usage is 1$/);
});

test('a digest under the wrong selector is told so', () => {
  const mixedUp = { ...tlsa('3 1 1', leaf), selector: 0 };
  assert.equal(ask(issued.der, [mixedUp]), 'tlsa-wrong-selector');
  const text = textOf(trustsRoot.validateDane({ der: issued.der }, [mixedUp], NOW));
  assert.match(text, /is that of a public key, for which the selector is 1$/);
  assert.equal(ask(issued.der, [{ ...tlsa('2 0 1', middle.der), selector: 1 }]), 'tlsa-wrong-selector');
});

test('nothing presented, garbage and over-long certificates are answers, not exceptions', () => {
  const record = tlsa('3 1 1', leaf);
  assert.equal(ask([], [record]), 'no-certificate');
  assert.equal(ask([Buffer.from('hello')], [record]), 'no-tlsa-match');
  assert.equal(ask([Buffer.alloc(65_537)], [record]), 'certificate-too-large');
  assert.equal(ask([Buffer.from('hello')], [tlsa('2 0 0', root.der)]), 'malformed');
  // The SHA-256 of no octets must not match a certificate without a key.
  const empty = parseTlsa('3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(ask([Buffer.from('hello')], [empty!]), 'no-tlsa-match');
  assert.equal(ask([Buffer.concat([leaf, Buffer.of(0)])], [record]), 'no-tlsa-match');
});

test('a closed validator compares nothing', () => {
  const closed = createPathValidator({ system: false, anchors: [] });
  closed.close();
  assert.throws(() => closed.validateDane({ der: [leaf] }, [tlsa('3 1 1', leaf)], NOW), TypeError);
});
