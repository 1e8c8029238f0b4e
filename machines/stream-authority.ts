/** Questions to authoritative servers, and our answers as one: stateless (XEP-0220 §2.3, XEP-0185). */
import { assign, emit, enqueueActions } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import type { DomainPair } from './events.ts';
import { limits } from './limits.ts';
import { verifyId } from './stream-rules.ts';
import { say } from './stream-setup.ts';
import { identityVerification } from './stream-verification.ts';

export const flowChart = identityVerification.extend({
  guards: {
    verifyIsOutstanding: ({ context }, { from, to, id }: DomainPair & { id: string }) =>
      context.verifiesOutstanding.includes(verifyId({ from: to, to: from, id })),
    verifyMayBeSent: ({ context }) => context.verifiesOutstanding.length < limits.pendingVerifies,
    noVerifyIsOutstanding: ({ context }) =>
      context.purpose === 'verification' && context.verifiesOutstanding.length === 0,
    someVerifyIsOutstanding: ({ context }) => context.verifiesOutstanding.length > 0,
  },
  actions: {
    answerVerify: enqueueActions(
      ({ context, enqueue }, { from, to, id, keyMatches }: DomainPair & { id: string; keyMatches: boolean }) => {
        const answer: DialbackAnswer = !context.settings.hosted.has(to)
          ? { type: 'error', condition: 'item-not-found' }
          : { type: keyMatches ? 'valid' : 'invalid' };
        enqueue.sendTo('transport', say({ kind: 'verify', from: to, to: from, id, key: null, answer }));
      },
    ),
    refuseVerify: enqueueActions(({ enqueue }, { from, to, id }: DomainPair & { id: string }) => {
      const answer: DialbackAnswer = { type: 'error', condition: 'policy-violation' };
      enqueue.sendTo('transport', say({ kind: 'verify', from: to, to: from, id, key: null, answer }));
    }),
    sendVerify: enqueueActions(
      ({ context, enqueue }, { from, to, id, key }: DomainPair & { id: string; key: string }) => {
        enqueue.assign({ verifiesOutstanding: [...context.verifiesOutstanding, verifyId({ from, to, id })] });
        enqueue.sendTo('transport', say({ kind: 'verify', from, to, id, key, answer: null }));
      },
    ),
    forgetVerify: assign(({ context }, question: DomainPair & { id: string }) => ({
      verifiesOutstanding: context.verifiesOutstanding.filter((asked) => asked !== verifyId(question)),
    })),
    refuseToAsk: emit(({ context }, { from, to, id }: DomainPair & { id: string }) => ({
      type: 'verify.answered' as const,
      stream: context.stream,
      from: to,
      to: from,
      id,
      answer: { type: 'error' as const, condition: 'resource-constraint' },
    })),
    reportVerifyAnswer: enqueueActions(
      ({ context, enqueue }, { from, to, id, answer }: DomainPair & { id: string; answer: DialbackAnswer }) => {
        const answered = verifyId({ from: to, to: from, id });
        enqueue.assign({ verifiesOutstanding: context.verifiesOutstanding.filter((asked) => asked !== answered) });
        enqueue.emit({ type: 'verify.answered', stream: context.stream, from, to, id, answer });
      },
    ),
  },
});
