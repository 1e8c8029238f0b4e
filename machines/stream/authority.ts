/** Questions to authoritative servers, and our own stateless answers as one (XEP-0220 §2.1.2, §2.2.2, XEP-0185). */
import { assign, emit, enqueueActions, sendTo } from 'xstate';
import type { DialbackAnswer } from '../../src/protocol/dialback.ts';
import type { DomainPair, TransportCommand } from '../events.ts';
import { hasMember } from '../collections/growing-table.ts';
import { limits } from '../limits.ts';
import { withPending, without } from './context.ts';
import { verifyId } from './rules.ts';
import { say } from './setup.ts';
import { domainNameAssertions } from './dna.ts';

type Question = DomainPair & { readonly id: string };

/** In the answer to a question, `from` and `to` are swapped. */
const answerTo = ({ from, to, id }: Question, answer: DialbackAnswer): TransportCommand =>
  say({ kind: 'verify', from: to, to: from, id, key: null, answer });

/** The set-up that both stream charts use. */
export const flowChart = domainNameAssertions.extend({
  guards: {
    verifyIsOutstanding: ({ context }, { from, to, id }: Question) =>
      context.pending.questions.includes(verifyId({ from: to, to: from, id })),
    verifyMayBeSent: ({ context }) => context.pending.questions.length < limits.pendingVerifies,
    noVerifyIsOutstanding: ({ context }) =>
      context.purpose === 'verification' && context.pending.questions.length === 0,
    someVerifyIsOutstanding: ({ context }) => context.pending.questions.length > 0,
  },
  actions: {
    answerVerify: sendTo('transport', ({ context }, question: Question & { keyMatches: boolean }) =>
      answerTo(
        question,
        !hasMember(context.settings.hosted, question.to)
          ? { type: 'error', condition: 'item-not-found' }
          : { type: question.keyMatches ? 'valid' : 'invalid' },
      ),
    ),
    refuseVerify: sendTo('transport', (_, question: Question) =>
      answerTo(question, { type: 'error', condition: 'policy-violation' }),
    ),
    sendVerify: enqueueActions(({ context, enqueue }, { from, to, id, key }: Question & { key: string }) => {
      enqueue.assign(withPending(context, { questions: [...context.pending.questions, verifyId({ from, to, id })] }));
      enqueue.sendTo('transport', say({ kind: 'verify', from, to, id, key, answer: null }));
    }),
    forgetVerify: assign(({ context }, question: Question) =>
      withPending(context, { questions: without(context.pending.questions, verifyId(question)) }),
    ),
    refuseToAsk: emit(({ context }, { from, to, id }: Question) => ({
      type: 'verify.answered' as const,
      stream: context.stream,
      from: to,
      to: from,
      id,
      answer: { type: 'error' as const, condition: 'resource-constraint' },
    })),
    reportVerifyAnswer: enqueueActions(
      ({ context, enqueue }, { from, to, id, answer }: Question & { answer: DialbackAnswer }) => {
        const answered = verifyId({ from: to, to: from, id });
        enqueue.assign(withPending(context, { questions: without(context.pending.questions, answered) }));
        enqueue.emit({ type: 'verify.answered', stream: context.stream, from, to, id, answer });
      },
    ),
  },
});
