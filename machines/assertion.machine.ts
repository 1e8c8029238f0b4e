/**
 * DIALBACK IDENTITY ASSERTION: the originating server has sent its key for one domain pair and waits for the answer.
 */
import { assign, setup } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import type { StateMeta } from './declare.ts';
import type { AssertionOutcome, DomainPair } from './events.ts';
import { limits } from './limits.ts';

export interface AssertionContext extends DomainPair {
  readonly answer: AssertionOutcome['answer'];
}

export const assertion = setup({
  types: {
    input: {} as DomainPair,
    context: {} as AssertionContext,
    events: {} as { type: 'peer.resultAnswered'; answer: DialbackAnswer },
    output: {} as AssertionOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  delays: { assertionTimeout: limits.assertionMs },
  guards: {
    answerIs: (_, params: { answer: DialbackAnswer; type: DialbackAnswer['type'] }) =>
      params.answer.type === params.type,
  },
  actions: { remember: assign((_, answer: DialbackAnswer) => ({ answer })) },
}).createMachine({
  id: 'assertion',
  description: 'One db:result of ours and its answer.',
  meta: { spec: 'XEP-0220 §2.1' },
  context: ({ input }) => ({ answer: { type: 'late' }, ...input }),
  initial: 'awaitingAnswer',
  states: {
    awaitingAnswer: {
      description: 'db:result is sent; the receiving server resolves, connects and verifies meanwhile.',
      meta: {
        spec: 'XEP-0220 §2.1.1',
        awaits: 'the answer to db:result',
        mover: 'peer',
        ifLate: 'the pair fails with remote-server-timeout; the stream lives on',
      },
      tags: 'waiting',
      on: {
        'peer.resultAnswered': [
          {
            guard: { type: 'answerIs', params: ({ event }) => ({ answer: event.answer, type: 'valid' as const }) },
            target: 'valid',
            actions: { type: 'remember', params: ({ event }) => event.answer },
          },
          {
            guard: { type: 'answerIs', params: ({ event }) => ({ answer: event.answer, type: 'invalid' as const }) },
            target: 'invalid',
            actions: { type: 'remember', params: ({ event }) => event.answer },
          },
          { target: 'refused', actions: { type: 'remember', params: ({ event }) => event.answer } },
        ],
      },
      after: { assertionTimeout: 'late' },
    },
    valid: { type: 'final', description: 'Stanzas of the pair may be sent.', meta: { spec: 'XEP-0220 §2.1.2' } },
    invalid: {
      type: 'final',
      description: 'The key was disowned; the peer is expected to close the stream.',
      meta: { spec: 'XEP-0220 §2.1.2' },
    },
    refused: { type: 'final', description: 'An error that concerns this pair alone.', meta: { spec: 'XEP-0220 §2.5' } },
    late: { type: 'final', description: 'No answer in time.', meta: { spec: 'XEP-0220 §2.1.1' } },
  },
  output: ({ context }) => ({ from: context.from, to: context.to, answer: context.answer }),
});
