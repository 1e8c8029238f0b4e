/** Checks of domains that are delegated by proofs (DNA protocol of 2009): a server of ours is challenged. */
import assert from 'node:assert/strict';
import { issueAttributeCertificate } from '../../src/adapters/dna/attribute-cert/issue.ts';
import { issueXmlAssertion } from '../../src/adapters/dna/xml-assertion/issue.ts';
import type { DelegationOrder } from '../../src/adapters/dna/order.ts';
import { assertDiagnosed, authority, type CheckStage, checking, DOMAIN, LOCAL } from '../support/check-stage.ts';
import { type Provider, startProvider } from '../support/provider.ts';

const TARGET = 'xmpp.b.example';
const HOUR_MS = 3_600_000;
/** The certificate of the provider, which does not name the domain. */
const host = authority.issue({ dnsNames: [TARGET] });
const owner = authority.issue({ dnsNames: [DOMAIN] });
const other = authority.issue({ dnsNames: [TARGET] });
const ours = authority.issue({ dnsNames: [LOCAL] });

const order = (rest: Partial<DelegationOrder> = {}): DelegationOrder => ({
  domain: DOMAIN,
  service: 'xmpp-server',
  signer: owner,
  provider: { certificate: host.cert },
  notBeforeMs: Date.now() - HOUR_MS,
  ...rest,
});

/** Runs `run` while a provider shows these proofs of {@link DOMAIN}. */
async function showing(
  proofs: Readonly<Record<string, string>>,
  { dns }: CheckStage,
  run: (provider: Provider) => Promise<void>,
): Promise<void> {
  const provider = await startProvider({
    hosts: { [DOMAIN]: host },
    trust: { system: false, anchors: [authority.certPem] },
    dns: { servers: [dns.address] },
    posh: { enabled: false },
    proofs: { [DOMAIN]: proofs },
  });
  try {
    dns.serve(DOMAIN, { port: provider.port, target: TARGET });
    await run(provider);
  } finally {
    await provider.stop();
  }
}

for (const [prooftype, issue] of [
  ['attribute-cert', issueAttributeCertificate],
  ['xml-assertion', issueXmlAssertion],
] as const) {
  const policy = { prooftypes: ['pkix', prooftype] };

  checking(`the far end is challenged for ${prooftype}, and proved by it (ProtoXEP §4.3)`, async (stage) => {
    await showing({ [prooftype]: issue(order()) }, stage, async ({ wire }) => {
      const { verdict, steps } = await stage.check({ policy });
      assert.deepEqual([verdict.verdict, verdict.prooftype], ['proved', prooftype], verdict.explanation);
      assert.equal(verdict.federation, 'authenticated');
      assert.deepEqual(
        steps
          .filter(({ state }) => state === 'association')
          .map(({ outcome, evidence }) => [evidence['prooftype'], outcome]),
        [
          ['pkix', 'refuted'],
          [prooftype, 'proved'],
        ],
      );
      assert.ok(wire.some(({ direction, element }) => direction === 'in' && element.kind === 'dnaChallenge'));
    });
  });

  checking(`whoever is proved by ${prooftype} is asked to accept us as well`, async (stage) => {
    await showing({ [prooftype]: issue(order()) }, stage, async () => {
      const authentication = { credential: ours, dialbackSecret: null };
      const { verdict } = await stage.check({ policy, authentication });
      assert.equal(verdict.verdict, 'proved', verdict.explanation);
      assert.match(verdict.explanation, /is proved by .*; it lets a\.example send/);
    });
  });

  checking(`${prooftype}: a proof about another certificate is told with what to fix`, async (stage) => {
    await showing({ [prooftype]: issue(order({ provider: { certificate: other.cert } })) }, stage, async () => {
      assertDiagnosed(await stage.check({ policy }), {
        cause: 'delegation-not-proved',
        fault: 'dna holder-mismatch peer',
        fix: /a proof from the owner of b\.example that is in force/,
        verdict: 'refuted',
      });
    });
  });

  checking(`${prooftype}: so is one that is no longer in force`, async (stage) => {
    const late = order({ notBeforeMs: Date.now() - 2 * HOUR_MS, lifetimeMs: HOUR_MS });
    await showing({ [prooftype]: issue(late) }, stage, async () => {
      assertDiagnosed(await stage.check({ policy }), {
        cause: 'delegation-not-proved',
        fault: 'dna proof-expired peer',
        fix: /a proof from the owner of b\.example that is in force/,
        verdict: 'refuted',
      });
    });
  });
}

checking('a policy without delegations challenges nobody, and the name decides', async (stage) => {
  await showing({ 'attribute-cert': issueAttributeCertificate(order()) }, stage, async ({ wire }) => {
    const { verdict } = await stage.check({ policy: { prooftypes: ['pkix'] } });
    assert.deepEqual([verdict.verdict, verdict.cause], ['refuted', 'certificate-names-others'], verdict.explanation);
    assert.ok(!wire.some(({ element }) => element.kind === 'dnaChallenge'));
  });
});
