/** The scenarios, in the order of the flow chart (RFC 7712 §4): from one pair to many, and from proof to refusal. */
import { bidirectional } from './scenarios/bidirectional.ts';
import { bothAtOnce } from './scenarios/both-at-once.ts';
import { clientUsageOnly } from './scenarios/client-usage-only.ts';
import { connectionReuse } from './scenarios/connection-reuse.ts';
import { dane } from './scenarios/dane.ts';
import { daneMismatch } from './scenarios/dane-mismatch.ts';
import { delegationChallenge } from './scenarios/delegation-challenge.ts';
import { hosting } from './scenarios/hosting.ts';
import { noClientCertificate } from './scenarios/no-client-certificate.ts';
import { onePairRefused } from './scenarios/one-pair-refused.ts';
import { piggybackingAssertion } from './scenarios/piggybacking-assertion.ts';
import { piggybackingSupposition } from './scenarios/piggybacking-supposition.ts';
import { posh } from './scenarios/posh.ts';
import { sameCertificate } from './scenarios/same-certificate.ts';
import { serverUsageOnly } from './scenarios/server-usage-only.ts';
import { simpleMutual } from './scenarios/simple-mutual.ts';
import { wrongCertificate } from './scenarios/wrong-certificate.ts';
import { suppliedTrustAnchor } from './scenarios/supplied-trust-anchor.ts';
import { ownProoftype } from './scenarios/own-prooftype.ts';
import { forClients } from './scenarios/for-clients.ts';
import { secureDelegation } from './scenarios/secure-delegation.ts';
import type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [
  simpleMutual,
  noClientCertificate,
  sameCertificate,
  serverUsageOnly,
  clientUsageOnly,
  dane,
  secureDelegation,
  posh,
  piggybackingAssertion,
  piggybackingSupposition,
  connectionReuse,
  hosting,
  delegationChallenge,
  suppliedTrustAnchor,
  ownProoftype,
  forClients,
  bidirectional,
  onePairRefused,
  wrongCertificate,
  daneMismatch,
  bothAtOnce,
];
