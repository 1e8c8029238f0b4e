/** The bytes of a stream are counted where they pass, in both directions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordOf } from '../../src/trace/record.ts';
import { actor, rows } from '../../src/trace/queries/queries.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { createDuo } from '../support/duo.ts';

test('what one end has written is what the other has read: headers, negotiation and stanzas, before TLS and under it', async () => {
  const duo = await createDuo();
  const { A, B } = duo.providers;
  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.simulation.clock.advance(1_000);
  const at = (manager: typeof A) => rows(manager.view(), 'stream').rows.map(({ id, bytes }) => ({ id, bytes }));
  const [[ours], [theirs]] = [at(A), at(B)];
  const before = ours?.bytes ?? assert.fail('it is not counted');
  assert.deepEqual(theirs?.bytes, { in: before.out, out: before.in });
  const passed = (end: 'A' | 'B', way: 'in' | 'out') =>
    duo.timeline.flatMap(({ at: side, record }) =>
      side === end && record.kind === 'wire' && record.direction === way ? [record satisfies RecordOf<'wire'>] : [],
    );
  const sizes = (records: readonly RecordOf<'wire'>[]) => records.map(({ element, bytes }) => [element.kind, bytes]);
  assert.deepEqual(sizes(passed('B', 'in')), sizes(passed('A', 'out')), 'of each element, headers among them');
  assert.deepEqual(sizes(passed('A', 'in')), sizes(passed('B', 'out')));
  const written = passed('A', 'out').reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  assert.ok(before.out > written, 'the elements of the negotiation are not all of it: there is a stanza');
  assert.ok(before.out < written + 500);

  duo.send('a.example', 'b.example');
  await duo.settle();
  await duo.simulation.clock.advance(1_000);
  const after = at(A)[0]?.bytes;
  assert.ok((after?.out ?? 0) > before.out);
  assert.equal(after?.in, before.in, 'nothing has come back');
  assert.deepEqual(actor(A.view(), ours?.id ?? '')?.bytes, after);
  assert.equal(rows(A.view(), 'peer').rows[0]?.bytes ?? null, null);
  assert.equal(rows(replay(A.view().records), 'stream').rows[0]?.bytes, null, 'a trace does not say');
  await duo.stop();
});
