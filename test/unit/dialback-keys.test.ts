/** Dialback keys: XEP-0185 §2, with the vectors that the specifications print. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dialbackKeys } from '../../src/protocol/dialback.ts';

interface Vectors {
  readonly vectors: readonly {
    readonly source: string;
    readonly secret: string;
    readonly receiving: string;
    readonly originating: string;
    readonly stream_id: string;
    readonly key: string;
  }[];
  readonly negative: readonly { readonly why: string; readonly wrong_key: string }[];
}
const { vectors, negative } = JSON.parse(
  readFileSync(new URL('../fixtures/dialback/vectors.json', import.meta.url), 'utf8'),
) as Vectors;

for (const { source, secret, receiving, originating, stream_id: id, key } of vectors) {
  test(`${source}: the printed key is made, and matches`, () => {
    const keys = dialbackKeys(secret);
    assert.equal(keys.make(receiving, originating, id), key);
    assert.ok(keys.matches(`\n  ${key} `, receiving, originating, id), 'white space around it is ignored');
  });
}

for (const { why, wrong_key: wrongKey } of negative) {
  test(`must not be made, and does not match: ${why}`, () => {
    const { secret, receiving, originating, stream_id: id } = vectors[0]!;
    const keys = dialbackKeys(secret);
    assert.notEqual(keys.make(receiving, originating, id), wrongKey);
    assert.ok(!keys.matches(wrongKey, receiving, originating, id));
  });
}

test('no part of one name or id can pass into the next (CVE-2016-0756)', () => {
  const keys = dialbackKeys('s3cr3tf0rd14lb4ck');
  assert.notEqual(keys.make('b.example', 'a.example', 'x1'), keys.make('b.example', 'a.examplex', '1'));
  assert.notEqual(keys.make('b.example', 'a.example', '1'), keys.make('b.examplea', '.example', '1'));
});

test('a key for another secret, pair, direction or stream does not match; nor a part of a key', () => {
  const keys = dialbackKeys('s3cr3tf0rd14lb4ck');
  const key = keys.make('b.example', 'a.example', '1');
  assert.ok(keys.matches(key, 'b.example', 'a.example', '1'));
  assert.ok(!dialbackKeys('another secret...').matches(key, 'b.example', 'a.example', '1'));
  assert.ok(!keys.matches(key, 'a.example', 'b.example', '1'));
  assert.ok(!keys.matches(key, 'b.example', 'a.example', '2'));
  assert.ok(!keys.matches(key.slice(0, -1), 'b.example', 'a.example', '1'));
  assert.ok(!keys.matches('', 'b.example', 'a.example', '1'));
});
