/** The authoritative server of a domain that asserts itself to us does not answer `db:verify` (XEP-0220 §2.2.1). */
import { fixOf } from '../causes/diagnose.ts';
import { silence } from './diagnosis.ts';

export const verifyUnanswered = silence({
  id: 'verify-unanswered',
  states: { dialbackProoftype: ['awaitingVerifyAnswer'], initiatingStream: ['established.verifying'] },
  because: ({ where, domain, lasting }) =>
    `The authoritative server of ${domain} (${where}) has been asked whether the key is its own, and has not answered for ${lasting}.`,
  fix: ({ negotiation: { situation } }) => fixOf('sender-server-silent', situation),
});
