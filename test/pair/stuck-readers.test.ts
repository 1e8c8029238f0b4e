/** L2: a live peer that does not read costs no more than a deadline, whatever it was not reading. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { createDuo, type Duo, type Sent } from '../support/duo.ts';

/** A narrow line: a few stanzas are under way, a few in our buffer, the others wait. */
const NARROW = { windowBytes: 2_000, highWaterBytes: 4_000, latencyMs: 20 };

/** Written data is not delivered, and no reset reports it: as if the peer had stopped reading. */
async function stuckDuo(): Promise<Duo> {
  const duo = await createDuo({ link: NARROW });
  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.simulation.clock.advance(1_000); // it has been read, and the window is open
  duo.simulation.fabric.cut('10.0.0.1', '10.0.0.2');
  return duo;
}
const outcomesOf = (some: readonly Sent[]): Set<string> =>
  new Set(some.map(({ deliveries }) => deliveries.map(({ outcome }) => outcome).join() || 'open'));
const endsOf = (duo: Duo): string[] =>
  duo.timeline.flatMap(({ record }) =>
    record.kind === 'report' && record.report.type === 'stream.closing' && 'fault' in record.report
      ? [(record.report.fault as { condition: string } | null)?.condition ?? 'clean']
      : [],
  );

test('L1, L2: a stream of which the peer takes nothing is closed; what it held is unknown, what waited goes another way', async () => {
  const duo = await stuckDuo();
  const { clock, fabric } = duo.simulation;
  const { router } = duo.providers.A;
  const burst = Array.from({ length: 60 }, () => duo.send('a.example', 'b.example'));
  await clock.advance(100);
  const stuck = router.counters.sent;
  assert.deepEqual(outcomesOf(burst), new Set(['sent', 'open']));
  await clock.advance(limits.drainMs - 1_000);
  assert.deepEqual([endsOf(duo), router.counters.sent, router.counters.unknown], [[], stuck, 0]);
  await clock.advance(2_000);
  assert.deepEqual(endsOf(duo), ['write-timeout']);
  fabric.mend(); // for the next stream
  await duo.settle();
  await clock.advance(1_000);
  const [unknown, sent] = ['unknown', 'sent'].map((wanted) =>
    burst.filter(({ deliveries }) => deliveries[0]?.outcome === wanted),
  );
  assert.ok(unknown!.length > 0 && unknown!.length + sent!.length === burst.length);
  assert.ok(router.counters.unknown >= unknown!.length);
  assert.ok(unknown!.every(({ id }) => duo.arrived.every((one) => one.id !== id)));
  assert.ok(duo.arrived.some(({ id }) => id === burst.at(-1)!.id));
  await duo.stop();
});
