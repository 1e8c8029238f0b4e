/** Delegations of the demo (DNA protocol of 2009): what owners of domains sign for their provider. */
import { issueAttributeCertificate } from '../adapters/dna/issue-attribute-certificate.ts';
import { issueXmlAssertion } from '../adapters/dna/issue-xml-assertion.ts';
import type { DelegationOrder } from '../adapters/dna/order.ts';
import type { ManagerOptions } from '../options.ts';
import { credentialOf } from './certificates.ts';
import type { Delegated, ProviderSetup } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What the owners of its domains have given to the provider: signed by them, about the certificate that it shows. */
export function delegationsOf(setup: ProviderSetup, { clock }: Stage): NonNullable<ManagerOptions['proofs']> {
  const given = Object.entries(setup.delegatedBy ?? {}).map(([domain, kind]) => {
    const order: DelegationOrder = {
      domain,
      service: 'xmpp-server',
      signer: credentialOf({ hosts: [domain] }),
      provider: { certificate: credentialOf(setup).cert },
      notBeforeMs: clock.now() - HOUR_MS,
    };
    return [domain, { [kind]: issuedOnce(kind, order) }] as const;
  });
  return Object.fromEntries(given);
}

/** Signatures are made of chance: one per order and process, so that runs can be compared. */
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
};
