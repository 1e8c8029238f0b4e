/** The cost of the inspector is bounded: answers are made in slices, in turns, and are reused for a while. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Interim, Overasked, Paced } from '../../src/inspector/paced.ts';

/** A clock that each step advances; answers count how often they were made. */
function stage() {
  let nowMs = 0;
  let usedMs = 0;
  let made = 0;
  const paced = new Paced<number>(
    () => nowMs,
    () => usedMs,
  );
  /** Others use the processor for a part of each step. */
  const steps = (count: number, stepMs: number, interim?: Interim<number>, othersMs = 0) =>
    function* (): Generator<Interim<number> | undefined, number> {
      for (let i = 0; i < count; i += 1) {
        nowMs += stepMs;
        usedMs += stepMs - othersMs;
        yield interim;
      }
      return ++made;
    };
  const whole = async (...asked: Parameters<typeof paced.answer>): Promise<number> =>
    (await paced.answer(...asked)).answer;
  return { paced, whole, steps, pass: (ms: number) => (nowMs += ms) };
}

test('whoever asks for the same meanwhile, or within a quarter of a second, is given the same', async () => {
  const { whole, steps, pass } = stage();
  const first = whole('/', steps(3, 0));
  assert.deepEqual(await Promise.all([first, whole('/', steps(3, 0))]), [1, 1]);
  pass(249);
  assert.equal(await whole('/', steps(3, 0)), 1);
  assert.equal(await whole('/other', steps(3, 0)), 2);
  pass(2);
  assert.equal(await whole('/', steps(3, 0)), 3);
});

test('an answer that took much is good for a hundred times the processor time, and for twelve seconds at most', async () => {
  const { whole, steps, pass } = stage();
  await whole('/', steps(10, 1));
  pass(999);
  assert.equal(await whole('/', steps(1, 0)), 1, 'ten milliseconds are a second');
  pass(2);
  assert.equal(await whole('/', steps(1_000, 1)), 2);
  pass(11_999);
  assert.equal(await whole('/', steps(1, 0)), 2);
  pass(2);
  assert.equal(await whole('/', steps(1_000, 1, undefined, 0.99)), 3);
  pass(1_001);
  assert.equal(await whole('/', steps(1, 0)), 4, 'ten milliseconds of a second were ours');
});

test('others have their turn between two slices, however long the answer takes', async () => {
  const { whole, steps } = stage();
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await whole('/', steps(80, 1));
  isOver = true;
  assert.ok(turns >= 8, `${turns} turns in eighty milliseconds of work`);
});

test('a short answer does not wait for the end of a long one: they are made by turns', async () => {
  const { whole, steps } = stage();
  const ends: string[] = [];
  const asked = (key: string, count: number) => whole(key, steps(count, 1)).then(() => ends.push(key));
  await Promise.all([asked('long', 800), asked('short', 20)]);
  assert.deepEqual(ends, ['short', 'long']);
});

test('whoever polls is given what there is after a tenth of a second, and the whole when he asks again', async () => {
  const { paced, whole, steps, pass } = stage();
  const interims: number[] = [];
  const long = steps(400, 1, () => interims.push(-1) * -7);
  assert.deepEqual(await paced.soon('/', long), { answer: -7, ageMs: 0 });
  assert.deepEqual(await paced.soon('/', long), { answer: -7, ageMs: 0 }, 'it is still being made');
  pass(7);
  assert.deepEqual(await paced.soon('/', long), { answer: -7, ageMs: 7 });
  assert.equal(await whole('/', long), 1, 'whoever wants all of it waits');
  assert.equal((await paced.soon('/', long)).answer, 1);
  assert.equal(interims.length, 1);
});

test('what has been found of a very long answer is told anew every second, and never as newer than it is', async () => {
  const { paced, whole, steps } = stage();
  let found = 0;
  const long = steps(2_500, 1, () => (found += 1));
  await paced.soon('/', long);
  const all = whole('/', long);
  const seen = new Set<number>();
  for (let isOver = false; !isOver;) {
    const { answer, ageMs } = await paced.soon('/', long);
    seen.add(answer);
    assert.ok(ageMs <= 1_000 + 8, `${ageMs} ms`);
    isOver = await Promise.race([all.then(() => true), new Promise<false>((go) => setImmediate(go, false))]);
  }
  assert.deepEqual([...seen], [1, 2, 3]);
});

test('whoever polls is given the answer before, with its age, while a long one is made anew', async () => {
  const { paced, whole, steps, pass } = stage();
  await whole('/', steps(400, 1));
  pass(12_001);
  assert.deepEqual(await paced.soon('/', steps(400, 1)), { answer: 1, ageMs: 12_001 });
  assert.equal(await whole('/', steps(400, 1)), 2, 'the one that was begun then');
  pass(30_001);
  assert.equal((await paced.soon('/', steps(1, 0))).answer, 3, 'older than half a minute is too old');
});

test('a short answer is never of before', async () => {
  const { paced, whole, steps, pass } = stage();
  await whole('/', steps(10, 1));
  pass(1_001);
  assert.deepEqual(await paced.soon('/', steps(10, 1)), { answer: 2, ageMs: 0 });
});

test('after a change by hand the answer is made anew; one that could not be made is tried again', async () => {
  const { paced, whole, steps } = stage();
  assert.equal(await whole('/', steps(400, 1)), 1);
  paced.forget();
  assert.equal((await paced.soon('/', steps(1, 0))).answer, 2);
  const broken = function* (): Generator<undefined, number> {
    yield;
    throw new Error('broken');
  };
  await assert.rejects(whole('/broken', broken), /broken/);
  assert.equal(await whole('/broken', steps(1, 0)), 3);
});

test('what is being made is made once, however many others are asked for meanwhile', async () => {
  const { whole, steps } = stage();
  const keys = Array.from({ length: 40 }, (_, n) => `/${n}`);
  const first = Promise.all(keys.map((key) => whole(key, steps(3, 0))));
  const again = Promise.all(keys.slice(0, 8).map((key) => whole(key, steps(3, 0))));
  assert.deepEqual((await first).slice(0, 8), await again);
  assert.equal(await whole('/last', steps(1, 0)), 41);
});

test('of very many questions a few are begun at a time, and those that are too many are refused, not kept', async () => {
  const { whole } = stage();
  let [begun, most] = [0, 0];
  const slow = function* (): Generator<undefined, number> {
    begun += 1;
    most = Math.max(most, begun);
    for (let i = 0; i < 20; i += 1) yield;
    begun -= 1;
    return 1;
  };
  const asked = Array.from({ length: 1_000 }, (_, i) => whole(`/${i}`, slow));
  const settled = await Promise.allSettled(asked);
  const refused = settled.filter((one) => one.status === 'rejected');
  assert.ok(refused.every(({ reason }) => reason instanceof Overasked));
  assert.equal(refused.length, 1_000 - 64);
  assert.ok(most <= 4, `${most} at once`);
  assert.equal(await whole('/after', slow), 1);
});
