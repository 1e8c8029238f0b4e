/** DIALBACK IDENTITY VERIFICATION, as the receiving server (XEP-0220 §2.2.1). */
import { enqueueActions, sendTo } from 'xstate';
import type { DialbackAnswer } from '../../src/protocol/dialback.ts';
import { type Fault, faultSentence, toFault } from '../../src/protocol/faults.ts';
import { deniedBy } from '../../src/protocol/policy.ts';
import { pairOf } from '../../src/protocol/pairs.ts';
import type { DomainPair, TransportCommand, VerificationOutcome } from '../events.ts';
import { hasMember } from '../collections/growing-table.ts';
import { withIncoming } from '../collections/proved-pairs.ts';
import { heldIn, isHeld, nameIn, slotOf, withHeld, withoutHeld } from '../collections/slots.ts';
import { limits } from '../limits.ts';
import { identityAssertion } from './assertion.ts';
import { type FailedChild, type StreamContext, withPending } from './context.ts';
import {
  assertionOfOurs,
  associationOf,
  faultOfPair,
  isFullFor,
  isWithdrawn,
  outdatedTls,
  pairId,
  policyTowards,
  provedByNothing,
  withProof,
} from './rules.ts';
import { raiseLimits, say } from './setup.ts';

/** In the answer to an assertion, `from` and `to` are swapped. */
const resultFor = ({ from, to }: DomainPair, answer: DialbackAnswer): TransportCommand =>
  say({ kind: 'result', from: to, to: from, key: null, answer });

/** The policy may have changed since the verification began (S1). */
function underPolicyInForce(context: StreamContext, outcome: VerificationOutcome): VerificationOutcome {
  const why = outcome.proof === null ? null : faultOfPair(context, outcome.from, outcome.proof);
  if (why === null) return outcome;
  return { ...outcome, proof: null, answer: { type: 'error', condition: 'policy-violation' } };
}

function refusedAtOnce({ from, to }: DomainPair, why: Fault): VerificationOutcome {
  const text = `a strong proof is required here: ${why.layer}: ${why.condition}`;
  return {
    from,
    to,
    answer: { type: 'error', condition: 'not-authorized', text },
    proof: null,
    attempts: [
      {
        prooftype: 'pkix',
        verdict: { kind: why.condition === 'no-certificate' ? 'undetermined' : 'refuted', fault: why },
      },
    ],
  };
}

export const identityVerification = identityAssertion.extend({
  guards: {
    /** On a stream that we opened, only if it is bidirectional (XEP-0288 §2.2). */
    assertionsMayComeIn: ({ context }) => context.endpoint === null || context.negotiation.bidi,
    /** XEP-0220 §2.2.1: a disowned key closes the stream only where no other pair would suffer (L5). */
    keyWasDisownedAndNobodySuffers: ({ context }, { answer }: VerificationOutcome) =>
      answer.type === 'error' &&
      answer.condition === 'forbidden' &&
      context.validPairs.size === 0 &&
      heldIn(context.pending.verifications) === 1,
  },
  actions: {
    /** A repeated assertion waits for the answer to the first; too many are refused (XEP-0220 §2.5). */
    verifyAssertion: enqueueActions(({ context, enqueue }, assertion: DomainPair & { key: string }) => {
      const { from, to } = assertion;
      if (isHeld(context.pending.verifications, pairId(assertion))) return;
      if (heldIn(context.pending.verifications) >= limits.pendingVerifications || isFullFor(context, { from, to })) {
        enqueue.sendTo('transport', resultFor(assertion, { type: 'error', condition: 'resource-constraint' }));
        return;
      }
      const targetIsHosted = hasMember(context.settings.hosted, to);
      const denied =
        deniedBy(context.settings.policy, from) ?? assertionOfOurs(context, from) ?? outdatedTls(context, from);
      // No child is spawned if the outcome is already known: a peer may assert thousands of domains.
      const why = targetIsHosted && denied === null ? provedByNothing(context, from) : null;
      if (why !== null) {
        const outcome = refusedAtOnce(assertion, why);
        enqueue.emit({ type: 'verification.settled', stream: context.stream, outcome });
        enqueue.sendTo('transport', resultFor(outcome, outcome.answer));
        return;
      }
      const verifications = withHeld(context.pending.verifications, pairId(assertion));
      enqueue.assign(withPending(context, { verifications }));
      enqueue.spawnChild('verification', {
        id: `verification.${slotOf(verifications, pairId(assertion))}`,
        input: {
          from,
          to,
          key: assertion.key,
          id: context.negotiation.wireId,
          policy: policyTowards(context, from),
          association: associationOf(context, from),
          targetIsHosted,
          denied,
          secured: context.tls !== null,
          // In the reverse direction of a bidirectional stream the far end chose the id.
          dialbackCounts: context.endpoint === null,
        },
      });
    }),
    declineAssertion: sendTo('transport', (_, { condition, ...pair }: DomainPair & { condition: string }) =>
      resultFor(pair, { type: 'error', condition }),
    ),
    /**
     * An assertion made before TLS or SASL refers to a stream id that is no longer valid: it must be made again (S5).
     */
    forgetAssertions: enqueueActions(({ context, enqueue }) => {
      for (const slot of context.pending.verifications.keys()) enqueue.stopChild(`verification.${slot}`);
      enqueue.assign(withPending(context, { verifications: [] }));
    }),
    settleVerification: enqueueActions(({ context, enqueue }, verified: VerificationOutcome) => {
      const outcome = underPolicyInForce(context, verified);
      const { from, to, answer, proof } = outcome;
      // A domain admitted without proof, under permissive federation, does not thereby become a target for our stanzas.
      const mayAnswer = context.negotiation.bidi && proof !== null && proof.strength !== 'none';
      const { verifications } = context.pending;
      enqueue.stopChild(`verification.${slotOf(verifications, pairId(outcome))}`);
      enqueue.assign({
        ...withPending(context, { verifications: withoutHeld(verifications, pairId(outcome)) }),
        validPairs: proof === null ? context.validPairs : withIncoming(context.validPairs, { from, to }, proof),
        // XEP-0288 §2.2: a domain validly used as a source may be a target. A withdrawn domain is reinstated by this
        // proof. Otherwise the proof stays with its pair, since only that was asserted: a domain in `proved` may answer
        // every domain of ours that has sent to it. If the far end then asserts the domain (ProtoXEP §4.1), the domain
        // itself is judged again, from remembered answers.
        ...(proof !== null && (mayAnswer || isWithdrawn(context, from)) ? withProof(context, from, proof) : {}),
      });
      enqueue.emit({ type: 'verification.settled', stream: context.stream, outcome });
      if (proof !== null) {
        // The pair is reported before the answer is sent: stanzas may follow the answer immediately (S1).
        enqueue.sendTo('transport', raiseLimits);
        enqueue.emit({ type: 'pair.admitted', stream: context.stream, from, to, proof });
      }
      enqueue.sendTo('transport', resultFor(outcome, answer));
      // The reverse pair is reported after the answer: stanzas that arrived before it would be refused.
      if (mayAnswer) {
        enqueue.emit({ type: 'pair.accepted', stream: context.stream, from: to, to: from, proof });
      }
    }),
    answerInvalid: enqueueActions(({ context, enqueue }, outcome: VerificationOutcome) => {
      enqueue.stopChild(`verification.${slotOf(context.pending.verifications, pairId(outcome))}`);
      enqueue.sendTo('transport', resultFor(outcome, { type: 'invalid' }));
    }),
    settleFailedVerification: enqueueActions(({ context, enqueue }, { slot, error }: FailedChild) => {
      const { verifications } = context.pending;
      const id = nameIn(verifications, slot);
      if (id === null) return;
      enqueue.stopChild(`verification.${slot}`);
      enqueue.assign(withPending(context, { verifications: withoutHeld(verifications, id) }));
      const pair = pairOf(id);
      const answer: DialbackAnswer = { type: 'error', condition: 'internal-server-error' };
      // The details of an internal failure go to the owner; the peer learns only that one occurred.
      const told = { ...answer, text: faultSentence(toFault(error, 'internal')) };
      const outcome = { ...pair, answer: told, proof: null, attempts: [] };
      enqueue.emit({ type: 'verification.settled', stream: context.stream, outcome });
      enqueue.sendTo('transport', resultFor(pair, answer));
    }),
  },
});
