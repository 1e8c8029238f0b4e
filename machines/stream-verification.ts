/** DIALBACK IDENTITY VERIFICATION, as the receiving server (XEP-0220 §2.2.1). */
import { enqueueActions } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import { toFault } from '../src/protocol/faults.ts';
import { deniedBy } from '../src/protocol/policy.ts';
import type { AssociationOutcome, DomainPair, VerificationOutcome } from './events.ts';
import { limits } from './limits.ts';
import { assertionOfOurs, outdatedTls, pairId, policyTowards } from './stream-rules.ts';
import { raiseLimits, say } from './stream-setup.ts';
import { identityAssertion } from './stream-assertion.ts';

export const identityVerification = identityAssertion.extend({
  guards: {
    /** In reverse only on a bidirectional stream (XEP-0288 §2.2). */
    assertionsMayComeIn: ({ context }) => context.endpoint === null || context.bidi,
    /** XEP-0220 §2.2.1: a disowned key closes the stream only where no other pair would suffer (L5). */
    keyWasDisownedAndNobodySuffers: ({ context }, { answer }: VerificationOutcome) =>
      answer.type === 'error' &&
      answer.condition === 'forbidden' &&
      context.validPairs === 0 &&
      context.verificationsPending.length === 1,
  },
  actions: {
    /** A repeated assertion waits for the answer to the first; too many are refused (XEP-0220 §2.5, FACTS §14.22). */
    verifyAssertion: enqueueActions(({ context, enqueue }, assertion: DomainPair & { key: string }) => {
      const { from, to } = assertion;
      if (context.verificationsPending.includes(pairId(assertion))) return;
      if (
        context.verificationsPending.length >= limits.pendingVerifications ||
        context.validPairs >= limits.pairsPerStream
      ) {
        const answer: DialbackAnswer = { type: 'error', condition: 'resource-constraint' };
        enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
        return;
      }
      enqueue.assign({ verificationsPending: [...context.verificationsPending, pairId(assertion)] });
      enqueue.spawnChild('verification', {
        id: `verification.${pairId(assertion)}`,
        input: {
          from,
          to,
          key: assertion.key,
          stream: context.stream,
          id: context.wireId,
          policy: policyTowards(context, assertion.from),
          targetIsHosted: context.settings.hosted.has(assertion.to),
          denied:
            deniedBy(context.settings.policy, assertion.from) ??
            assertionOfOurs(context, assertion.from) ??
            outdatedTls(context, assertion.from),
          secured: context.tls !== null,
          certificate: context.tls?.certificate ?? null,
          // In reverse on a bidirectional stream the far end chose the id (FACTS §9).
          dialbackCounts: context.endpoint === null,
        },
      });
    }),
    declineAssertion: enqueueActions(({ enqueue }, { from, to, condition }: DomainPair & { condition: string }) => {
      const answer: DialbackAnswer = { type: 'error', condition };
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
    }),
    /** An assertion made before TLS, or before SASL, names a stream id that is no more: it has to be made again (S5). */
    forgetAssertions: enqueueActions(({ context, enqueue }) => {
      for (const assertion of context.verificationsPending) enqueue.stopChild(`verification.${assertion}`);
      enqueue.assign({ verificationsPending: [] });
    }),
    settleVerification: enqueueActions(({ context, enqueue }, outcome: VerificationOutcome) => {
      const { from, to, answer, proof } = outcome;
      // What permissive federation lets in unproved is not for that a place to send to (FACTS §9).
      const mayAnswer = context.bidi && proof !== null && proof.strength !== 'none';
      enqueue.stopChild(`verification.${pairId(outcome)}`);
      enqueue.assign({
        verificationsPending: context.verificationsPending.filter((id) => id !== pairId(outcome)),
        validPairs: context.validPairs + (proof === null ? 0 : 1),
        // XEP-0288 §2.2: a domain validly used as a source may be a target.
        proved: mayAnswer ? { ...context.proved, [from]: proof } : context.proved,
      });
      enqueue.emit({ type: 'verification.settled', stream: context.stream, outcome });
      if (proof !== null) {
        // The fact comes before the answer: stanzas may follow at once (S1).
        enqueue.sendTo('transport', raiseLimits);
        enqueue.emit({ type: 'pair.admitted', stream: context.stream, from, to, proof });
      }
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
      // In reverse only after it: stanzas that came before the answer would be refused.
      if (mayAnswer) {
        enqueue.emit({ type: 'pair.accepted', stream: context.stream, from: to, to: from, proof });
      }
    }),
    answerInvalid: enqueueActions(({ enqueue }, { from, to }: VerificationOutcome) => {
      enqueue.stopChild(`verification.${pairId({ from, to })}`);
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer: { type: 'invalid' } }));
    }),
    /** An actor that failed is its own fault; those who wait for it are told (STYLE, Actors). */
    settleFailedChild: enqueueActions(({ context, enqueue }, { id, error }: { id: string; error: unknown }) => {
      enqueue.stopChild(id);
      const dot = id.indexOf('.');
      const machine = id.slice(0, dot);
      const subject = id.slice(dot + 1);
      const [from = '', to = ''] = subject.split('>');
      const what = toFault(error, 'internal');
      if (machine === 'assertion') {
        enqueue.assign({ assertionsPending: context.assertionsPending.filter((pending) => pending !== subject) });
        enqueue.emit({ type: 'pair.refused', stream: context.stream, from, to, fault: what });
      } else if (machine === 'verification') {
        enqueue.assign({ verificationsPending: context.verificationsPending.filter((pending) => pending !== subject) });
        const answer: DialbackAnswer = { type: 'error', condition: 'internal-server-error' };
        enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
      } else if (machine === 'association') {
        enqueue.assign({ associationsPending: context.associationsPending.filter((pending) => pending !== subject) });
        const outcome: AssociationOutcome = {
          domain: subject,
          verdict: { kind: 'undetermined', fault: what },
          attempts: [],
        };
        enqueue.emit({ type: 'association.settled', stream: context.stream, outcome });
      }
    }),
  },
});
