/** Effects that are complete when they return. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, createMachine } from 'xstate';
import { atOnce } from '../../src/adapters/at-once.ts';

const halve = atOnce<number, number>((n) => {
  if (n % 2 !== 0) throw new RangeError(`${n} is odd`);
  return n / 2;
});
const asking = (input: number) =>
  createMachine({
    initial: 'waiting',
    states: {
      waiting: { on: { ask: 'asking' } },
      asking: { invoke: { src: halve, input, onDone: 'answered', onError: 'failed' } },
      answered: {},
      failed: {},
    },
  });

test('the answer is there within the event that asked; what is thrown is the error of the actor', () => {
  for (const [input, state] of [
    [4, 'answered'],
    [5, 'failed'],
  ] as const) {
    const actor = createActor(asking(input)).start();
    actor.send({ type: 'ask' });
    assert.equal(actor.getSnapshot().value, state);
  }
});
