/** Issues proofs of prooftype xml-assertion: the owner of a domain gives one to its provider at least once a week. */
import { armoured } from '../armour.ts';
import { type DelegationOrder, fitOrder } from '../order.ts';
import { signed, XML_ASSERTION_SCHEMES } from '../signatures.ts';
import { signingInput, writeXmlAssertion, writeXmlStatement } from './statement.ts';

/**
 * The contents of `<proof type='urn:xmpp:dna:proof:xml-assertion'/>` (docs/delegation-proofs.md §5).
 * @throws FaultError `dna`: `issuer-unfit`, local; `proof-too-large` when the chain leaves no room.
 */
export function issueXmlAssertion(order: DelegationOrder): string {
  const fit = fitOrder(order, XML_ASSERTION_SCHEMES);
  const statement = writeXmlStatement({ ...fit, id: fit.serial.toString('hex') });
  const signature = signed(fit.scheme, signingInput(statement), fit.key);
  const assertion = { statement, algorithm: fit.schemeId, signature, certificates: fit.chain };
  return armoured(writeXmlAssertion(assertion));
}
