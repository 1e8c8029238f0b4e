import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { anchorProof } from '../../src/adapters/dna/dnssec-ta/anchor-chain.ts';
import { isolatedValidator } from '../../src/adapters/dna/dnssec-ta/anchored-zones.ts';
import { zoneKeyFiles } from '../../src/adapters/dna/dnssec-ta/zone-key.ts';
import { createValidatingResolver, type ValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import type { DnaProofClaim } from '../../src/ports.ts';
import type { Credential } from '../../src/ports.ts';
import { dnaProofLimits } from '../../src/protocol/dna-conditions.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { contextTag, octetString, oid, sequence } from '../../src/adapters/der-writer.ts';
import {
  answer,
  authority,
  claimOf,
  createJudge,
  type Judge,
  never,
  otherProvider,
  root,
  stranger,
} from '../support/dna-proofs.ts';
import { type Nsd, nsdMissing, startNsd } from '../support/nsd.ts';
import { type KeyFiles, signZoneWith } from '../support/owned-zone.ts';
import { signingMissing, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;

/** The certificate of a domain and the key of its zone: both have the same key. */
interface Owner {
  readonly credential: Credential;
  readonly proof: string;
  readonly zoneKey: KeyFiles;
}

function ownerOf(
  domain: string,
  credential: Credential,
  { zone = domain, algorithm }: { zone?: string; algorithm?: number } = {},
): Owner {
  return { credential, proof: anchorProof(credential.cert), zoneKey: zoneKeyFiles(zone, credential.key, algorithm) };
}

const zoneText = (zone: string, records: string): string => `$ORIGIN ${zone}.
$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns.${zone}.
ns A 127.0.0.1
${records}`;
const SRV = `_xmpp-server._tcp 120 SRV 10 5 5269 XMPP.provider.example.
_xmpp-server._tcp 120 SRV 20 0 5270 backup.provider.example.
`;

const issue = (domain: string, keyType: 'ec' | 'rsa' | 'ed25519' = 'ec') =>
  authority.issue({ dnsNames: [domain], keyType });
/** P-384, which the authority of the tests does not make itself. */
function p384(domain: string): Credential {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const names = sequence(contextTag(2, Buffer.from(domain), { constructed: false }));
  const der = authority.certify({
    subject: domain,
    publicKey,
    extensions: [sequence(oid('2.5.29.17'), octetString(names))],
  });
  const pem = (bytes: Buffer) =>
    `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
  return {
    cert: [der, ...authority.chain].map(pem).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** One key for a domain and for another one below it, in one zone. */
const below = authority.issue({ dnsNames: ['ec.example', 'below.ec.example'] });

const owners = {
  ec: ownerOf('ec.example', below),
  rsa: ownerOf('rsa.example', issue('rsa.example', 'rsa')),
  rsa512: ownerOf('rsa512.example', issue('rsa512.example', 'rsa'), { algorithm: 10 }),
  ed: ownerOf('ed.example', issue('ed.example', 'ed25519')),
  p384: ownerOf('p384.example', p384('p384.example')),
  below: ownerOf('below.ec.example', below, { zone: 'ec.example' }),
  split: ownerOf('split.example', issue('split.example')),
  zsk: ownerOf('zsk.example', issue('zsk.example')),
  late: ownerOf('late.example', issue('late.example')),
  soon: ownerOf('soon.example', issue('soon.example')),
  forged: ownerOf('forged.example', issue('forged.example')),
  resigned: ownerOf('resigned.example', issue('resigned.example')),
  chained: ownerOf('chained.example', issue('chained.example')),
  bogus: ownerOf('bogus.example', issue('bogus.example')),
  plain: ownerOf('plain.example', issue('plain.example')),
  island: ownerOf('plain.island', issue('plain.island')),
  none: ownerOf('none.example', issue('none.example')),
  denied: ownerOf('denied.example', issue('denied.example')),
  alias: ownerOf('alias.example', issue('alias.example')),
  away: ownerOf('away.example', issue('away.example')),
  child: ownerOf('child.example', issue('child.example')),
  direct: ownerOf('direct.example', issue('direct.example')),
} satisfies Record<string, Owner>;

const provider = authority.issue({ dnsNames: ['xmpp.provider.example'] });
const nowMs = Date.now();

let nsd: Nsd;
let resolver: ValidatingResolver;
let judge: Judge;
const opened = { now: 0, most: 0, ever: 0 };

before(async () => {
  if (skip !== false) return;
  const own = (owner: Owner, records = SRV, dates = {}, keys: readonly KeyFiles[] = [owner.zoneKey]): string => {
    const zone = owner.zoneKey.name.replace(/^K(.*)\.\+.*$/, '$1');
    return signZoneWith(keys, zoneText(zone, records), dates);
  };
  /** A newly generated key, in place of the owner's or beside it. */
  const zoneSigningKey = (owner: Owner, flags: number): KeyFiles => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const zone = owner.zoneKey.name.replace(/^K(.*)\.\+.*$/, '$1');
    const files = zoneKeyFiles(zone, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    return { ...files, publicFile: files.publicFile.replace('DNSKEY 257', `DNSKEY ${flags}`) };
  };
  const withFlags = (key: KeyFiles, flags: number): KeyFiles => ({
    ...key,
    name: key.name.replace(/\d{5}$/, '00001'),
    publicFile: key.publicFile.replace('DNSKEY 257', `DNSKEY ${flags}`),
  });
  const subAlias = signZone('sub.child.example', zoneText('sub.child.example', SRV));
  const zones: Record<string, string> = {
    'ec.example': own(owners.ec, `${SRV}_xmpp-server._tcp.below 60 SRV 0 0 5269 xmpp.provider.example.\n`),
    'rsa.example': own(owners.rsa),
    'rsa512.example': own(owners.rsa512),
    'ed.example': own(owners.ed),
    'p384.example': own(owners.p384),
    'split.example': own(owners.split, SRV, {}, [owners.split.zoneKey, zoneSigningKey(owners.split, 256)]),
    'zsk.example': own(owners.zsk, SRV, {}, [withFlags(owners.zsk.zoneKey, 256), zoneSigningKey(owners.zsk, 257)]),
    'late.example': own(owners.late, SRV, { fromMs: nowMs - 10 * 86_400_000, untilMs: nowMs - 86_400_000 }),
    'soon.example': own(owners.soon, SRV.replaceAll('120', '86400'), { untilMs: nowMs + 600_000 }),
    'forged.example': own(owners.forged).replace(/(SRV\s+10 5) 5269/, '$1 5299'),
    // Signed by somebody other than the domain, with the domain's key added beside the signer's own.
    'resigned.example': own(owners.resigned, SRV + owners.resigned.zoneKey.publicFile, {}, [
      zoneSigningKey(owners.resigned, 257),
    ]),
    'chained.example': own(owners.chained),
    'bogus.example': own(owners.bogus),
    'plain.example': zoneText('plain.example', SRV),
    'none.example': own(owners.none, ''),
    'denied.example': own(owners.denied, '_xmpp-server._tcp SRV 0 0 0 .\n'),
    'alias.example': own(
      owners.alias,
      '_xmpp-server._tcp CNAME services\nservices 120 SRV 0 0 5269 xmpp.provider.example.\n',
    ),
    'away.example': own(owners.away, '_xmpp-server._tcp CNAME _xmpp-server._tcp.ec.example.\n'),
    'child.example': own(owners.child, `_xmpp-server._tcp CNAME _xmpp-server._tcp.sub\nsub NS ns\n${subAlias.ds}\n`),
    'sub.child.example': subAlias.text,
    'direct.example': own(owners.direct, '_xmpps-server._tcp 120 SRV 0 0 443 xmpp.provider.example.\n'),
    island: zoneText('island', ''),
    'plain.island': zoneText('plain.island', SRV),
  };
  const strangersDs = signZone('bogus.example', zoneText('bogus.example', SRV)).ds;
  const parent = signZone(
    'example',
    zoneText(
      'example',
      [
        ...Object.keys(zones)
          .filter((zone) => zone.split('.').length === 2 && zone.endsWith('.example'))
          .map((zone) => `${zone}. NS ns`),
        zoneKeyFiles('chained.example', owners.chained.credential.key).ds,
        strangersDs,
        '',
      ].join('\n'),
    ),
  );
  nsd = await startNsd({ ...zones, example: parent.text });
  const dns = { stubs: { example: nsd.address, island: nsd.address } };
  resolver = createValidatingResolver({ ...dns, trustAnchors: [parent.ds], rootAnchorFiles: [] });
  const open = isolatedValidator(dns);
  judge = createJudge({
    resolver,
    openValidator: (anchors) => {
      const source = open(anchors);
      opened.now += 1;
      opened.ever += 1;
      opened.most = Math.max(opened.most, opened.now);
      return {
        ...source,
        close: () => {
          opened.now -= 1;
          source.close();
        },
      };
    },
  });
});
after(async () => {
  if (skip !== false) return;
  judge.close();
  resolver.close();
  await nsd.stop();
});

const claim = (domain: string, owner: Owner, rest: Partial<DnaProofClaim> = {}): DnaProofClaim =>
  claimOf('dnssec-ta', owner.proof, { domain, chain: { der: provider.der }, ...rest });
const check = async (domain: string, owner: Owner, rest: Partial<DnaProofClaim> = {}): Promise<string> =>
  answer(await judge.check(claim(domain, owner, rest), Date.now()));

test(
  'A12: a zone that is signed with the key of a certificate proves its delegation, with evidence and an end',
  { skip },
  async () => {
    const verdict = await judge.check(claim('ec.example', owners.ec), nowMs);
    assert.ok(verdict.kind === 'proved', JSON.stringify(verdict));
    const { sha256, signerSha256, signerAnchorSha256, ...rest } = verdict.evidence;
    assert.deepEqual(
      { ...verdict, evidence: rest, expiresAtMs: 0 },
      {
        kind: 'proved',
        prooftype: 'dnssec-ta',
        strength: 'strong',
        evidence: {
          signerBy: 'dNSName',
          signerIdentifier: 'ec.example',
          anchor: 'supplied by the peer',
          zone: 'ec.example',
          keyTag: Number(owners.ec.zoneKey.name.slice(-5)),
          target: 'xmpp.provider.example',
          port: 5269,
        },
        expiresAtMs: 0,
      },
    );
    for (const fingerprint of [sha256, signerSha256, signerAnchorSha256])
      assert.match(String(fingerprint), /^[0-9a-f]{64}$/);
    // TTL of the SRV records.
    assert.ok(
      verdict.expiresAtMs! > nowMs && verdict.expiresAtMs! <= nowMs + 120_000,
      String(verdict.expiresAtMs! - nowMs),
    );
  },
);

for (const name of ['rsa', 'rsa512', 'ed', 'p384', 'below', 'split', 'alias'] as const)
  test(`A12: it does so for the zone "${name}"`, { skip }, async () => {
    const domain = {
      rsa: 'rsa',
      rsa512: 'rsa512',
      ed: 'ed',
      p384: 'p384',
      below: 'below.ec',
      split: 'split',
      alias: 'alias',
    }[name];
    assert.equal(await check(`${domain}.example`, owners[name]), 'proved');
  });

test(
  'A12: the stream leads where a signed record leads, by host and port; any will do where the far end came (rule 7)',
  { skip },
  async () => {
    const at = (host: string, port: number) => ({ endpoint: { host, port } });
    assert.equal(await check('ec.example', owners.ec, at('XMPP.provider.example.', 5269)), 'proved');
    assert.equal(await check('ec.example', owners.ec, at('xmpp.provider.example', 5270)), 'delegation-mismatch');
    assert.equal(await check('ec.example', owners.ec, at('evil.example', 5269)), 'delegation-mismatch');
    // The right record, but the certificate of another target.
    assert.equal(await check('ec.example', owners.ec, at('backup.provider.example', 5270)), 'target-name-mismatch');
    assert.equal(await check('ec.example', owners.ec, { endpoint: null }), 'proved');
    const backup = authority.issue({ dnsNames: ['backup.provider.example'] });
    assert.equal(await check('ec.example', owners.ec, { endpoint: null, chain: { der: backup.der } }), 'proved');
    assert.equal(await check('ec.example', owners.ec, { chain: { der: backup.der } }), 'target-name-mismatch');
    assert.equal(await check('direct.example', owners.direct, at('xmpp.provider.example', 443)), 'proved');
  },
);

test(
  'A12: the certificate presented in TLS names the target as dNSName, and is certified (rule 7)',
  { skip },
  async () => {
    const presenting = (chain: readonly Buffer[]) => check('ec.example', owners.ec, { chain: { der: chain } });
    const target = 'xmpp.provider.example';
    assert.equal(await presenting(authority.issue({ dnsNames: ['*.provider.example'] }).der), 'proved');
    assert.equal(await presenting(authority.issue({ dnsNames: ['provider.example'] }).der), 'target-name-mismatch');
    assert.equal(await presenting(authority.issue({ dnsNames: [], commonName: target }).der), 'target-name-mismatch');
    assert.equal(
      await presenting(authority.issue({ srvNames: [`_xmpp-server.${target}`] }).der),
      'target-name-mismatch',
    );
    assert.equal(await presenting(authority.issue({ xmppAddrs: [target] }).der), 'target-name-mismatch');
    assert.equal(await presenting(stranger.issue({ dnsNames: [target] }).der), 'provider-certificate-invalid');
    assert.equal(await presenting([]), 'no-certificate');
    assert.equal(await presenting(otherProvider.der), 'proved');
  },
);

test(
  'A12: the certificate of the zone key names the domain, and leads to a trust anchor (rule 4)',
  { skip },
  async () => {
    // Certificates of all kinds for the same key that signs the zone.
    const publicKey = createPublicKey(createPrivateKey(owners.ec.credential.key));
    const certified = (by: typeof root, names: string[], extra: Buffer[] = [], notAfter?: number): Owner => {
      const san = sequence(...names.map((name) => contextTag(2, Buffer.from(name), { constructed: false })));
      const extensions = [sequence(oid('2.5.29.17'), octetString(san)), ...extra];
      const der = by.certify({ subject: 'x', publicKey, extensions, ...(notAfter === undefined ? {} : { notAfter }) });
      return { ...owners.ec, proof: Buffer.concat([der, ...by.chain]).toString('base64') };
    };
    assert.equal(await check('ec.example', certified(authority, ['ec.example'])), 'proved');
    assert.equal(await check('ec.example', certified(authority, ['www.ec.example'])), 'signer-name-mismatch');
    assert.equal(await check('ec.example', certified(authority, ['provider.example'])), 'signer-name-mismatch');
    assert.equal(await check('ec.example', certified(stranger, ['ec.example'])), 'signer-path-invalid');
    assert.equal(
      await check('ec.example', certified(authority, ['ec.example'], [], nowMs - 86_400_000)),
      'signer-path-invalid',
    );
    const clientsOnly = sequence(oid('2.5.29.37'), octetString(sequence(oid('1.3.6.1.5.5.7.3.2'))));
    assert.equal(await check('ec.example', certified(authority, ['ec.example'], [clientsOnly])), 'signer-path-invalid');
    // The key of another domain's zone: right there, and wrong here.
    assert.equal(await check('ec.example', owners.rsa), 'signer-name-mismatch');
  },
);

test('A12: the key of the certificate is one of the zone that holds the records (rule 5)', { skip }, async () => {
  const another = ownerOf('ec.example', issue('ec.example'));
  assert.equal(await check('ec.example', another), 'anchor-not-in-zone');
  // The zone is not signed; the one above it is, with other keys.
  assert.equal(await check('plain.example', owners.plain), 'anchor-not-in-zone');
  assert.equal(await check('plain.island', owners.island), 'zone-unsigned');
});

test(
  'A12: the key signs the keys of the zone, which sign the records: within their time, and all of it (rule 6)',
  { skip },
  async () => {
    assert.equal(await check('zsk.example', owners.zsk), 'zone-bogus');
    assert.equal(await check('late.example', owners.late), 'zone-bogus');
    assert.equal(await check('forged.example', owners.forged), 'zone-bogus');
    assert.equal(await check('resigned.example', owners.resigned), 'zone-bogus');
  },
);

test('A12: an alias stays within the zone (rule 6)', { skip }, async () => {
  assert.equal(await check('alias.example', owners.alias), 'proved');
  assert.equal(await check('away.example', owners.away), 'delegation-insecure');
  assert.equal(await check('child.example', owners.child), 'alias-leaves-zone');
});

test(
  'A12: only for records that DNSSEC calls insecure: secure ones need no anchor, and bogus ones get none (rule 1, S4)',
  { skip },
  async () => {
    assert.equal(await check('chained.example', owners.chained), 'delegation-secure');
    const verdict = await judge.check(claim('bogus.example', owners.bogus), nowMs);
    assert.deepEqual([verdict.kind, answer(verdict)], ['refuted', 'dns-bogus']);
    assert.equal(verdict.kind === 'refuted' && verdict.final, true);
    assert.equal(await check('none.example', owners.none), 'service-absent');
    assert.equal(await check('denied.example', owners.denied), 'service-absent');
    assert.equal(await check('192.0.2.1', owners.ec), 'service-absent');
    assert.equal(await check('ec.example', owners.ec, { service: 'xmpp-client' }), 'service-absent');
  },
);

test('A12: the shared resolver never hears of a supplied anchor (rule 9)', { skip }, async () => {
  assert.equal(await check('ec.example', owners.ec), 'proved');
  assert.equal((await resolver.srv('_xmpp-server._tcp.ec.example', never, { fresh: true })).status, 'insecure');
  assert.equal((await resolver.addresses('ns.ec.example', never, { fresh: true })).status, 'insecure');
});

test('A12: no proof outlives the signatures that it rests on (RFC 4035 §5.3.3, rule 8)', { skip }, async () => {
  const verdict = await judge.check(claim('soon.example', owners.soon), nowMs);
  // The records have a TTL of one day, but their signature lasts ten minutes.
  assert.ok(
    verdict.kind === 'proved' && verdict.expiresAtMs! <= nowMs + 600_000,
    `${verdict.kind === 'proved' ? verdict.expiresAtMs! - nowMs : answer(verdict)}`,
  );
});

test(
  'A12: a validator is open for one check only, few at a time; what was found is remembered until it ends',
  { skip },
  async () => {
    const before = opened.ever;
    await Promise.all(Array.from({ length: 8 }, () => check('ec.example', owners.ec)));
    const after = opened.ever;
    assert.equal(after - before, 0, 'all of it is known');
    await judge.check(claim('ec.example', owners.ec), nowMs + 3_600_000);
    assert.equal(opened.ever - after, 1, 'an hour later it is asked again');
    // The validator that stays open has no anchor: it finds zones.
    assert.equal(opened.now, 1);
    assert.ok(opened.most <= 3, String(opened.most));
  },
);

test('A12: a proof may be a URL, of https and nothing else; the document is DER or PEM', { skip }, async () => {
  const documents: Record<string, { status: number; body: Uint8Array }> = {
    'https://a.example/pem': { status: 200, body: Buffer.from(`A comment.\n${owners.ec.credential.cert}`) },
    'https://a.example/der': { status: 200, body: Buffer.from(owners.ec.proof, 'base64') },
    'https://a.example/gone': { status: 404, body: new Uint8Array() },
    'https://a.example/html': { status: 200, body: Buffer.from('<html/>') },
    'https://a.example/empty': { status: 200, body: new Uint8Array() },
    'https://a.example/large': { status: 200, body: new Uint8Array(dnaProofLimits.documentBytes + 1) },
    'https://a.example/many': { status: 200, body: Buffer.from(owners.ec.credential.cert.repeat(6)) },
  };
  const asked: string[] = [];
  const fetching = createJudge({
    resolver,
    openValidator: isolatedValidator({ stubs: { example: nsd.address } }),
    get: (url) => {
      asked.push(url);
      const document = documents[url];
      return document === undefined ? Promise.reject(new Error('no route')) : Promise.resolve(document);
    },
  });
  const checking = async (data: string) =>
    answer(await fetching.check(claim('ec.example', { ...owners.ec, proof: data }), Date.now()));
  try {
    assert.equal(await checking('https://a.example/pem'), 'proved');
    assert.equal(await checking(' \n https://a.example/der\n'), 'proved');
    assert.equal(await checking('https://a.example/gone'), 'document-unavailable');
    assert.equal(await checking('https://a.example/nowhere'), 'document-unavailable');
    assert.equal(await checking('https://a.example/html'), 'proof-malformed');
    assert.equal(await checking('https://a.example/empty'), 'proof-malformed');
    assert.equal(await checking('https://a.example/large'), 'proof-too-large');
    assert.equal(await checking('https://a.example/many'), 'proof-too-large');
    const count = asked.length;
    for (const url of [
      'http://a.example/pem',
      'file:///etc/passwd',
      'https://u:p@a.example/',
      'https://',
      `https://a.example/${'x'.repeat(3_000)}`,
    ])
      assert.equal(await checking(url), 'url-refused', url);
    assert.equal(asked.length, count);
    // Nothing is fetched for a domain that needs no anchor.
    const needless = claim('chained.example', { ...owners.ec, proof: 'https://a.example/pem' });
    assert.equal(answer(await fetching.check(needless)), 'delegation-secure');
    assert.equal(asked.length, count);
  } finally {
    fetching.close();
  }
  assert.equal(await check('ec.example', { ...owners.ec, proof: 'https://a.example/pem' }), 'document-unavailable');
});

test('A12: what is no chain of certificates is malformed, and cheap', { skip }, async () => {
  const der = Buffer.from(owners.ec.proof, 'base64');
  const reading = (octets: Buffer) => check('ec.example', { ...owners.ec, proof: octets.toString('base64') });
  for (const [name, octets] of Object.entries({
    'cut short': der.subarray(0, -1),
    'octets behind': Buffer.concat([der, Buffer.of(0)]),
    'something between': Buffer.concat([octetString(Buffer.alloc(3)), der]),
    'no certificate': sequence(sequence()),
  }))
    assert.equal(await reading(octets), 'proof-malformed', name);
  assert.equal(await reading(Buffer.concat(Array.from({ length: 11 }, () => der))), 'proof-too-large');
  assert.equal(await check('ec.example', { ...owners.ec, proof: 'A'.repeat(16_385) }), 'proof-too-large');
  assert.equal(await check('ec.example', { ...owners.ec, proof: '' }), 'proof-malformed');
});

test('A12: an authority of one domain only cannot speak for another zone (S3)', { skip }, async () => {
  const constrained = createCertificateAuthority({
    name: 'Constrained',
    parent: root,
    permittedDnsNames: ['ec.example'],
  });
  const owner = ownerOf('ed.example', constrained.issue({ dnsNames: ['ed.example'] }));
  assert.equal(await check('ed.example', owner), 'signer-path-invalid');
});
