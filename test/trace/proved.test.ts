/** Which stanzas may pass, and by which proof: the list of proved pairs, live and from a trace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPairs, withOutgoing } from '../../machines/collections/proved-pairs.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import { proofsWords, provedCount, provedPairs } from '../../src/trace/queries/proved.ts';
import { overview, rows, type Row } from '../../src/trace/queries/queries.ts';
import { replay } from '../../src/trace/view/replay.ts';
import { createDuo } from '../support/duo.ts';
import { readText, traceText } from '../support/traces.ts';

const shown = ({ local, remote, state, proof, id }: Row): string => `${id} ${state} ${local} ${remote} ${proof ?? ''}`;

test('pairs of both directions stand there with their proof and stream, a page at a time, live and replayed; and go with the stream (O1)', async () => {
  const duo = await createDuo({
    A: { hosts: ['a.example', 'c.example'], certificate: { shownAsClient: false } },
    B: { hosts: ['b.example'], policy: { federation: 'encrypted' } },
  });
  duo.send('a.example', 'b.example');
  duo.send('c.example', 'b.example');
  await duo.settle();
  const { A, B } = duo.providers;
  const view = B.view();
  const found = rows(view, 'proved', 'a.example');
  assert.deepEqual(found.rows.map(shown), ['stream:1 incoming b.example a.example dialback (weak)']);
  assert.equal(rows(view, 'proved').total, 2);
  assert.equal(overview(view).counts.proved, 2);
  assert.deepEqual(
    rows(view, 'proved', '', 1, 1).rows,
    rows(view, 'proved').rows.slice(1),
    'the second page is the rest of the first',
  );
  assert.deepEqual(rows(A.view(), 'proved', 'a.example').rows.map(shown), [
    'stream:1 outgoing a.example b.example pkix',
  ]);
  const stream = rows(view, 'stream').rows.find(({ id }) => id === 'stream:1');
  assert.equal(stream?.proof, 'dialback (weak)');
  assert.deepEqual(
    view.actors.get('stream:1')?.context['validPairs'],
    { size: 2, alike: [{ prooftype: 'dialback', strength: 'weak', expiresAtMs: null }] },
    'with the context, of any number of pairs no more than that',
  );

  const { records } = await readText(traceText(view.records));
  assert.deepEqual(rows(replay(records, { hosts: view.hosts }), 'proved'), rows(view, 'proved'));

  B.closeStream(1);
  await duo.simulation.clock.advance(10_000);
  assert.equal(rows(B.view(), 'proved').total, 0);
  assert.equal(overview(B.view()).counts.proved, 0);
  await duo.stop();
});

test('each pair is told once, by its first proof; of nonsense in a trace, nothing', () => {
  const pair = { from: 'a.example', to: 'b.example' };
  const proof = (prooftype: string): Proof => ({ prooftype, strength: 'strong', evidence: {}, expiresAtMs: null });
  const first = withOutgoing(noPairs, pair, proof('dane'));
  const validPairs = withOutgoing(
    withOutgoing(first, pair, proof('pkix')),
    { ...pair, from: 'c.example' },
    proof('pkix'),
  );
  assert.deepEqual(
    [...provedPairs({ validPairs })].map(({ from, prooftype }) => [from, prooftype]),
    [
      ['a.example', 'dane'],
      ['c.example', 'pkix'],
    ],
  );
  assert.equal(proofsWords({ validPairs }), 'dane, pkix');
  const [alike] = first.alike;
  const oddities = [
    ...[null, 'text', [7, null], [{ size: 1, entries: { 'a.example>b.example': {} } }], { alike: 'many' }],
    ...[{ alike: [7, null] }, { ...first, ours: null, size: 'many' }, { ...first, theirs: [{ entries: { b: 'x' } }] }],
    ...[
      { ...first, alike: [{ ...alike, outgoing: 'all' }] },
      { ...first, alike: [{ ...alike, outgoing: [[[null, {}]]] }] },
    ],
  ];
  for (const nonsense of oddities) assert.deepEqual([...provedPairs({ validPairs: nonsense })], []);
  for (const nonsense of oddities.slice(0, 7)) assert.equal(provedCount({ validPairs: nonsense }), 0);
});
