/** Records of the ring by their actor, requested again and again while records come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ring } from '../../src/trace/ring.ts';

const push = (ring: Ring, seq: number, actor: string): void =>
  ring.push(seq, seq, actor, null, { kind: 'ended', machine: 'pair', how: 'done', fault: null });

test('whoever asks again finds what is in the ring now, and nothing that made room', () => {
  for (const [most, every] of [
    [50, 1],
    [50, 7],
    [50, 49],
    [50, 120],
    [3, 2],
  ] as const) {
    const ring = new Ring(most, 1_000_000);
    for (let seq = 0; seq < 700; seq += 1) {
      push(ring, seq, `pair:${(seq * seq) % 13}`);
      if (seq % every !== 0) continue;
      const records = ring.records();
      const actors = [...new Set(records.map(({ actor }) => actor))];
      const { index } = ring;
      assert.deepEqual([...index.ended()].sort(), actors.sort(), `${most} ${every} ${seq}`);
      for (const actor of actors) {
        const own = records.filter((record) => record.actor === actor);
        assert.deepEqual(index.of(actor), own);
        assert.deepEqual(index.of(actor, 2), own.slice(-2));
      }
      assert.deepEqual(index.of('pair:nobody'), []);
    }
  }
});

test('nothing of an index is kept that nobody has asked for since the ring was full of others', () => {
  const ring = new Ring(10, 1_000_000);
  push(ring, 0, 'pair:a');
  const before = ring.index;
  assert.equal(before.of('pair:a').length, 1);
  for (let seq = 1; seq < 30; seq += 1) push(ring, seq, 'pair:b');
  assert.notEqual(ring.index, before);
});
