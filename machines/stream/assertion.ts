/** DIALBACK IDENTITY ASSERTION, as the originating server; piggybacked or not (XEP-0220 §2.1, RFC 7712 §4.4). */
import { assign, emit, enqueueActions } from 'xstate';
import type { DialbackAnswer } from '../../src/protocol/dialback.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import { pairOf } from '../../src/protocol/pairs.ts';
import type { AssertionOutcome, DomainPair } from '../events.ts';
import { withOutgoing } from '../collections/proved-pairs.ts';
import { heldIn, isHeld, nameIn, slotOf, withHeld, withoutHeld } from '../collections/slots.ts';
import { limits } from '../limits.ts';
import { type FailedChild, type StreamContext, withPending, without } from './context.ts';
import { authentication } from './authentication.ts';
import { acceptableProof, isFullForOurs, mayWriteBack, pairId } from './rules.ts';
import { raiseLimits, say } from './setup.ts';
import { nextInLine, withLast } from '../collections/waiting-line.ts';

/** Why no domain of ours is asserted to this target here. */
export const farEndNotProved = (to: string): Fault =>
  fault('policy', 'far-end-not-proved', 'peer', `the far end of this stream is not proved for ${to}`);

const faultOfAnswer = (answer: Exclude<AssertionOutcome['answer'], { type: 'valid' }>): Fault => {
  switch (answer.type) {
    case 'error':
      return fault('dialback', answer.condition, 'peer', answer.text);
    case 'invalid':
      return fault('dialback', 'invalid', 'peer');
    case 'late':
      return fault('dialback', 'remote-server-timeout', 'peer');
  }
};

function withoutAssertion(context: StreamContext, id: string) {
  const { assertions, overdueAssertions } = context.pending;
  return withPending(context, {
    assertions: withoutHeld(assertions, id),
    overdueAssertions: without(overdueAssertions, id),
  });
}

export const identityAssertion = authentication.extend({
  guards: {
    /** S2: the far end is not proved for the target, or our stanzas may not use this stream at all (XEP-0288 §2.2). */
    assertionIsOutOfOrder: ({ context }, { to }: DomainPair) =>
      (context.endpoint === null && !context.negotiation.bidi) || acceptableProof(context, to) === null,
    takesNoAssertion: ({ context }, pair: DomainPair) =>
      context.pending.waitingAssertions.length >= limits.waitingAssertions || isFullForOurs(context, pair),
    /** A response counts only if its request is outstanding on this same stream (S6, XEP-0220 §3.1). */
    assertionIsOutstanding: ({ context }, { from, to }: DomainPair) =>
      isHeld(context.pending.assertions, pairId({ from: to, to: from })),
  },
  actions: {
    queueAssertion: assign(({ context }, pair: DomainPair) =>
      withPending(context, { waitingAssertions: withLast(context.pending.waitingAssertions, pair) }),
    ),
    /** Sends the assertions whose turn it is; a repeated assertion waits for the answer to the first. */
    sendAssertions: enqueueActions(({ context, enqueue }) => {
      let { assertions } = context.pending;
      let places = limits.pendingAssertions + context.pending.overdueAssertions.length - heldIn(assertions);
      let waiting = context.pending.waitingAssertions;
      while (places > 0) {
        const turn = nextInLine(waiting);
        if (turn === null) break;
        const [{ from, to }, others] = turn;
        waiting = others;
        const id = pairId({ from, to });
        if (!isHeld(assertions, id)) {
          assertions = withHeld(assertions, id);
          places -= 1;
          const slot = slotOf(assertions, id);
          enqueue.spawnChild('assertion', { id: `assertion.${slot}`, input: { from, to } });
          enqueue.sendTo('transport', say({ kind: 'result', from, to, key: null, answer: null }));
          enqueue.raise({ type: 'assertion.overdue', from, to }, { id: `overdue.${slot}`, delay: 'assertionPatience' });
        }
        enqueue.emit({ type: 'pair.asserted', stream: context.stream, from, to });
      }
      if (waiting === context.pending.waitingAssertions) return;
      enqueue.assign(withPending(context, { assertions, waitingAssertions: waiting }));
    }),
    /** Unanswered assertions must not keep others from their turn (L5). */
    yieldTurn: assign(({ context }, pair: DomainPair) => {
      const { assertions, overdueAssertions } = context.pending;
      const isLate = isHeld(assertions, pairId(pair)) && overdueAssertions.length < limits.overdueAssertions;
      return isLate ? withPending(context, { overdueAssertions: [...overdueAssertions, pairId(pair)] }) : {};
    }),
    refuseAssertion: emit(({ context }, { from, to, why }: DomainPair & { why: Fault }) => ({
      type: 'pair.refused' as const,
      stream: context.stream,
      from,
      to,
      fault: why,
    })),
    /** `from` and `to` are swapped in the answer. */
    forwardResultAnswer: enqueueActions(
      ({ context, enqueue }, { from, to, answer }: DomainPair & { answer: DialbackAnswer }) => {
        const slot = slotOf(context.pending.assertions, pairId({ from: to, to: from }));
        enqueue.sendTo(`assertion.${slot}`, { type: 'peer.resultAnswered', answer });
      },
    ),
    endAssertion: enqueueActions(({ context, enqueue }, pair: DomainPair) => {
      const id = pairId(pair);
      const slot = slotOf(context.pending.assertions, id);
      enqueue.stopChild(`assertion.${slot}`);
      enqueue.cancel(`overdue.${slot}`);
      enqueue.assign(withoutAssertion(context, id));
    }),
    settleFailedAssertion: enqueueActions(({ context, enqueue }, { slot, error }: FailedChild) => {
      const id = nameIn(context.pending.assertions, slot);
      if (id === null) return;
      enqueue.stopChild(`assertion.${slot}`);
      enqueue.cancel(`overdue.${slot}`);
      enqueue.assign(withoutAssertion(context, id));
      const why = toFault(error, 'internal');
      enqueue.emit({ type: 'pair.refused', stream: context.stream, ...pairOf(id), fault: why });
    }),
    settleAssertion: enqueueActions(({ context, enqueue }, { from, to, answer }: AssertionOutcome) => {
      const { stream } = context;
      const proof = answer.type === 'valid' ? acceptableProof(context, to) : null;
      if (proof === null) {
        const why = answer.type === 'valid' ? farEndNotProved(to) : faultOfAnswer(answer);
        enqueue.emit({ type: 'pair.refused', stream, from, to, fault: why });
        return;
      }
      enqueue.sendTo('transport', raiseLimits);
      enqueue.assign({ validPairs: withOutgoing(context.validPairs, { from, to }, proof) });
      if (mayWriteBack(context, proof)) enqueue.emit({ type: 'pair.admitted', stream, from: to, to: from, proof });
      enqueue.emit({ type: 'pair.accepted', stream, from, to, proof });
    }),
  },
});
