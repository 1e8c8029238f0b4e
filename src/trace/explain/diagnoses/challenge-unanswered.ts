/**
 * The far end was challenged to prove a delegation, in the DNA protocol of 2009, and does not answer (ProtoXEP DNA
 * §6.4).
 */
import { silence } from './diagnosis.ts';

export const challengeUnanswered = silence({
  id: 'challenge-unanswered',
  states: {
    challenge: ['awaitingProof'],
    association: ['challenge'],
    initiatingStream: ['association.awaitingChallenge'],
  },
  because: ({ domain, where, lasting }) =>
    `${where} asserts ${domain}, and has not shown for ${lasting} that the domain was delegated to it.`,
  fix: 'delegation-not-proved',
});
