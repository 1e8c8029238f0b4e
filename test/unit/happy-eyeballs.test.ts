import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { raceAddresses } from '../../src/adapters/network/happy-eyeballs.ts';
import type { AttemptFailure } from '../../src/adapters/network/happy-eyeballs.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import type { AddressRecord } from '../../src/protocol/dns.ts';
import { fault } from '../../src/protocol/faults.ts';

type Behaviour = { readonly afterMs: number; readonly answers: boolean } | 'silent';

const DELAY_MS = 250;
const refused = fault('tcp', 'connection-refused', 'peer');

/** A race of addresses with the given behaviours; the address is the index in `behaviours`. */
function race(behaviours: readonly Behaviour[]) {
  const clock = new SimulatedClock(0);
  const started: (readonly [atMs: number, address: string])[] = [];
  const live = new Set<string>();
  const won: string[] = [];
  const lost: (readonly AttemptFailure[])[] = [];
  const addresses = behaviours.map((_, index): AddressRecord => ({ family: 4, address: String(index) }));
  const cancel = raceAddresses<string>({
    addresses,
    clock,
    attemptDelayMs: DELAY_MS,
    attempt: ({ address }, connected, failed) => {
      started.push([clock.now(), address]);
      live.add(address);
      const behaviour = behaviours[Number(address)]!;
      if (behaviour !== 'silent') {
        const answer = (): void => {
          if (behaviour.answers) connected(address);
          else {
            live.delete(address);
            failed(refused);
          }
        };
        if (behaviour.afterMs === 0) answer();
        else clock.setTimeout(answer, behaviour.afterMs);
      }
      return () => live.delete(address);
    },
    won: (link) => won.push(link),
    lost: (failures) => lost.push(failures),
  });
  return { clock, started, live, won, lost, cancel };
}

const answers = (afterMs: number): Behaviour => ({ afterMs, answers: true });
const refuses = (afterMs: number): Behaviour => ({ afterMs, answers: false });

test('the next attempt starts 250 ms after a silent one, and the first answer cancels the rest (RFC 8305 §5)', () => {
  const { clock, started, live, won } = race(['silent', 'silent', answers(100), 'silent']);
  clock.increment(10_000);
  assert.deepEqual(started, [
    [0, '0'],
    [250, '1'],
    [500, '2'],
  ]);
  assert.deepEqual(won, ['2']);
  assert.deepEqual([...live], ['2'], 'the others were cancelled');
  assert.equal(clock.pending, 0);
});

test('a failure starts the next attempt at once, and the delay counts from there', () => {
  const { clock, started } = race([refuses(30), 'silent', 'silent']);
  clock.increment(1_000);
  assert.deepEqual(started, [
    [0, '0'],
    [30, '1'],
    [280, '2'],
  ]);
});

test('an earlier address that answers late still wins if it is first', () => {
  const { clock, won } = race([answers(300), answers(100)]);
  clock.increment(1_000);
  assert.deepEqual(won, ['0']);
});

test('the race is lost only when every address has failed, and says how each did', () => {
  const { clock, lost } = race([refuses(600), refuses(0), refuses(10)]);
  clock.increment(599);
  assert.equal(lost.length, 0);
  clock.increment(1);
  assert.deepEqual(
    lost.map((failures) => failures.map(({ address }) => address.address)),
    [['1', '2', '0']],
  );
});

test('cancelling ends every attempt and starts no other', () => {
  const { clock, started, live, won, lost, cancel } = race(['silent', answers(400), 'silent']);
  clock.increment(300);
  cancel();
  clock.increment(10_000);
  assert.deepEqual([started.length, live.size, won.length, lost.length, clock.pending], [2, 0, 0, 0, 0]);
});

test('whatever the addresses do: none is lost or tried twice, and there is one outcome', () => {
  const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
    fc.record({ afterMs: fc.constantFrom(0, 1, 249, 250, 251, 700), answers: fc.boolean() }),
    fc.constant('silent' as const),
  );
  fc.assert(
    fc.property(fc.array(behaviour, { maxLength: 8 }), (behaviours) => {
      const { clock, started, live, won, lost } = race(behaviours);
      clock.increment(60_000);
      assert.equal(clock.pending > 0 && won.length === 0, false);
      const tried = started.map(([, address]) => address);
      assert.deepEqual(tried, behaviours.map((_, index) => String(index)).slice(0, tried.length));
      if (behaviours.some((one) => one !== 'silent' && one.answers)) {
        assert.deepEqual([won.length, lost.length], [1, 0]);
        assert.deepEqual([...live], won);
      } else {
        assert.equal(tried.length, behaviours.length);
        assert.equal(won.length, 0);
        assert.equal(lost.length, behaviours.includes('silent') ? 0 : 1);
      }
    }),
  );
});
