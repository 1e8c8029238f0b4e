/** Children that are named by domains leave nothing behind in the charts (FACTS §14.22). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, createActor, fromCallback, sendTo, setup, spawnChild } from 'xstate';
import { forgettingChildren } from '../../src/control/child-ends.ts';

type Heard =
  | { readonly type: 'ask'; readonly domain: string; readonly fails: boolean }
  | { readonly type: `xstate.done.actor.claim.${string}` }
  | { readonly type: `xstate.error.actor.claim.${string}` };

/** Children without number, each of which ends at once, well or badly. */
function chart() {
  return setup({
    types: { context: {} as { readonly ends: readonly string[] }, events: {} as Heard },
    actors: {
      answer: setup({ types: { events: {} as { type: 'end' } } }).createMachine({
        initial: 'waiting',
        states: { waiting: { on: { end: 'done' } }, done: { type: 'final' } },
      }),
      break: fromCallback(() => {
        throw new Error('broken');
      }),
    },
  }).createMachine({
    context: { ends: [] },
    initial: 'outer',
    states: {
      outer: {
        initial: 'inner',
        states: {
          inner: {
            on: {
              ask: [
                {
                  guard: ({ event }) => event.fails,
                  actions: spawnChild('break', { id: ({ event }) => `claim.${event.domain}` }),
                },
                {
                  actions: [
                    spawnChild('answer', { id: ({ event }) => `claim.${event.domain}` }),
                    sendTo(({ event }) => `claim.${event.domain}`, { type: 'end' }),
                  ],
                },
              ],
            },
          },
        },
        on: {
          'xstate.done.actor.claim.*': {
            actions: assign({ ends: ({ context, event }) => [...context.ends, event.type] }),
          },
          'xstate.error.actor.claim.*': {
            actions: assign({ ends: ({ context, event }) => [...context.ends, event.type] }),
          },
        },
      },
    },
  });
}

/** How often a state was asked what it does on a type of event of which it knew nothing yet. */
function countLooks(machine: ReturnType<typeof chart>): () => number {
  let looks = 0;
  const transitions = machine.root.states['outer']?.transitions;
  assert.ok(transitions !== undefined);
  const keys = transitions.keys.bind(transitions);
  transitions.keys = () => {
    looks += 1;
    return keys();
  };
  return () => looks;
}

test('the end of each child is heard under its name, and its name is not kept (FACTS §14.22)', () => {
  const machine = forgettingChildren(chart());
  const looks = countLooks(machine);
  const actor = createActor(machine).start();
  const ask = (domain: string, fails: boolean) => actor.send({ type: 'ask', domain, fails });
  ask('d0.example', false);
  ask('e0.example', true);
  const known = looks();
  assert.ok(known > 0);
  for (let i = 1; i < 100; i += 1) {
    ask(`d${i}.example`, false);
    ask(`e${i}.example`, true);
  }
  assert.equal(looks(), known);
  const { ends } = actor.getSnapshot().context;
  assert.equal(ends.length, 200);
  assert.deepEqual(ends.slice(-2), ['xstate.done.actor.claim.d99.example', 'xstate.error.actor.claim.e99.example']);
});

test('an event of which a chart knows the very name is taken by it', () => {
  const machine = forgettingChildren(
    setup({ types: { events: {} as { type: 'xstate.done.actor.pkix' } } }).createMachine({
      initial: 'waiting',
      states: { waiting: { on: { 'xstate.done.actor.pkix': 'done' } }, done: {} },
    }),
  );
  const actor = createActor(machine).start();
  actor.send({ type: 'xstate.done.actor.pkix' });
  assert.equal(actor.getSnapshot().value, 'done');
});
