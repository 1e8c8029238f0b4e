/** The context of a stream is copied at every step: the copy must keep fast properties, and not become a hash table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { newStream, nothingNegotiated, withNegotiated } from '../../../machines/stream/context.ts';

setFlagsFromString('--allow-natives-syntax');
const isHashTable = runInNewContext('(object) => !%HasFastProperties(object)') as (object: object) => boolean;

const input = {
  stream: 1,
  settings: {
    hosted: [],
    policy: {},
    bidi: true,
    material: { secureDns: false, posh: false },
    dna: { checks: false, proofs: [] },
  },
  purpose: 'stanzas' as const,
  local: 'a.example',
  remote: 'b.example',
  endpoint: null,
  directTls: false,
  avoidExternal: false,
  service: 'xmpp-server' as const,
};
/** An object literal with this many fields. */
const fields = (count: number): object =>
  runInNewContext(`({ ${Array.from({ length: count }, (_, n) => `f${n}: ${n}`).join(', ')} })`) as object;

test('a context, as it is born and as it is copied, is no hash table', () => {
  assert.ok(isHashTable(Object.assign({}, fields(29))), 'V8 makes no hash tables of large copies any more');
  const born = newStream({ input });
  const copied = Object.assign({}, born, withNegotiated(born, { headerSent: true }));
  for (const one of [born, copied, nothingNegotiated, copied.negotiation, copied.pending, copied.dna])
    assert.ok(!isHashTable(one), Object.keys(one).join(', '));
});
