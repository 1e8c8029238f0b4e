/** Deadlines of a root actor and its descendants: the same as xstate's, but kept by owner. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, createMachine, raise, sendTo, spawnChild, stopChild } from 'xstate';
import { keepDeadlines } from '../../src/control/steps/deadlines.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const child = createMachine({
  initial: 'waiting',
  states: {
    waiting: { after: { 1_000: 'late' }, on: { again: { target: 'waiting', reenter: true }, enough: 'done' } },
    late: { after: { 5_000: 'done' } },
    done: { type: 'final' },
  },
});

const parent = createMachine({
  initial: 'waiting',
  on: {
    begin: { actions: [spawnChild(child, { id: 'one' }), spawnChild(child, { id: 'other' })] },
    drop: { actions: stopChild('one') },
    again: { actions: sendTo('other', { type: 'again' }) },
    later: { actions: raise({ type: 'tick' }, { delay: 300, id: 'later' }) },
    unnamed: { actions: [raise({ type: 'tick' }, { delay: 300 }), raise({ type: 'tick' }, { delay: 300 })] },
  },
  states: { waiting: { on: { tick: 'ticked' } }, ticked: { on: { tick: 'twice' } }, twice: {} },
});

/** The same sequence with xstate's own deadlines and with ours: the states at every step. */
function told(isOurs: boolean): unknown[] {
  const clock = new SimulatedClock();
  const root = createActor(parent, { clock });
  if (isOurs) keepDeadlines(root);
  root.start();
  const seen: unknown[] = [];
  const look = (what: string): void => {
    const { value, children } = root.getSnapshot();
    const states = Object.entries(children).map(([id, actor]) => [
      id,
      (actor as { getSnapshot(): { value: unknown } }).getSnapshot().value,
    ]);
    seen.push([what, value, states, clock.pending]);
  };
  const event = (type: string): void => {
    root.send({ type });
    look(type);
  };
  const pass = (ms: number): void => {
    clock.increment(ms);
    look(`${ms} ms`);
  };
  event('begin');
  pass(600);
  event('again');
  pass(399);
  pass(1);
  pass(600);
  event('drop');
  event('unnamed');
  pass(300);
  event('later');
  root.stop();
  look('stopped');
  return seen;
}

test('each deadline passes when it is due, ends with its state or its actor, and all with the root', () => {
  const ours = told(true);
  assert.deepEqual(ours, told(false));
  assert.deepEqual(ours[3], ['399 ms', 'waiting', [['one', 'waiting'], ['other', 'waiting']], 2]); // prettier-ignore
  assert.deepEqual(ours[4], ['1 ms', 'waiting', [['one', 'late'], ['other', 'waiting']], 2]); // prettier-ignore
  assert.equal((ours.at(-1) as unknown[]).at(-1), 0, 'nothing is left on the clock');
});
