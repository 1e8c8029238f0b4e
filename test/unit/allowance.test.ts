/** Rates: so much a second, and what was saved up (FEATURES L2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '../../src/adapters/allowance.ts';
import { InletPace } from '../../src/adapters/inlet-pace.ts';
import { RatePerAddress } from '../../src/adapters/per-address.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

test('what was saved up may be used at once, and then so much a second', () => {
  const allowance = new Allowance({ perSecond: 10, most: 30 }, 0);
  assert.ok(allowance.tryUse(30, 0));
  assert.ok(!allowance.tryUse(1, 99));
  assert.ok(allowance.tryUse(1, 100));
  assert.ok(!allowance.isFull(3_099));
  assert.ok(allowance.isFull(3_200));
  allowance.use(50, 10_000);
  assert.equal(allowance.debtMs(10_000), 2_000);
  assert.equal(allowance.debtMs(12_000), 0);
});

test('a clock that is set back gives nothing, and nobody waits until it is where it was', () => {
  const allowance = new Allowance({ perSecond: 10, most: 10 }, 1_000_000);
  allowance.use(20, 1_000_000);
  assert.equal(allowance.debtMs(0), 1_000);
  assert.equal(allowance.debtMs(1_000), 0);
});

test('each address has its own, the hosts of an IPv6 /64 one; who has rested is forgotten', () => {
  const rate = new RatePerAddress({ perSecond: 1, most: 3 });
  const taken = (address: string, nowMs: number): number =>
    Array.from({ length: 5 }, () => rate.take(address, nowMs)).filter((one) => one).length;
  assert.equal(taken('192.0.2.1', 0), 3);
  assert.equal(taken('2001:db8::1', 0), 3);
  assert.equal(taken('2001:db8::2', 0), 0);
  assert.equal(taken('192.0.2.1', 2_000), 2);
  for (let at = 0; at < 1_000; at += 1) rate.take(`198.51.${at >> 8}.${at & 255}`, 3_000);
  assert.equal(rate.size, 1_001, 'the /64 has rested by then');
  rate.take('192.0.2.9', 20_000);
  assert.equal(rate.size, 1);
});

class Tap {
  isOpen = true;
  pause(): void {
    this.isOpen = false;
  }
  resume(): void {
    this.isOpen = true;
  }
}

test('an inlet that brings too much is read no further until that was due, whoever else holds it', async () => {
  const clock = new SimulatedClock();
  const tap = new Tap();
  const pace = new InletPace({ connection: tap, clock, bytesPerSecond: 1_000 });
  pace.brought(1_000);
  assert.ok(tap.isOpen, 'what was not used of the last second');
  pace.brought(2_000);
  assert.ok(!tap.isOpen);
  pace.brought(500); // it had been read before
  await clock.advance(2_400);
  assert.ok(!tap.isOpen);
  pace.pause();
  await clock.advance(200);
  assert.ok(!tap.isOpen, 'another holds it still');
  pace.resume();
  assert.ok(tap.isOpen);
  pace.brought(3_000);
  pace.pause();
  pace.resume();
  assert.ok(!tap.isOpen, 'not before it is due');
  pace.stop();
  await clock.advance(60_000);
  assert.ok(!tap.isOpen, 'it has ended');
});

test('without a rate nobody is slowed', () => {
  const tap = new Tap();
  const pace = new InletPace({ connection: tap, clock: new SimulatedClock(), bytesPerSecond: Infinity });
  for (let at = 0; at < 100; at += 1) pace.brought(1e12);
  assert.ok(tap.isOpen);
});
