import assert from 'node:assert/strict';
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { certificateNames } from '../../src/adapters/dna/certificate-names.ts';
import { writeCarriage } from '../../src/adapters/dna/attribute-cert/carriage.ts';
import { DELEGATION_ATTRIBUTES } from '../../src/adapters/dna/attribute-cert/certificate.ts';
import { issueAttributeCertificate } from '../../src/adapters/dna/attribute-cert/issue.ts';
import type { DelegationOrder } from '../../src/adapters/dna/order.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { dnaProofLimits } from '../../src/protocol/dna-conditions.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import {
  bitString,
  contextTag,
  derBoolean,
  integer,
  octetString,
  oid,
  sequence,
  set,
  tagged,
} from '../../src/adapters/der-writer.ts';
import {
  answer,
  authority,
  claimOf,
  createJudge,
  DAY_MS,
  NOW,
  otherOwner,
  otherProvider,
  owner,
  ownerWith,
  provider,
  root,
  stranger,
} from '../support/dna-proofs.ts';

const judge = createJudge();
after(() => judge.close());

const order: DelegationOrder = {
  domain: 'a.example',
  service: 'xmpp-server',
  signer: owner,
  provider: { certificate: provider.certPem },
  notBeforeMs: NOW - 60_000,
};
const issue = (rest: Partial<DelegationOrder> = {}): string => issueAttributeCertificate({ ...order, ...rest });
const check = async (data: string, rest: Parameters<typeof claimOf>[2] = {}, atMs = NOW): Promise<string> =>
  answer(await judge.check(claimOf('attribute-cert', data, rest), atMs));

test('A10: an attribute certificate proves the domain that delegates by it, with evidence and an end (RFC 5755 §5)', async () => {
  const verdict = await judge.check(claimOf('attribute-cert', issue({ serial: '0102ff' })));
  const sha256 = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex');
  assert.deepEqual(verdict, {
    kind: 'proved',
    prooftype: 'attribute-cert',
    strength: 'strong',
    evidence: {
      sha256: sha256(provider.der[0]!),
      signerSha256: sha256(owner.der[0]!),
      signerBy: 'dNSName',
      signerIdentifier: 'a.example',
      signerAnchorSha256: sha256(root.der),
      algorithm: 'ecdsa-with-SHA256',
      serial: '0102ff',
      holder: 'publicKeyCert',
      auditIdentity: null,
    },
    expiresAtMs: NOW - 60_000 + 7 * DAY_MS,
  });
});

for (const keyType of ['rsa', 'ed25519', 'ec'] as const)
  test(`A10: a domain may sign with a key of type ${keyType}`, async () => {
    assert.equal(await check(issue({ signer: ownerWith(keyType) })), 'proved');
  });

test('A10: it may name the key of the provider instead of its certificate (RFC 5755 §7.3)', async () => {
  const publicKey = new X509Certificate(provider.certPem).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const proof = issue({ provider: { publicKey } });
  assert.equal(await check(proof), 'proved');
  assert.equal(await check(proof, { chain: { der: otherProvider.der } }), 'holder-mismatch');
});

test('A10: it serves for this domain, this service and this certificate only (S3)', async () => {
  assert.equal(await check(issue(), { domain: 'c.example' }), 'domain-mismatch');
  assert.equal(await check(issue(), { domain: 'sub.a.example' }), 'domain-mismatch');
  assert.equal(await check(issue(), { service: 'xmpp-client' }), 'service-mismatch');
  assert.equal(await check(issue({ service: 'xmpp-client' }), { service: 'xmpp-client' }), 'proved');
  assert.equal(await check(issue(), { chain: { der: otherProvider.der } }), 'holder-mismatch');
  assert.equal(await check(issue(), { chain: { der: [] } }), 'no-certificate');
  assert.equal(await check(issue(), { domain: 'A.Example.' }), 'proved');
});

test('A10: both ends of its life are included, and nothing beyond (RFC 5755 §5, 5)', async () => {
  const proof = issue({ notBeforeMs: NOW, lifetimeMs: 3_600_000 });
  assert.equal(await check(proof, {}, NOW - 1), 'proof-not-yet-valid');
  assert.equal(await check(proof, {}, NOW), 'proved');
  assert.equal(await check(proof, {}, NOW + 3_600_999), 'proved');
  assert.equal(await check(proof, {}, NOW + 3_601_000), 'proof-expired');
});

test('A10: the proof ends with the first of its certificates', async () => {
  const soon = NOW + 3_600_000;
  const shortOwner = authority.issue({ dnsNames: ['a.example'], notAfter: soon });
  const shortProvider = authority.issue({ dnsNames: ['x.example'], notAfter: soon });
  for (const [data, chain] of [
    [issue({ signer: shortOwner }), { der: provider.der }],
    [issue({ provider: { certificate: shortProvider.certPem } }), { der: shortProvider.der }],
  ] as const) {
    const verdict = await judge.check(claimOf('attribute-cert', data, { chain }));
    assert.equal(verdict.kind === 'proved' && verdict.expiresAtMs, soon);
  }
});

test('A10: who signs must be certified for the domain, by an authority that is trusted (RFC 5755 §5, 2 and 4)', async () => {
  // The issuer would refuse these: made by hand.
  const by = (signer: typeof owner): string => craft({ signer });
  assert.equal(await check(by(owner)), 'proved');
  assert.equal(await check(by(otherOwner)), 'signer-name-mismatch');
  assert.equal(await check(by(authority.issue({ dnsNames: ['www.a.example'] }))), 'signer-name-mismatch');
  assert.equal(await check(by(authority.issue({ dnsNames: [], commonName: 'a.example' }))), 'signer-name-mismatch');
  assert.equal(await check(by(stranger.issue({ dnsNames: ['a.example'] }))), 'signer-path-invalid');
  assert.equal(
    await check(by(authority.issue({ dnsNames: ['a.example'], eku: ['clientAuth'] }))),
    'signer-path-invalid',
  );
  assert.equal(
    await check(by(authority.issue({ dnsNames: ['a.example'], notAfter: NOW - 1000 }))),
    'signer-path-invalid',
  );
  assert.equal(await check(by(authority.issue({ dnsNames: ['a.example'], ca: true }))), 'signer-path-invalid');
  assert.equal(await check(by(authority.issue({ dnsNames: ['*.example'] }))), 'proved');
  assert.equal(await check(by(authority.issue({ srvNames: ['_xmpp-server.a.example'] }))), 'proved');
  assert.equal(await check(by(authority.issue({ srvNames: ['_xmpp-client.a.example'] }))), 'signer-name-mismatch');
});

test('A10: an authority is no issuer of attribute certificates, even if it is trusted itself (RFC 5755 §4.5)', async () => {
  const anchor = createCertificateAuthority({ name: 'Alone' }).issue({ dnsNames: ['a.example'], ca: true });
  const trusting = createJudge({}, [root.certPem, anchor.certPem]);
  try {
    const claim = claimOf('attribute-cert', craft({ signer: anchor }));
    assert.equal(answer(await trusting.check(claim)), 'signer-key-usage');
  } finally {
    trusting.close();
  }
});

test('A10: what the far end shows in TLS must be certified too, for whomever (RFC 5755 §5, 1)', async () => {
  const unknown = stranger.issue({ dnsNames: ['xmpp.provider.example'] });
  const proof = issue({ provider: { certificate: unknown.certPem } });
  assert.equal(await check(proof, { chain: { der: unknown.der } }), 'provider-certificate-invalid');
});

test('A10: not an octet may be changed', async () => {
  const octets = Buffer.from(issue(), 'base64');
  const outcomes = new Map<string, number>();
  for (let at = 0; at < octets.length; at += 7) {
    const changed = Buffer.from(octets);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    const outcome = await check(changed.toString('base64'));
    assert.notEqual(outcome, 'proved', `octet ${at}`);
    assert.notEqual(outcome, 'internal-error', `octet ${at}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  assert.ok((outcomes.get('signature-invalid') ?? 0) > 0, JSON.stringify([...outcomes]));
});

test('A10: the signature is one of the key that the certificate of the signer has', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(await check(craft({ key: privateKey })), 'signature-invalid');
  assert.equal(await check(craft({ signature: Buffer.alloc(0) })), 'signature-invalid');
  assert.equal(await check(craft({ signature: randomBytes(64) })), 'signature-invalid');
});

test('A10: the list of algorithms is closed (docs/delegation-proofs.md §4.3)', async () => {
  const algorithms = {
    sha1WithRsa: sequence(oid('1.2.840.113549.1.1.5'), NULL),
    md5WithRsa: sequence(oid('1.2.840.113549.1.1.4'), NULL),
    ecdsaWithSha1: sequence(oid('1.2.840.10045.4.1')),
    none: sequence(),
    rsaForEcKey: sequence(oid('1.2.840.113549.1.1.11'), NULL),
    withParameters: sequence(oid('1.2.840.10045.4.3.2'), NULL),
  };
  for (const [name, algorithm] of Object.entries(algorithms))
    assert.equal(await check(craft({ algorithm })), 'algorithm-unsupported', name);
  const inner = sequence(oid('1.2.840.10045.4.3.3'));
  assert.equal(await check(craft({ innerAlgorithm: inner })), 'proof-malformed');
  const sha1Holder = holder({ algorithm: sequence(oid('1.3.14.3.2.26')) });
  assert.equal(await check(craft({ holder: sha1Holder })), 'algorithm-unsupported');
  assert.equal(await check(craft({ holder: holder({ algorithm: sequence(oid(SHA256), NULL) }) })), 'proved');
});

test('A10: it lives for seven days at most, in place of revocation', async () => {
  const lasting = (ms: number) => craft({ notBefore: NOW, notAfter: NOW + ms });
  assert.equal(await check(lasting(7 * DAY_MS)), 'proved');
  assert.equal(await check(lasting(7 * DAY_MS + 1000)), 'lifetime-too-long');
  assert.equal(await check(lasting(-1000)), 'proof-malformed');
});

test('A10: an unknown critical extension is refused, another is not looked at (RFC 5755 §5, 7)', async () => {
  const unknown = '2.5.29.99';
  assert.equal(
    await check(craft({ extensions: [noRevAvail, extension(unknown, NULL, true)] })),
    'extension-unsupported',
  );
  assert.equal(await check(craft({ extensions: [noRevAvail, extension(unknown, NULL)] })), 'proved');
  assert.equal(await check(craft({ extensions: [noRevAvail, noRevAvail] })), 'proof-malformed');
  // FALSE is the default, which DER does not encode.
  const explicitFalse = sequence(oid(unknown), derBoolean(false), octetString(NULL));
  assert.equal(await check(craft({ extensions: [noRevAvail, explicitFalse] })), 'proof-malformed');
});

test('A10: revocation is never looked for, so it must say that there is none (RFC 5755 §6)', async () => {
  const pointers = [extension('2.5.29.31', sequence()), extension('1.3.6.1.5.5.7.1.1', sequence())];
  assert.equal(await check(craft({ extensions: null })), 'revocation-unsupported');
  assert.equal(await check(craft({ extensions: [] })), 'revocation-unsupported');
  for (const pointer of pointers) {
    assert.equal(await check(craft({ extensions: [pointer] })), 'revocation-unsupported');
    assert.equal(await check(craft({ extensions: [noRevAvail, pointer] })), 'revocation-unsupported');
  }
  assert.equal(await check(craft({ extensions: [extension('2.5.29.56', integer(Buffer.of(1)))] })), 'proof-malformed');
});

test('A10: one that is meant for certain servers is refused by all others (RFC 5755 §4.3.2)', async () => {
  const target = (name: string, n = 0) => contextTag(n, contextTag(2, Buffer.from(name), { constructed: false }));
  const targeted = (...targets: Buffer[]) =>
    craft({ extensions: [noRevAvail, extension('2.5.29.55', sequence(sequence(...targets)), true)] });
  const proof = targeted(target('other.example'), target('XMPP.b.example'));
  assert.equal(await check(proof), 'not-targeted');
  const here = createJudge({ isOurs: (hostName) => hostName === 'xmpp.b.example' });
  try {
    assert.equal(answer(await here.check(claimOf('attribute-cert', proof))), 'proved');
    for (const elsewhere of [targeted(target('other.example')), targeted(target('xmpp.b.example', 1)), targeted()])
      assert.equal(answer(await here.check(claimOf('attribute-cert', elsewhere))), 'not-targeted');
    const targetCert = targeted(target('xmpp.b.example'), contextTag(2, sequence()));
    assert.equal(answer(await here.check(claimOf('attribute-cert', targetCert))), 'proof-malformed');
  } finally {
    here.close();
  }
});

test('A10: the audit identity, which is critical, is told and otherwise left alone (RFC 5755 §4.3.1)', async () => {
  const audited = (octets: Buffer) =>
    craft({ extensions: [noRevAvail, extension('1.3.6.1.5.5.7.1.4', octetString(octets), true)] });
  const verdict = await judge.check(claimOf('attribute-cert', audited(Buffer.of(1, 2))));
  assert.equal(verdict.kind === 'proved' && verdict.evidence['auditIdentity'], '0102');
  assert.equal(await check(audited(Buffer.alloc(21))), 'proof-malformed');
});

test('A10: the issuer is the subject of one certificate of the set, and the key identifier its (RFC 5755 §4.2.3, §4.3.3)', async () => {
  const { subject, keyIdentifier } = certificateNames(owner.der[0]!);
  const identifier = (octets: Buffer) =>
    extension('2.5.29.35', sequence(contextTag(0, octets, { constructed: false })));
  assert.equal(await check(craft({ issuer: certificateNames(otherOwner.der[0]!).subject })), 'signer-not-found');
  assert.equal(await check(craft({ extensions: [noRevAvail, identifier(keyIdentifier!)] })), 'proved');
  assert.equal(await check(craft({ extensions: [noRevAvail, identifier(Buffer.alloc(20))] })), 'signer-not-found');
  // Two certificates with the same subject: the key identifier decides, and without it the signer is not found.
  const namesake = ownerWith('ec');
  const certificates = [...owner.der, namesake.der[0]!];
  assert.equal(await check(craft({ certificates })), 'signer-not-found');
  assert.equal(await check(craft({ certificates, extensions: [noRevAvail, identifier(keyIdentifier!)] })), 'proved');
  // v1Form, two names, and an empty name.
  const name = contextTag(4, subject);
  for (const form of [
    sequence(name),
    contextTag(0, sequence(name, name)),
    contextTag(0, sequence(contextTag(4, sequence()))),
  ])
    assert.equal(await check(craft({ issuerForm: form })), 'proof-malformed');
});

test('A10: several domains may be delegated at once, each of which its signer must be certified for (RFC 5755 §4.2.7)', async () => {
  const both = authority.issue({ dnsNames: ['a.example', 'c.example'] });
  const attributes = [attribute(DELEGATION_ATTRIBUTES['xmpp-server'], 'a.example', 'c.example', 'd.example')];
  const proof = craft({ signer: both, attributes });
  assert.equal(await check(proof), 'proved');
  assert.equal(await check(proof, { domain: 'c.example' }), 'proved');
  assert.equal(await check(proof, { domain: 'd.example' }), 'signer-name-mismatch');
});

test('A10: attributes are read as the profile has them (RFC 5755 §4.2.7)', async () => {
  const type = DELEGATION_ATTRIBUTES['xmpp-server'];
  const delegation = attribute(type, 'a.example');
  const unknown = attribute(Buffer.of(0x2a, 0x03), 'anything');
  assert.equal(await check(craft({ attributes: [unknown, delegation] })), 'proved');
  assert.equal(await check(craft({ attributes: [unknown] })), 'service-mismatch');
  assert.equal(await check(craft({ attributes: [] })), 'service-mismatch');
  assert.equal(await check(craft({ attributes: [delegation, delegation] })), 'proof-malformed');
  assert.equal(await check(craft({ attributes: [attribute(type)] })), 'proof-malformed');
  assert.equal(await check(craft({ attributes: [attribute(type, 'b.example', 'a.example')] })), 'proof-malformed');
  assert.equal(
    await check(craft({ attributes: [sequence(tagged(6, type), set(octetString(Buffer.from('a.example'))))] })),
    'proof-malformed',
  );
});

test('A10: fields that the profile has not, or has otherwise, are malformed (RFC 5755 §4.2)', async () => {
  const cases: Record<string, Crafted> = {
    'version 1': { version: Buffer.of(0) },
    'a negative serial': { serial: Buffer.of(0x80) },
    'a serial of zero': { serial: Buffer.of(0) },
    'a serial of 21 octets': { serial: Buffer.concat([Buffer.of(1), Buffer.alloc(20)]) },
    'a padded serial': { serial: Buffer.of(0, 1) },
    'an issuerUniqueID': { uniqueId: bitString(Buffer.of(1)) },
    'a holder by name': { holder: contextTag(1, contextTag(2, Buffer.from('x'), { constructed: false })) },
    'two kinds of holder': { holder: Buffer.concat([contextTag(1, sequence()), holder({})]) },
    'a holder of another kind': { holder: holder({ type: 2 }) },
    'a hash cut short': { holder: holder({ sha256: Buffer.alloc(31) }) },
    'a local time': { times: ['20261122120000+0100', '20261123120000Z'] },
    'fractions of a second': { times: ['20261122120000.5Z', '20261123120000Z'] },
    'a day that is none': { times: ['20260230120000Z', '20260231120000Z'] },
    'no seconds': { times: ['202611221200Z', '202611231200Z'] },
  };
  for (const [name, crafted] of Object.entries(cases))
    assert.equal(await check(craft(crafted)), 'proof-malformed', name);
  assert.equal(await check(craft({ serial: Buffer.concat([Buffer.of(1), Buffer.alloc(19)]) })), 'proved');
});

test('A10: the container is read as strictly as DER (RFC 5652 §5.1, X.690 §10)', async () => {
  const der = Buffer.from(issue(), 'base64');
  const reading = (octets: Buffer) => check(octets.toString('base64'));
  const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.of(0, 0)]);
  const longLength = Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)]);
  for (const [name, octets] of Object.entries({
    nothing: Buffer.from('AAAA', 'base64'),
    random: randomBytes(600),
    'an indefinite length': indefinite,
    'a length not in its shortest form': longLength,
    'octets behind': Buffer.concat([der, Buffer.of(0)]),
    'cut short': der.subarray(0, -1),
    'another type of content': sequence(oid('1.2.840.113549.1.7.1'), contextTag(0, octetString(der))),
    'a certificate alone': owner.der[0]!,
    'no attribute certificate': container(owner.der),
    'two attribute certificates': container([...owner.der, acOf(der), acOf(der)]),
    'a certificate of another kind': container([...owner.der, acOf(der), contextTag(3, sequence())]),
    'version 1': container([...owner.der, acOf(der)], { version: 1 }),
    signers: container([...owner.der, acOf(der)], { signerInfos: set(sequence()) }),
    content: container([...owner.der, acOf(der)], { content: contextTag(0, octetString(Buffer.of(1))) }),
  }))
    assert.equal(await reading(octets), 'proof-malformed', name);
  assert.equal(await reading(container([...owner.der, acOf(der)])), 'proved');
  assert.equal(await reading(container([acOf(der), ...owner.der].reverse())), 'proved');
});

test('A10: Base64 has one way to write octets, in as many lines as anyone likes (RFC 4648 §3.5, §4)', async () => {
  const proof = issue();
  assert.equal(await check(`\n  ${proof.replace(/.{60}/g, '$&\r\n\t')}\n`), 'proved');
  for (const wrong of ['', '=', '*', `${proof}=`, proof.replace(/=*$/, ''), `-${proof.slice(1)}`, `${proof}AAAA====`])
    if (wrong !== proof) assert.equal(await check(wrong), 'proof-malformed', wrong.slice(-20));
  let padded = '';
  for (let octets = 1; !/[^=]=$/.test(padded); octets = (octets % 19) + 1)
    padded = craft({ serial: Buffer.concat([Buffer.of(1), Buffer.alloc(octets)]) });
  // The unused bits must be zero.
  const loose = padded.replace(/(.)=$/, (_, last: string) => `${ALPHABET[ALPHABET.indexOf(last) + 1] ?? ''}=`);
  assert.equal(await check(padded), 'proved');
  assert.equal(await check(loose), 'proof-malformed');
});

test('A10: a proof is of 16,384 characters and ten certificates at most, and costs no more for being deep', async () => {
  assert.equal(await check('A'.repeat(dnaProofLimits.proofCharacters + 1)), 'proof-too-large');
  assert.equal(await check(`${issue()}${' '.repeat(dnaProofLimits.proofCharacters)}`), 'proof-too-large');
  const der = Buffer.from(issue(), 'base64');
  const filler = stranger.issue({ dnsNames: ['filler.example'] }).der[0]!;
  const many = (count: number, certificate: Buffer): Promise<string> => {
    const fillers = Array.from({ length: count - owner.der.length }, () => certificate);
    return check(container([...owner.der, ...fillers, acOf(der)]).toString('base64'));
  };
  assert.equal(await many(10, filler), 'proved');
  assert.equal(await many(11, filler), 'proof-too-large');
  assert.equal(await many(100, sequence()), 'proof-malformed');
  const deep = deepSequence(11_000);
  assert.equal(await check(deep.toString('base64')), 'proof-malformed');
  assert.equal(await check(container([deep.subarray(-8_000), acOf(der)]).toString('base64')), 'proof-malformed');
  // Deep nesting where nobody looks: in the value of an unknown extension.
  assert.equal(await check(craft({ extensions: [noRevAvail, extension('2.5.29.99', deepSequence(2_000))] })), 'proved');
});

test('A10: whoever issues is told what no reader would accept', () => {
  const refused = (rest: Partial<DelegationOrder>, why: RegExp): void =>
    assert.throws(
      () => issue(rest),
      (thrown) =>
        thrown instanceof FaultError &&
        thrown.fault.condition === 'issuer-unfit' &&
        thrown.fault.origin === 'local' &&
        why.test(thrown.fault.text ?? ''),
      String(why),
    );
  refused({ lifetimeMs: 7 * DAY_MS + 1 }, /seven days/);
  refused({ lifetimeMs: 0 }, /seven days/);
  refused({ domain: 'not a domain' }, /is no domain/);
  refused({ signer: otherOwner }, /names c\.example, not a\.example/);
  refused({ signer: { cert: owner.cert, key: otherOwner.key } }, /not that of its certificate/);
  refused({ signer: { cert: 'no PEM', key: owner.key } }, /certificates of the signer/);
  refused({ signer: { cert: owner.cert, key: 'no PEM' } }, /key of the signer/);
  refused({ signer: authority.issue({ dnsNames: ['a.example'], ca: true }) }, /authority/);
  refused({ signer: authority.issue({ dnsNames: ['a.example'], commonName: '' }) }, /subject of the signer is empty/);
  refused({ provider: { certificate: 'no PEM' } }, /of the provider/);
  refused({ provider: { publicKey: 'no PEM' } }, /of the provider/);
  for (const serial of ['', '00', 'ff', '1', 'xx', '01'.repeat(21)]) refused({ serial }, /serial/);
});

// Certificates that the issuer would not make.

const NULL = Buffer.of(5, 0);
const SHA256 = '2.16.840.1.101.3.4.2.1';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [derBoolean(true)] : []), octetString(value));
}
const noRevAvail = extension('2.5.29.56', NULL);

function attribute(type: Buffer, ...domains: string[]): Buffer {
  return sequence(tagged(6, type), set(...domains.map((domain) => tagged(0x16, Buffer.from(domain)))));
}

function holder({
  type = 1,
  algorithm = sequence(oid(SHA256)),
  sha256 = createHash('sha256').update(provider.der[0]!).digest(),
}): Buffer {
  return contextTag(2, Buffer.concat([tagged(0x0a, Buffer.of(type)), algorithm, bitString(sha256)]));
}

interface Crafted {
  signer?: typeof owner;
  key?: ReturnType<typeof createPrivateKey>;
  signature?: Buffer;
  algorithm?: Buffer;
  innerAlgorithm?: Buffer;
  version?: Buffer;
  holder?: Buffer;
  issuer?: Buffer;
  issuerForm?: Buffer;
  serial?: Buffer;
  notBefore?: number;
  notAfter?: number;
  times?: string[];
  attributes?: Buffer[];
  uniqueId?: Buffer;
  extensions?: Buffer[] | null;
  certificates?: readonly Buffer[];
}

/** An attribute certificate made field by field, correctly signed whatever it contains. */
function craft(fields: Crafted): string {
  const { signer = owner, extensions = [noRevAvail], notBefore = NOW, notAfter = NOW + DAY_MS } = fields;
  const algorithm = fields.algorithm ?? sequence(oid('1.2.840.10045.4.3.2'));
  const digits = (at: number): string => new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  const times = fields.times ?? [digits(notBefore), digits(notAfter)];
  const issuer = fields.issuer ?? certificateNames(signer.der[0]!).subject;
  const info = sequence(
    integer(fields.version ?? Buffer.of(1)),
    sequence(fields.holder ?? holder({})),
    fields.issuerForm ?? contextTag(0, sequence(contextTag(4, issuer))),
    fields.innerAlgorithm ?? algorithm,
    integer(fields.serial ?? Buffer.of(1)),
    sequence(...times.map((time) => tagged(0x18, Buffer.from(time)))),
    sequence(...(fields.attributes ?? [attribute(DELEGATION_ATTRIBUTES['xmpp-server'], 'a.example')])),
    ...(fields.uniqueId === undefined ? [] : [fields.uniqueId]),
    ...(extensions === null ? [] : [sequence(...extensions)]),
  );
  const signature = fields.signature ?? sign('sha256', info, fields.key ?? createPrivateKey(signer.key));
  const contents = Buffer.concat([info, algorithm, bitString(signature)]);
  return writeCarriage(contents, fields.certificates ?? signer.der).toString('base64');
}

/** The attribute certificate in a container, with the tag that it has there. */
function acOf(der: Buffer): Buffer {
  const members = membersOf(der);
  return members.find((member) => member[0] === 0xa2)!;
}

function membersOf(der: Buffer): Buffer[] {
  const inside = (value: Buffer): Buffer[] => {
    const found: Buffer[] = [];
    const header = (at: Buffer): number => 2 + (at[1]! < 0x80 ? 0 : at[1]! & 0x7f);
    const length = (at: Buffer): number => (at[1]! < 0x80 ? at[1]! : at.readUIntBE(2, at[1]! & 0x7f));
    for (let rest = value.subarray(header(value)); rest.length > 0;) {
      const size = header(rest) + length(rest);
      found.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    return found;
  };
  const signedData = inside(inside(der)[1]!)[0]!;
  return inside(inside(signedData)[3]!);
}

function container(
  members: readonly Buffer[],
  {
    version = 4,
    signerInfos = set(),
    content = Buffer.alloc(0),
  }: { version?: number; signerInfos?: Buffer; content?: Buffer } = {},
): Buffer {
  const signedData = sequence(
    integer(Buffer.of(version)),
    set(),
    sequence(oid('1.2.840.113549.1.7.1'), content),
    contextTag(0, Buffer.concat(members)),
    signerInfos,
  );
  return sequence(oid('1.2.840.113549.1.7.2'), contextTag(0, signedData));
}

/** Nested SEQUENCEs, of about this many octets. */
function deepSequence(octets: number): Buffer {
  let deep: Buffer = Buffer.alloc(0);
  while (deep.length < octets) deep = sequence(deep);
  return deep;
}
