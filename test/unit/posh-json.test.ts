import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type JsonObject, type JsonValue, readJson } from '../../src/protocol/strict-json.ts';

const MAX_DEPTH = 8;

const isObject = (value: JsonValue): value is JsonObject => value instanceof Map;

function plain(value: JsonValue): unknown {
  if (isObject(value)) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? (value as readonly JsonValue[]).map(plain) : value;
}

function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** Counts member names in a JSON text: writing it again gives fewer if a name occurs twice. */
const members = (text: string): number => [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:/g)].length;

test('what JSON.parse reads is read alike (RFC 8259 §2)', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: MAX_DEPTH - 1 }), fc.constantFrom(0, 1, 2), (text, indent) => {
      const value: unknown = JSON.parse(text);
      const spaced = JSON.stringify(value, null, indent);
      const read = readJson(spaced, MAX_DEPTH);
      assert.equal(read.kind, 'read');
      assert.deepEqual(JSON.stringify(plain(read.value)), JSON.stringify(value));
    }),
  );
});

test('what JSON.parse refuses is refused, whatever is done to a text (RFC 8259 §2)', () => {
  const text = '{"a":[1,-0.5e3,"x\\u0041\\n",{"b":null,"c":true}],"d":{"e":[]}}';
  const mutation = fc.record({
    at: fc.nat(text.length),
    drop: fc.nat(3),
    put: fc.string({ maxLength: 3, unit: fc.constantFrom(...Array.from('{}[]:,"\\eE+-.019 \n\u0000ut')) }),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const mutated = mutations.reduce((now, { at, drop, put }) => now.slice(0, at) + put + now.slice(at + drop), text);
      const [read, wanted] = [readJson(mutated, MAX_DEPTH), parsed(mutated)];
      if (wanted === null) assert.equal(read.kind, 'malformed', mutated);
      else if (read.kind === 'read') assert.deepEqual(JSON.stringify(plain(read.value)), JSON.stringify(wanted.value));
      else assert.ok(/twice|deeper/.test(read.problem) && members(mutated) > 0, `${mutated}: ${read.problem}`);
    }),
    { numRuns: 2_000 },
  );
});

test('a member may occur once in each object, and twice in none (RFC 8259 §4)', () => {
  assert.equal(readJson('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', MAX_DEPTH).kind, 'read');
  for (const text of ['{"a":1,"a":1}', '[{"b":{"a":1,"\\u0061":1}}]', '{"__proto__":1,"__proto__":1}'])
    assert.equal(readJson(text, MAX_DEPTH).kind, 'malformed', text);
});

test('a problem says where it is', () => {
  assert.deepEqual(readJson('{"a" 1}', MAX_DEPTH), { kind: 'malformed', problem: 'no ":" at character 5' });
  assert.deepEqual(readJson('[[1]]', 1), { kind: 'malformed', problem: 'nested deeper than 1 at character 1' });
});
