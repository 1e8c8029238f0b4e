/** A queue for turns: first come, first served, and a long queue costs no more than necessary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextInLine, nobodyWaiting, type WaitingLine, withLast } from '../../machines/collections/waiting-line.ts';

interface Guest {
  readonly n: number;
}

test('calls whom an array would call, whatever the order of coming and going, and earlier lines stay as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
      let line: WaitingLine<Guest> = nobodyWaiting;
      let array: readonly Guest[] = [];
      for (const [n, comes] of steps.entries()) {
        const before = line;
        const first = nextInLine(before);
        assert.deepEqual(first?.[0], array[0]);
        line = comes ? withLast(line, { n }) : (first?.[1] ?? line);
        array = comes ? [...array, { n }] : array.slice(1);
        assert.equal(line.length, array.length);
        assert.deepEqual(nextInLine(before)?.[0], first?.[0]);
      }
    }),
  );
});

test('10,000 who come and go are copied some 14 times each, not 5,000 times', () => {
  let line: WaitingLine<Guest> = nobodyWaiting;
  let copied = 0;
  const count = (before: WaitingLine<Guest>): void => {
    for (const row of [line.front, ...line.behind])
      if (row !== before.front && !before.behind.includes(row)) copied += row.length;
  };
  for (let n = 0; n < 10_000; n += 1) {
    const before = line;
    line = withLast(line, { n });
    count(before);
  }
  for (let next = nextInLine(line); next !== null; next = nextInLine(line)) {
    const before = line;
    line = next[1];
    count(before);
  }
  assert.equal(line.length, 0);
  assert.ok(copied < 10_000 * 15, String(copied));
});
