/** Delegations in the demo (DNA protocol of 2009): what the owners of domains sign for their provider. */
import { anchorProof } from '../adapters/dna/dnssec-ta/anchor-chain.ts';
import { issueAttributeCertificate } from '../adapters/dna/attribute-cert/issue.ts';
import { issueXmlAssertion } from '../adapters/dna/xml-assertion/issue.ts';
import type { DelegationOrder } from '../adapters/dna/order.ts';
import type { ManagerOptions } from '../options.ts';
import type { Credential } from '../ports.ts';
import { credentialOf } from './certificates.ts';
import type { Delegated, ProviderSetup } from './scenario.ts';
import type { Stage } from './stage.ts';

/**
 * The proofs that the owners of its domains gave to the provider: signed by them, for the certificate that it presents.
 */
export function delegationsOf(setup: ProviderSetup, { clock }: Stage): NonNullable<ManagerOptions['proofs']> {
  const given = Object.entries(setup.delegatedBy ?? {}).map(([domain, kind]) => {
    const order: DelegationOrder = {
      domain,
      service: 'xmpp-server',
      signer: ownerOf(domain),
      provider: { certificate: credentialOf(setup).cert },
      notBeforeMs: clock.now() - HOUR_MS,
    };
    return [domain, { [kind]: issuedOnce(kind, order) }] as const;
  });
  return Object.fromEntries(given);
}

/** The domain's own certificate, whose key its provider never has. */
export const ownerOf = (domain: string): Credential => credentialOf({ hosts: [domain] });

/** Signatures contain randomness: one is made per order and process, so that runs can be compared. */
function issuedOnce(kind: Delegated, order: DelegationOrder): string {
  const key = JSON.stringify([kind, order]);
  const known = delegations.get(key);
  if (known !== undefined) return known;
  const made = issuers[kind](order);
  delegations.set(key, made);
  return made;
}

const delegations = new Map<string, string>();
const HOUR_MS = 3_600_000;
const issuers: Readonly<Record<Delegated, (order: DelegationOrder) => string>> = {
  'attribute-cert': issueAttributeCertificate,
  'xml-assertion': issueXmlAssertion,
  // This proof is not about the provider; the SRV record signed with the key is.
  'dnssec-ta': ({ signer }) => anchorProof(signer.cert),
};
