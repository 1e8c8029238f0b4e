/** DIALBACK IDENTITY ASSERTION, as the originating server; piggybacked or not (XEP-0220 §2.1, RFC 7712 §4.4). */
import { assign, emit, enqueueActions } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import { fault } from '../src/protocol/faults.ts';
import type { AssertionOutcome, DomainPair } from './events.ts';
import { limits } from './limits.ts';
import { acceptableProof, mayWriteBack, pairId } from './stream-rules.ts';
import { raiseLimits, say } from './stream-setup.ts';
import { authentication } from './stream-authentication.ts';

export const identityAssertion = authentication.extend({
  guards: {
    /** S2: the far end is proved for the target; and stanzas of ours may go down this stream at all (XEP-0288 §2.2). */
    assertionIsOutOfOrder: ({ context }, { to }: DomainPair) =>
      (context.endpoint === null && !context.bidi) || acceptableProof(context, to) === null,
    assertionMayBeSent: ({ context }) => context.assertionsPending.length < limits.pendingAssertions,
    /** Responses count only if the request is outstanding on this very stream (S6, FACTS §14.1). */
    assertionIsOutstanding: ({ context }, { from, to }: DomainPair) =>
      context.assertionsPending.includes(pairId({ from: to, to: from })),
  },
  actions: {
    queueAssertion: assign(({ context }, pair: DomainPair) => ({
      assertionsWaiting: context.assertionsWaiting.some((waiting) => pairId(waiting) === pairId(pair))
        ? context.assertionsWaiting
        : [...context.assertionsWaiting, pair],
    })),
    /** Who asks again waits for the answer to the first. */
    sendAssertion: enqueueActions(({ context, enqueue }, { from, to }: DomainPair) => {
      if (context.assertionsPending.includes(pairId({ from, to }))) return;
      enqueue.assign({ assertionsPending: [...context.assertionsPending, pairId({ from, to })] });
      enqueue.spawnChild('assertion', { id: `assertion.${pairId({ from, to })}`, input: { from, to } });
      enqueue.sendTo('transport', say({ kind: 'result', from, to, key: null, answer: null }));
    }),
    refuseAssertion: emit(({ context }, { from, to }: DomainPair) => ({
      type: 'pair.refused' as const,
      stream: context.stream,
      from,
      to,
      fault: fault('policy', 'far-end-not-proved', 'peer', `the far end of this stream is not proved for ${to}`),
    })),
    /** The answer swaps the names. */
    forwardResultAnswer: enqueueActions(
      ({ enqueue }, { from, to, answer }: DomainPair & { answer: DialbackAnswer }) => {
        enqueue.sendTo(`assertion.${pairId({ from: to, to: from })}`, { type: 'peer.resultAnswered', answer });
      },
    ),
    settleAssertion: enqueueActions(({ context, enqueue }, outcome: AssertionOutcome) => {
      const { from, to, answer } = outcome;
      enqueue.stopChild(`assertion.${pairId(outcome)}`);
      const [next, ...waiting] = context.assertionsWaiting;
      const pending = context.assertionsPending.filter((id) => id !== pairId(outcome));
      enqueue.assign({
        assertionsPending: next === undefined ? pending : [...pending, pairId(next)],
        assertionsWaiting: waiting,
      });
      const proof = acceptableProof(context, to);
      if (answer.type === 'valid' && proof !== null) {
        enqueue.sendTo('transport', raiseLimits);
        enqueue.assign({ validPairs: context.validPairs + 1 });
        if (mayWriteBack(context, proof)) {
          enqueue.emit({ type: 'pair.admitted', stream: context.stream, from: to, to: from, proof });
        }
        enqueue.emit({ type: 'pair.accepted', stream: context.stream, from, to, proof });
      } else {
        const condition =
          answer.type === 'error' ? answer.condition : answer.type === 'late' ? 'remote-server-timeout' : 'invalid';
        const text = answer.type === 'error' ? answer.text : undefined;
        enqueue.emit({
          type: 'pair.refused',
          stream: context.stream,
          from,
          to,
          fault: fault('dialback', condition, 'peer', text),
        });
      }
      if (next !== undefined) {
        enqueue.spawnChild('assertion', { id: `assertion.${pairId(next)}`, input: next });
        enqueue.sendTo('transport', say({ kind: 'result', ...next, key: null, answer: null }));
      }
    }),
  },
});
