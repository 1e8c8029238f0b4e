/** A stream that delivers more bytes per second than it may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InletPace } from '../../src/adapters/inlet-pace.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

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
  let told = 0;
  const slowed = (): void => void (told += 1);
  const pace = new InletPace({ connection: tap, clock, bytesPerSecond: 1_000, slowed });
  pace.brought(1_000);
  assert.ok(tap.isOpen, 'what was not used of the last second');
  pace.brought(2_000);
  assert.ok(!tap.isOpen);
  pace.brought(500); // these had been read before
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
  assert.equal(told, 1, 'of a stream it is said once');
});

test('of whom we take leave all is read that was under way', async () => {
  const clock = new SimulatedClock();
  const tap = new Tap();
  const pace = new InletPace({ connection: tap, clock, bytesPerSecond: 1_000, slowed: () => undefined });
  pace.brought(60_000);
  assert.ok(!tap.isOpen);
  pace.lift();
  assert.ok(tap.isOpen);
  pace.brought(60_000);
  assert.ok(tap.isOpen);
  pace.pause();
  await clock.advance(120_000);
  assert.ok(!tap.isOpen, 'another holds it');
});

test('without a rate nobody is slowed', () => {
  const tap = new Tap();
  const slowed = (): void => assert.ok(false, 'it is slowed');
  const pace = new InletPace({ connection: tap, clock: new SimulatedClock(), bytesPerSecond: Infinity, slowed });
  for (let at = 0; at < 100; at += 1) pace.brought(1e12);
  assert.ok(tap.isOpen);
});
