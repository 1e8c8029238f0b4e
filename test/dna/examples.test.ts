import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { anchorProof } from '../../src/adapters/dna/dnssec-ta/anchor-chain.ts';
import { isolatedValidator } from '../../src/adapters/dna/dnssec-ta/anchored-zones.ts';
import { createValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import { derOf } from '../../src/adapters/pkix/trust.ts';
import type { DnaProofType } from '../../src/protocol/proof.ts';
import { DNA_CONDITIONS } from '../../src/protocol/dna-conditions.ts';
import { uriOf } from '../../src/protocol/dna.ts';
import { answer, claimOf, createJudge, DAY_MS } from '../support/dna-proofs.ts';
import { decodedAttributeCertificate, examples, EXAMPLES_BEGIN_MS } from '../support/dna-proof-examples.ts';
import { nsdMissing, startNsd } from '../support/nsd.ts';
import { missing } from '../support/processes.ts';
import { unboundMissing } from '../support/unbound.ts';

const example = examples();
const document = readFileSync(new URL('../../docs/delegation-proofs.md', import.meta.url), 'utf8');
const chain = { der: derOf(example['certificates of the provider'], 'CERTIFICATE') };
const judge = createJudge({}, [example['root certificate']]);
after(() => judge.close());

for (const type of ['attribute-cert', 'xml-assertion'] as const)
  test(`A10, A11: the example of ${type} in docs/delegation-proofs.md is one, for as long as it says`, async () => {
    const check = async (atMs: number) => judge.check(claimOf(type, example[`proof ${type}`], { chain }), atMs);
    const verdict = await check(EXAMPLES_BEGIN_MS);
    assert.ok(verdict.kind === 'proved', JSON.stringify(verdict));
    assert.equal(verdict.expiresAtMs, EXAMPLES_BEGIN_MS + 7 * DAY_MS);
    assert.equal(answer(await check(EXAMPLES_BEGIN_MS - 1000)), 'proof-not-yet-valid');
    assert.equal(answer(await check(EXAMPLES_BEGIN_MS + 7 * DAY_MS + 1000)), 'proof-expired');
  });

test('A11: the example is shown as it is, statement and assertion', () => {
  const assertion = Buffer.from(example['proof xml-assertion'], 'base64').toString();
  assert.equal(example.assertion, assertion);
  const statement = /<statement>(.*)<\/statement>/.exec(assertion)?.[1] ?? '';
  assert.equal(example.statement, Buffer.from(statement, 'base64').toString());
});

test('A10: the example is shown as it is, field by field', { skip: missing('/usr/bin/openssl') ?? false }, () => {
  const shown = (text: string): string => text.replace(/^ +/gm, '').trim();
  const decoded = decodedAttributeCertificate(example['proof attribute-cert']);
  assert.equal(shown(example['attribute certificate']), shown(decoded));
});

test('A12: the example of dnssec-ta is one', { skip: nsdMissing ?? unboundMissing ?? false }, async () => {
  assert.equal(
    example['proof dnssec-ta'].replaceAll('\n', ''),
    anchorProof(example['certificates of the domain']),
    'it holds the certificates of the domain',
  );
  const key = example['zone key'].split(' ').at(-1) ?? '';
  assert.ok(example.zone.includes(`DNSKEY\t257 3 13 ${key}`), 'the zone has the key');
  const nsd = await startNsd({ 'a.example': `${example.zone}\n` });
  const stubs = { 'a.example': nsd.address };
  const resolver = createValidatingResolver({ stubs, rootAnchorFiles: [] });
  const there = createJudge({ resolver, openValidator: isolatedValidator({ stubs }) }, [example['root certificate']]);
  try {
    const verdict = await there.check(claimOf('dnssec-ta', example['proof dnssec-ta'], { chain }), Date.now());
    assert.ok(verdict.kind === 'proved', JSON.stringify(verdict));
  } finally {
    there.close();
    resolver.close();
    await nsd.stop();
  }
});

test('A10, A11, A12: the document has every condition, with its verdict, and every type with its URI', () => {
  const row = /^\| `([a-z-]+)` +\| (refuted|undetermined)(, final)? +\| (\w+) /gm;
  const rows = [...document.matchAll(row)].map(([, name, verdict, final, origin]) => [
    name,
    { verdict, origin, final },
  ]);
  const conditions = Object.entries(DNA_CONDITIONS).map(([name, outcome]) => [
    name,
    { verdict: outcome.verdict, origin: outcome.origin, final: 'final' in outcome ? ', final' : undefined },
  ]);
  assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(conditions));
  for (const type of ['attribute-cert', 'xml-assertion', 'dnssec-ta'] satisfies DnaProofType[])
    assert.match(document, new RegExp(`\\| \`${type}\` +\\| \`${uriOf(type)}\` +\\|`));
});
