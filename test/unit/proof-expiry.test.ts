/**
 * When proofs expire, and when they are renewed before that: the cost of checking it, and the effect of clock changes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { DeadlineHeap } from '../../src/control/deadline-heap.ts';
import { ProofExpiry } from '../../src/control/proof-expiry.ts';
import type { Clock } from '../../src/ports.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A clock that can be set while its timers continue, like that of a real machine. */
function stage() {
  const timers = new SimulatedClock();
  let setByMs = 0;
  const clock: Clock = {
    now: () => timers.now() + setByMs,
    setTimeout: (fn, delayMs) => timers.setTimeout(fn, delayMs),
    clearTimeout: (handle) => timers.clearTimeout(handle),
  };
  const startMs = timers.now();
  const due: [domain: string, atMs: number][] = [];
  const expired: [domain: string, atMs: number][] = [];
  const expiry = new ProofExpiry(clock, {
    renewalDue: (_, domain) => due.push([domain, timers.now() - startMs]),
    expired: (_, domain) => expired.push([domain, timers.now() - startMs]),
  });
  const prove = (domain: string, forMs: number): void => expiry.provedUntil(1, domain, clock.now() + forMs);
  const set = (byMs: number): number => (setByMs += byMs);
  return { expiry, clock, due, expired, prove, set, pass: (ms: number) => timers.increment(ms), timers };
}

test('whoever is due comes first, whatever was set, set anew and taken out before', () => {
  const heap = new DeadlineHeap<string>();
  const expected = new Map<string, number>();
  for (let n = 0; n < 2_000; n += 1) {
    const [key, dueMs] = [`${(n * 7919) % 613}`, (n * 104_729) % 1_009];
    if (n % 5 === 4) {
      heap.delete(key);
      expected.delete(key);
    } else {
      heap.set(key, dueMs);
      expected.set(key, dueMs);
    }
    assert.equal(heap.size, expected.size);
    assert.equal(heap.first()?.dueMs, expected.size === 0 ? undefined : Math.min(...expected.values()));
    assert.equal(heap.dueOf(key), expected.get(key));
  }
  const order: number[] = [];
  for (let first = heap.first(); first !== undefined; first = heap.first()) {
    order.push(first.dueMs);
    heap.delete(first.key);
  }
  assert.deepEqual(
    order,
    [...expected.values()].sort((a, b) => a - b),
  );
});

test('A14: renewals are asked for before the end, again and again, and the end comes in its time', () => {
  const { due, expired, prove, pass } = stage();
  prove('a.example', 10 * MINUTE);
  pass(11 * MINUTE);
  assert.ok(due.length > 5, `${due.length} times`);
  assert.deepEqual(due[0], ['a.example', 5 * MINUTE]);
  assert.deepEqual(expired, [['a.example', 10 * MINUTE]]);
});

test('A14: of a crowd so many are asked for at once, the others in a moment, and who ends first does so in time', () => {
  const { due, expired, prove, pass, expiry } = stage();
  const crowd = 100 * limits.renewalsAtOnce;
  for (let n = 0; n < crowd; n += 1) prove(`${n}.example`, MINUTE);
  expiry.restsUntil(1, '7.example', 0); // not before a proof can be renewed
  pass(30_000);
  assert.equal(due.length, limits.renewalsAtOnce);
  pass(limits.renewalPauseMs);
  assert.equal(due.length, 2 * limits.renewalsAtOnce);
  pass(MINUTE);
  assert.equal(expired.length, crowd);
  assert.deepEqual(new Set(expired.map(([, atMs]) => atMs)), new Set([MINUTE]));
});

test('10,000 domains with short proofs on one stream: a renewal costs a few looks, not one per domain', () => {
  const { due, prove, pass, expiry, expired } = stage();
  const domains = 10_000;
  for (let n = 0; n < domains; n += 1) {
    prove(`${n}.example`, 20 * MINUTE);
    pass(7);
  }
  let answered = 0;
  const before = expiry.visits;
  for (let step = 0; step < 60 * 60; step += 1) {
    pass(1_000);
    for (; answered < due.length; answered += 1) prove(due[answered]?.[0] ?? '', 20 * MINUTE);
  }
  assert.ok(answered >= 3 * domains, `${answered} renewals in an hour`);
  assert.equal(expired.length, 0);
  const perRenewal = (expiry.visits - before) / answered;
  // Both heaps are 14 deep; visiting every entry would take thousands.
  assert.ok(perRenewal < 200, `${perRenewal} looks per renewal`);
});

for (const [what, moments] of [
  ['before the first look', [0]],
  ['after a renewal was asked for', [6]],
  ['again and again', [1, 3, 6, 8]],
] as const) {
  test(`a clock that is set back by days does not make a proof last longer: ${what} (A14, S1)`, () => {
    const { expired, prove, pass, set } = stage();
    prove('a.example', 10 * MINUTE);
    for (let minute = 0; minute < 30; minute += 1) {
      if (moments.some((moment) => moment === minute)) set(-2 * DAY);
      pass(MINUTE);
      if (minute === 7) prove('b.example', 10 * MINUTE); // by the clock at that time
    }
    const ends = new Map(expired);
    const [endOfA = Infinity, endOfB = Infinity] = [ends.get('a.example'), ends.get('b.example')];
    // The time between the last check and the change of the clock is unknown.
    assert.ok(endOfA <= 20 * MINUTE && endOfA >= 10 * MINUTE, `${endOfA / MINUTE} minutes`);
    assert.ok(endOfB <= 25 * MINUTE && endOfB >= 18 * MINUTE, `${endOfB / MINUTE} minutes`);
  });
}

test('a clock that goes forward by days ends what ends by it; set back again it keeps what was proved meanwhile for its time', () => {
  const { expired, prove, pass, set } = stage();
  prove('a.example', 10 * MINUTE);
  prove('years.example', 700 * DAY);
  set(3 * DAY);
  pass(5 * MINUTE);
  assert.deepEqual(expired, [['a.example', 5 * MINUTE]], 'at the next look');
  prove('b.example', 10 * MINUTE);
  set(-3 * DAY);
  pass(20 * MINUTE);
  assert.deepEqual(expired.slice(1), [['b.example', 15 * MINUTE]]);
});

test('a clock that was set back and is set right again loses nothing: a proof ends when it said', () => {
  const { expired, prove, pass, set } = stage();
  prove('a.example', 100 * MINUTE);
  set(-DAY);
  pass(96 * MINUTE); // it has noticed the change
  set(DAY);
  pass(MINUTE);
  prove('b.example', 10 * MINUTE);
  pass(20 * MINUTE);
  const ends = new Map(expired);
  assert.equal(ends.get('a.example'), 100 * MINUTE);
  assert.equal(ends.get('b.example'), 107 * MINUTE);
});

test('what is forgotten is asked for no more, and holds no timer for ever', () => {
  const { due, expired, prove, pass, expiry, timers } = stage();
  prove('a.example', 10 * MINUTE);
  prove('b.example', 10 * MINUTE);
  expiry.forgetDomain(1, 'a.example');
  pass(20 * MINUTE);
  assert.deepEqual(new Set([...due, ...expired].map(([domain]) => domain)), new Set(['b.example']));
  prove('c.example', 10 * MINUTE);
  expiry.forget(1);
  assert.equal(timers.pending, 0);
});
