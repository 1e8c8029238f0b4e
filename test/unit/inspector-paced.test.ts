/** What the inspector costs is bounded: answers are made in slices, one after the other, and are good for a while. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Paced } from '../../src/inspector/paced.ts';

/** A clock that a step moves on; answers count how often they were made. */
function stage() {
  let nowMs = 0;
  let made = 0;
  const paced = new Paced<number>(() => nowMs);
  const steps = (count: number, stepMs: number) =>
    function* (): Generator<undefined, number> {
      for (let i = 0; i < count; i += 1) {
        nowMs += stepMs;
        yield;
      }
      return ++made;
    };
  return { paced, steps, pass: (ms: number) => (nowMs += ms) };
}

test('whoever asks for the same meanwhile, or within a quarter of a second, is given the same', async () => {
  const { paced, steps, pass } = stage();
  const first = paced.answer('/', steps(3, 0));
  assert.deepEqual(await Promise.all([first, paced.answer('/', steps(3, 0))]), [1, 1]);
  pass(249);
  assert.equal(await paced.answer('/', steps(3, 0)), 1);
  assert.equal(await paced.answer('/other', steps(3, 0)), 2);
  pass(2);
  assert.equal(await paced.answer('/', steps(3, 0)), 3);
});

test('an answer that took long is good for fifty times as long, and for ten seconds at most', async () => {
  const { paced, steps, pass } = stage();
  await paced.answer('/', steps(20, 1));
  pass(999);
  assert.equal(await paced.answer('/', steps(1, 0)), 1, 'twenty milliseconds are a second');
  pass(2);
  assert.equal(await paced.answer('/', steps(1_000, 1)), 2);
  pass(9_999);
  assert.equal(await paced.answer('/', steps(1, 0)), 2);
  pass(2);
  assert.equal(await paced.answer('/', steps(1, 0)), 3);
});

test('others have their turn between two slices, however long the answer takes', async () => {
  const { paced, steps } = stage();
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await paced.answer('/', steps(80, 1));
  isOver = true;
  assert.ok(turns >= 8, `${turns} turns in eighty milliseconds of work`);
});

test('after a change by hand the answer is made anew; one that could not be made is tried again', async () => {
  const { paced, steps } = stage();
  assert.equal(await paced.answer('/', steps(1, 0)), 1);
  paced.forget();
  assert.equal(await paced.answer('/', steps(1, 0)), 2);
  const broken = function* (): Generator<undefined, number> {
    yield;
    throw new Error('broken');
  };
  await assert.rejects(paced.answer('/broken', broken), /broken/);
  assert.equal(await paced.answer('/broken', steps(1, 0)), 3);
});
