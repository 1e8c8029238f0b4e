import assert from 'node:assert/strict';
import {
  constants,
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { after, test } from 'node:test';
import { issueXmlAssertion } from '../../src/adapters/dna/xml-assertion/issue.ts';
import type { DelegationOrder } from '../../src/adapters/dna/order.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { dnaProofLimits } from '../../src/protocol/dna-conditions.ts';
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

const NAMESPACE = 'urn:xmpp:dna:proof:xml-assertion';
const order: DelegationOrder = {
  domain: 'a.example',
  service: 'xmpp-server',
  signer: owner,
  provider: { certificate: provider.certPem },
  notBeforeMs: NOW - 60_000,
};
const issue = (rest: Partial<DelegationOrder> = {}): string => issueXmlAssertion({ ...order, ...rest });
const check = async (data: string, rest: Parameters<typeof claimOf>[2] = {}, atMs = NOW): Promise<string> =>
  answer(await judge.check(claimOf('xml-assertion', data, rest), atMs));
const sha256 = (der: Uint8Array): Buffer => createHash('sha256').update(der).digest();

test('A11: an XML assertion proves the domain that delegates by it, with evidence and an end', async () => {
  assert.deepEqual(await judge.check(claimOf('xml-assertion', issue({ serial: '4a01' }))), {
    kind: 'proved',
    prooftype: 'xml-assertion',
    strength: 'strong',
    evidence: {
      sha256: sha256(provider.der[0]!).toString('hex'),
      signerSha256: sha256(owner.der[0]!).toString('hex'),
      signerBy: 'dNSName',
      signerIdentifier: 'a.example',
      signerAnchorSha256: sha256(root.der).toString('hex'),
      algorithm: 'ES256',
      serial: '4a01',
      holder: 'publicKeyCert',
    },
    expiresAtMs: NOW - 60_000 + 7 * DAY_MS,
  });
});

for (const [keyType, algorithm] of [
  ['rsa', 'PS256'],
  ['ed25519', 'EdDSA'],
  ['ec', 'ES256'],
] as const)
  test(`A11: a domain may sign with a key of type ${keyType}: ${algorithm}`, async () => {
    const verdict = await judge.check(claimOf('xml-assertion', issue({ signer: ownerWith(keyType) })));
    assert.equal(verdict.kind === 'proved' && verdict.evidence['algorithm'], algorithm);
  });

test('A11: it may name the key of the provider instead of its certificate', async () => {
  const publicKey = new X509Certificate(provider.certPem).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const proof = issue({ provider: { publicKey } });
  assert.equal(await check(proof), 'proved');
  assert.equal(await check(proof, { chain: { der: otherProvider.der } }), 'holder-mismatch');
});

test('A11: it serves for this domain, this service and this certificate only (S3)', async () => {
  const both = authority.issue({ dnsNames: ['a.example', 'c.example'] });
  assert.equal(await check(issue({ signer: both }), { domain: 'c.example' }), 'domain-mismatch');
  assert.equal(await check(issue(), { domain: 'c.example' }), 'signer-name-mismatch');
  assert.equal(await check(issue(), { service: 'xmpp-client' }), 'service-mismatch');
  assert.equal(await check(issue({ service: 'xmpp-client' }), { service: 'xmpp-client' }), 'proved');
  assert.equal(await check(issue(), { chain: { der: otherProvider.der } }), 'holder-mismatch');
  assert.equal(await check(issue(), { chain: { der: [] } }), 'no-certificate');
});

test('A11: both ends of its life are included, and it is of seven days at most', async () => {
  const proof = issue({ notBeforeMs: NOW, lifetimeMs: 3_600_000 });
  assert.equal(await check(proof, {}, NOW - 1), 'proof-not-yet-valid');
  assert.equal(await check(proof, {}, NOW), 'proved');
  assert.equal(await check(proof, {}, NOW + 3_600_999), 'proved');
  assert.equal(await check(proof, {}, NOW + 3_601_000), 'proof-expired');
  assert.equal(await check(craft({ statement: { 'not-after': '2026-11-29T12:00:00Z' } })), 'proved');
  assert.equal(await check(craft({ statement: { 'not-after': '2026-11-29T12:00:01Z' } })), 'lifetime-too-long');
  assert.equal(await check(craft({ statement: { 'not-after': '2026-11-22T11:59:59Z' } })), 'proof-malformed');
});

test('A11: who signs must be certified for the domain, by an authority that is trusted', async () => {
  const by = (signer: typeof owner): string => craft({ signer });
  assert.equal(await check(by(owner)), 'proved');
  assert.equal(await check(by(otherOwner)), 'signer-name-mismatch');
  assert.equal(await check(by(authority.issue({ dnsNames: ['www.a.example'] }))), 'signer-name-mismatch');
  assert.equal(await check(by(stranger.issue({ dnsNames: ['a.example'] }))), 'signer-path-invalid');
  assert.equal(
    await check(by(authority.issue({ dnsNames: ['a.example'], notAfter: NOW - 1000 }))),
    'signer-path-invalid',
  );
  assert.equal(await check(by(authority.issue({ dnsNames: ['a.example'], ca: true }))), 'signer-path-invalid');
  // The subject may be empty here, as it now often is in certificates of public authorities.
  assert.equal(await check(issue({ signer: authority.issue({ dnsNames: ['a.example'], commonName: '' }) })), 'proved');
});

test('A11: what the far end shows in TLS must be certified too, for whomever', async () => {
  const unknown = stranger.issue({ dnsNames: ['xmpp.provider.example'] });
  const proof = issue({ provider: { certificate: unknown.certPem } });
  assert.equal(await check(proof, { chain: { der: unknown.der } }), 'provider-certificate-invalid');
});

test('A11: not an octet of the statement may be changed, and a signature is over nothing else', async () => {
  const statement = Buffer.from(statementOf({}));
  const signature = signatureOver(statement);
  for (let at = 0; at < statement.length; at += 3) {
    const changed = Buffer.from(statement);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    assert.equal(await check(envelope({ statement: changed, signature })), 'signature-invalid', `octet ${at}`);
  }
  // White space counts, and so do differences that canonicalisation would remove.
  for (const other of [` ${String(statement)}`, String(statement).replaceAll("'", '"'), `${String(statement)}\n`])
    assert.equal(await check(envelope({ statement: other, signature })), 'signature-invalid');
  assert.equal(await check(craft({ statement: `\n${String(statement).replaceAll("'", '"')}\n` })), 'proved');
  // Without the prefix that names the format, a signature made for something else could be reused.
  const bare = sign('sha256', statement, { key: createPrivateKey(owner.key), dsaEncoding: 'ieee-p1363' });
  assert.equal(await check(envelope({ statement, signature: bare })), 'signature-invalid');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(await check(craft({ key: privateKey })), 'signature-invalid');
});

test('A11: the list of algorithms is closed, and each is for its keys only', async () => {
  for (const algorithm of [
    'none',
    'RS256',
    'RS1',
    'HS256',
    'ES512',
    'PS384',
    'es256',
    'constructor',
    '',
    'ES384',
    'PS256',
    'EdDSA',
  ])
    assert.equal(await check(craft({ algorithm })), 'algorithm-unsupported', algorithm);
  // ECDSA as DER, where the two numbers concatenated are expected.
  const statement = statementOf({});
  const der = sign('sha256', signingInput(statement), createPrivateKey(owner.key));
  assert.equal(await check(envelope({ statement, signature: der })), 'signature-invalid');
  const rsa = ownerWith('rsa');
  const pkcs1 = sign('sha256', signingInput(statement), createPrivateKey(rsa.key));
  assert.equal(
    await check(envelope({ signer: rsa, statement, algorithm: 'PS256', signature: pkcs1 })),
    'signature-invalid',
  );
  const longSalt = sign('sha256', signingInput(statement), {
    key: createPrivateKey(rsa.key),
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 64,
  });
  assert.equal(
    await check(envelope({ signer: rsa, statement, algorithm: 'PS256', signature: longSalt })),
    'signature-invalid',
  );
});

test('A11: a statement that is signed well and says anything else than the format has is refused', async () => {
  const provider64 = sha256(provider.der[0]!).toString('base64');
  const element = (attributes: string, content: string) =>
    `<delegation xmlns='${NAMESPACE}'${attributes}>${content}</delegation>`;
  const attributes = Object.entries(STATEMENT)
    .map(([name, value]) => ` ${name}='${value}'`)
    .join('');
  const child = `<provider type='certificate' hash='sha-256'>${provider64}</provider>`;
  assert.equal(await check(craft({ statement: element(attributes, child) })), 'proved');
  const wrong: Record<string, string> = {
    'another namespace': element(attributes, child).replace(NAMESPACE, 'urn:example'),
    'another element': element(attributes, child).replaceAll('delegation', 'revocation'),
    'an attribute more': element(`${attributes} condition='x'`, child),
    'an attribute of another namespace': element(`${attributes} xmlns:x='urn:x' x:y=''`, child),
    'an attribute less': element(attributes.replace(/ id='[^']*'/, ''), child),
    'no provider': element(attributes, ''),
    'two providers': element(attributes, child + child),
    'an element more': element(attributes, `${child}<except/>`),
    'an element below': element(attributes, child.replace('</provider>', '<x/></provider>')),
    'a provider of another namespace': element(attributes, child.replace('<provider', "<provider xmlns='urn:x'")),
    text: element(attributes, `${child}but not on Sundays`),
    'another hash': element(attributes, child.replace('sha-256', 'sha-1')),
    'a hash cut short': element(attributes, child.replace(provider64, 'AAAA')),
    'another kind of provider': element(attributes, child.replace("'certificate'", "'name'")),
    'another service': element(attributes.replace('xmpp-server', 'smtp'), child),
    'a local time': element(attributes.replace('12:00:00Z', '12:00:00+01:00'), child),
    'fractions of a second': element(attributes.replace('12:00:00Z', '12:00:00.5Z'), child),
    'a day that is none': element(attributes.replace('2026-11-22', '2026-11-31'), child),
    'an id that is none': element(attributes.replace("id='1'", "id='a b'"), child),
  };
  for (const [name, statement] of Object.entries(wrong))
    assert.equal(await check(craft({ statement })), 'proof-malformed', name);
});

test('A11: entities, DTDs, comments and processing instructions are refused, inside and outside (RFC 6120 §11.1)', async () => {
  const good = statementOf({});
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`;
  const dangerous: Record<string, string> = {
    'an XML bomb': `${bomb}${good.replace("id='1'", "id='&b;'")}`,
    'an external entity': `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${good}`,
    'an entity of nobody': good.replace("id='1'", "id='&a;'"),
    'a comment': good.replace('<provider', '<!-- --><provider'),
    'a processing instruction': good.replace('<provider', '<?php ?><provider'),
    'a declaration': `<?xml version='1.0'?>${good}`,
    'another encoding': Buffer.from(good, 'utf16le').toString('latin1'),
    'two elements': good + good,
    'an end of the stream': `${good}</stream:stream>`,
    'a stanza': "<message xmlns='jabber:server' to='a.example' from='b.example'/>",
    'no element': 'just text',
    'cut short': good.slice(0, -3),
    depth: good.replace('</provider>', `${'<a>'.repeat(400)}${'</a>'.repeat(400)}</provider>`),
    attributes: good.replace("id='1'", Array.from({ length: 200 }, (_, i) => `a${i}=''`).join(' ')),
    'one attribute twice': good.replace("id='1'", "id='1' id='1'"),
  };
  for (const [name, xml] of Object.entries(dangerous)) {
    assert.equal(
      await check(craft({ statement: Buffer.from(xml, 'latin1') })),
      'proof-malformed',
      `statement: ${name}`,
    );
    assert.equal(await check(Buffer.from(xml, 'latin1').toString('base64')), 'proof-malformed', `envelope: ${name}`);
  }
});

test('A11: the envelope is refused when it is not what the format has', async () => {
  const good = Buffer.from(craft({}), 'base64').toString();
  const wrong: Record<string, string> = {
    'no signature': good.replace(/<signature.*<\/signature>/, ''),
    'an empty signature': good.replace(/(<signature[^>]*>).*(<\/signature>)/, '$1$2'),
    'no statement': good.replace(/<statement.*<\/statement>/, ''),
    'no certificate': good.replace(/<certificate>.*<\/certificate>/, ''),
    'two statements': good.replace(/<statement.*<\/statement>/, '$&$&'),
    'another order': good.replace(/(<statement.*<\/statement>)(<signature.*<\/signature>)/, '$2$1'),
    'no algorithm': good.replace(/ algorithm='[^']*'/, ''),
    'an attribute more': good.replace('<certificate>', "<certificate href='http://x.example/'>"),
    'no Base64': good.replace('<statement>', '<statement>*'),
    'a certificate that is none': good.replace(/<certificate>[^<]*/, '<certificate>AAAA'),
    'another namespace': good.replaceAll(NAMESPACE, 'urn:example'),
  };
  for (const [name, xml] of Object.entries(wrong)) {
    assert.notEqual(xml, good, name);
    assert.equal(await check(Buffer.from(xml).toString('base64')), 'proof-malformed', name);
  }
  const prefixed = good
    .replace('<assertion xmlns=', '<d:assertion xmlns:d=')
    .replace(/<(\/?)(statement|signature|certificate)/g, '<$1d:$2')
    .replace('</assertion>', '</d:assertion>');
  assert.equal(await check(Buffer.from(prefixed.replaceAll('><', '>\n  <')).toString('base64')), 'proved');
  assert.equal(await check(good), 'proof-malformed'); // not Base64
});

test('A11: a proof is of 16,384 characters and ten certificates at most', async () => {
  assert.equal(await check('A'.repeat(dnaProofLimits.proofCharacters + 1)), 'proof-too-large');
  const fillers = (count: number) =>
    Array.from({ length: count }, () => stranger.issue({ dnsNames: ['f.example'] }).der[0]!);
  assert.equal(await check(craft({ certificates: [...owner.der, ...fillers(10 - owner.der.length)] })), 'proved');
  assert.equal(
    await check(craft({ certificates: [...owner.der, ...fillers(11 - owner.der.length)] })),
    'proof-too-large',
  );
});

test('A11: whoever issues is told what no reader would accept', () => {
  const refused = (rest: Partial<DelegationOrder>, why: RegExp): void =>
    assert.throws(
      () => issue(rest),
      (thrown) =>
        thrown instanceof FaultError && thrown.fault.condition === 'issuer-unfit' && why.test(thrown.fault.text ?? ''),
      String(why),
    );
  refused({ lifetimeMs: 7 * DAY_MS + 1 }, /seven days/);
  refused({ signer: otherOwner }, /names c\.example, not a\.example/);
  refused({ signer: { cert: owner.cert, key: otherOwner.key } }, /not that of its certificate/);
  const many = Array.from({ length: 11 }, () => owner.certPem).join('');
  refused({ signer: { cert: many, key: owner.key } }, /11 certificates/);
});

// Statements that the issuer would not make.

const STATEMENT = {
  id: '1',
  domain: 'a.example',
  service: 'xmpp-server',
  'not-before': '2026-11-22T12:00:00Z',
  'not-after': '2026-11-23T12:00:00Z',
};

function statementOf(attributes: Partial<typeof STATEMENT>): string {
  const written = Object.entries({ ...STATEMENT, ...attributes }).map(([name, value]) => ` ${name}='${value}'`);
  const holder = `<provider type='certificate' hash='sha-256'>${sha256(provider.der[0]!).toString('base64')}</provider>`;
  return `<delegation xmlns='${NAMESPACE}'${written.join('')}>${holder}</delegation>`;
}

function signingInput(statement: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${' '.repeat(64)}${NAMESPACE}\0`), Buffer.from(statement as string)]);
}

function signatureOver(statement: string | Buffer, key: KeyObject = createPrivateKey(owner.key)): Buffer {
  return sign('sha256', signingInput(statement), { key, dsaEncoding: 'ieee-p1363' });
}

interface Envelope {
  signer?: typeof owner;
  statement: string | Buffer;
  algorithm?: string;
  signature: Buffer;
  certificates?: readonly Buffer[];
}

function envelope({
  signer = owner,
  statement,
  algorithm = 'ES256',
  signature,
  certificates = signer.der,
}: Envelope): string {
  const xml =
    `<assertion xmlns='${NAMESPACE}'><statement>${Buffer.from(statement as string).toString('base64')}</statement>` +
    `<signature algorithm='${algorithm}'>${signature.toString('base64')}</signature>` +
    `${certificates.map((der) => `<certificate>${der.toString('base64')}</certificate>`).join('')}</assertion>`;
  return Buffer.from(xml).toString('base64');
}

/** Correctly signed, whatever it contains. */
function craft({
  statement = {},
  signer = owner,
  key = createPrivateKey(signer.key),
  ...rest
}: {
  statement?: Partial<typeof STATEMENT> | string | Buffer;
  key?: KeyObject;
} & Partial<Omit<Envelope, 'statement'>>): string {
  const octets = typeof statement === 'string' || Buffer.isBuffer(statement) ? statement : statementOf(statement);
  return envelope({ signer, statement: octets, signature: signatureOver(octets, key), ...rest });
}
