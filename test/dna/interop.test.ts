import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { issueAttributeCertificate } from '../../src/adapters/dna/attribute-cert/issue.ts';
import { issueXmlAssertion } from '../../src/adapters/dna/xml-assertion/issue.ts';
import { answer, claimOf, createJudge, NOW, owner, provider } from '../support/dna-proofs.ts';
import { missing } from '../support/processes.ts';

const OPENSSL = '/usr/bin/openssl';
const PYTHON = '/usr/bin/python3';
const PEER = fileURLToPath(new URL('../support/delegation-peer.py', import.meta.url));

const opensslMissing = missing(OPENSSL) ?? false;
const pythonMissing =
  missing(PYTHON) ??
  (spawnSync(PYTHON, ['-c', 'import pyasn1_modules.rfc5755, cryptography.x509']).status === 0
    ? false
    : 'python3-pyasn1-modules and python3-cryptography are not installed');

/** Gives an order to a Python implementation made from the specification, and returns its result. */
function peer(order: Record<string, unknown>): Record<string, unknown> {
  const output = execFileSync(PYTHON, ['-W', 'ignore', PEER], { input: JSON.stringify(order), encoding: 'utf8' });
  return JSON.parse(output) as Record<string, unknown>;
}

const judge = createJudge();
after(() => judge.close());

const order = {
  domain: 'a.example',
  service: 'xmpp-server',
  signer: owner,
  provider: { certificate: provider.certPem },
  notBeforeMs: NOW,
} as const;
const providerSha256 = createHash('sha256').update(provider.der[0]!).digest('hex');
const written = {
  domain: 'a.example',
  service: 'xmpp-server',
  chain: owner.cert.split(/(?<=-----END CERTIFICATE-----\n)/).filter((pem) => pem !== ''),
  key: owner.key,
  provider: provider.der[0]!.toString('base64'),
  notBefore: NOW / 1000,
};

test('A10: OpenSSL reads the container, and every field of the attribute certificate', { skip: opensslMissing }, () => {
  const der = Buffer.from(issueAttributeCertificate(order), 'base64');
  const openssl = (...args: string[]): string => execFileSync(OPENSSL, args, { input: der, encoding: 'utf8' });
  const cms = openssl('cms', '-cmsout', '-print', '-noout', '-inform', 'DER');
  for (const line of [/contentType: pkcs7-signedData/, /version: 4/, /eContentType: pkcs7-data/, /eContent: <ABSENT>/])
    assert.match(cms, line);
  assert.equal(cms.match(/d\.certificate:/g)?.length, 2);
  assert.equal(cms.match(/d\.v2AttrCert:/g)?.length, 1);
  assert.match(cms, /signerInfos:\s+<EMPTY>/);
  // Re-encoding gives the same bytes: DER is unambiguous.
  const again = execFileSync(OPENSSL, ['cms', '-cmsout', '-inform', 'DER', '-outform', 'DER'], { input: der });
  assert.deepEqual(again, der);
  const asn1 = openssl('asn1parse', '-inform', 'DER');
  for (const line of [
    /OBJECT\s+:2\.25\.274196030801541905054497066850415908724\.1\n.*SET.*\n.*IA5STRING\s+:a\.example/,
    /GENERALIZEDTIME\s+:20261122120000Z\n.*GENERALIZEDTIME\s+:20261129120000Z/,
    /X509v3 No Revocation Available/,
    /X509v3 Authority Key Identifier/,
  ])
    assert.match(asn1, line);
});

test('A10: another implementation verifies our attribute certificates', { skip: pythonMissing }, () => {
  assert.deepEqual(peer({ do: 'read attribute-cert', data: issueAttributeCertificate(order) }), {
    attribute: '2.25.274196030801541905054497066850415908724.1',
    domains: ['a.example'],
    holderType: 1,
    holder: providerSha256,
    notBefore: '20261122120000Z',
    notAfter: '20261129120000Z',
    extensions: ['2.5.29.35', '2.5.29.56'],
    signer: 'CN=a.example',
  });
});

test('A10: the attribute certificates of another implementation prove domains', { skip: pythonMissing }, async () => {
  const { data } = peer({ do: 'write attribute-cert', ...written });
  const verdict = await judge.check(claimOf('attribute-cert', String(data)));
  assert.equal(answer(verdict), 'proved', JSON.stringify(verdict));
});

test('A11: another implementation verifies our XML assertions', { skip: pythonMissing }, () => {
  assert.deepEqual(peer({ do: 'read xml-assertion', data: issueXmlAssertion({ ...order, serial: '01' }) }), {
    id: '01',
    domain: 'a.example',
    service: 'xmpp-server',
    'not-before': '2026-11-22T12:00:00Z',
    'not-after': '2026-11-29T12:00:00Z',
    provider: providerSha256,
    type: 'certificate',
    signer: 'CN=a.example',
  });
});

test('A11: the XML assertions of another implementation prove domains', { skip: pythonMissing }, async () => {
  const { data } = peer({ do: 'write xml-assertion', ...written });
  const verdict = await judge.check(claimOf('xml-assertion', String(data)));
  assert.equal(answer(verdict), 'proved', JSON.stringify(verdict));
});
