/**
 * The ladder of a negotiation: messages between the parties, at either end of dialback, and nothing about other pairs.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Play, play } from '../../src/demo/play.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { ladder, type Ladder, type Rung } from '../../src/trace/queries/ladder.ts';
import type { View } from '../../src/trace/view/view.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import { createSimulation } from '../support/simulation.ts';

let dialback: Play;
let a: View;
let b: View;
before(async () => {
  const scenario = scenarios.find(({ id }) => id === 'no-client-certificate');
  assert.ok(scenario);
  dialback = await play(scenario, createSimulation(1));
  a = dialback.providers.A.view();
  b = dialback.providers.B.view();
});
after(() => dialback.stop());

const of = (view: View, id: string): Ladder => {
  const found = ladder(view, id);
  assert.ok(found, id);
  return found;
};
const line = ({ from, to, label }: Rung): string => `${from} → ${to} ${label}`;
const dialbackIn = ({ rungs }: Ladder): string[] => rungs.filter(({ label }) => label.startsWith('db:')).map(line);

test('of a pair that wants to send: the assertion, the question that comes back for it, and the answers (XEP-0220 §2)', () => {
  assert.deepEqual(dialbackIn(of(a, 'pair:a.example>b.example')), [
    'ours → server:b.example db:result',
    'server:b.example → ours db:verify',
    'ours → server:b.example db:verify valid',
    'server:b.example → ours db:result valid',
  ]);
});

test('of the stream that was asserted on: no word of the other; of the peer at the far end, both (V2)', () => {
  assert.deepEqual(dialbackIn(of(b, 'stream:1')), [
    'server:a.example → ours db:result',
    'ours → server:a.example db:result valid',
  ]);
  assert.deepEqual(dialbackIn(of(b, 'peer:a.example')), [
    'server:a.example → ours db:result',
    'ours → authoritative:a.example db:verify',
    'authoritative:a.example → ours db:verify valid',
    'ours → server:a.example db:result valid',
  ]);
  assert.deepEqual(
    of(b, 'peer:a.example').parties.map(({ kind }) => kind),
    ['ours', 'server', 'authoritative', 'dns'],
    'we stand first',
  );
});

test('look-ups of the domain, and of the hosts that its SRV records name, stand before the first header (V2)', () => {
  const { rungs } = of(a, 'pair:a.example>b.example');
  const header = rungs.findIndex(({ label }) => label === '<stream:stream>');
  const asked = rungs.slice(0, header).filter(({ from }) => from === 'dns');
  assert.deepEqual(
    asked.map(({ label }) => label),
    [
      'SRV _xmpp-server._tcp.b.example: insecure',
      'SRV _xmpps-server._tcp.b.example: nodata-insecure',
      'addresses xmpp.provider-b.example: insecure',
    ],
  );
  assert.match(asked[0]?.detail ?? '', /xmpp\.provider-b\.example/);
});

test('what is found out here stands beside us: verdicts, the certificate, what may pass (V2)', () => {
  const { rungs } = of(a, 'pair:a.example>b.example');
  assert.ok(rungs.some((rung) => line(rung) === 'server:b.example → ours certificate for b.example'));
  assert.ok(rungs.some((rung) => line(rung) === 'ours → ours b.example proved by pkix' && rung.tone === 'good'));
  assert.ok(rungs.some((rung) => line(rung) === 'ours → ours a.example → b.example may pass'));
});

test('a pair is not told what another says over the same stream (M1)', async () => {
  const duo: Duo = await createDuo({
    A: { hosts: ['a.example', 'shop.example'], certificate: { shownAsClient: false } },
    B: { hosts: ['b.example'], policy: { federation: 'encrypted' } },
  });
  duo.send('a.example', 'b.example');
  duo.send('shop.example', 'b.example');
  await duo.settle();
  const view = duo.providers.A.view();
  for (const [local, other] of [
    ['a.example', 'shop.example'],
    ['shop.example', 'a.example'],
  ] as const) {
    const { rungs } = of(view, `pair:${local}>b.example`);
    assert.ok(rungs.some(({ label, detail }) => label === 'db:result valid' && detail.includes(local)));
    for (const { label, detail } of rungs) if (label.startsWith('db:')) assert.ok(!detail.includes(other), detail);
  }
  await duo.stop();
});

test('of a long negotiation the newest rungs are shown, and how many there are before them', () => {
  const record = b.records.find(({ kind, actor }) => kind === 'wire' && actor === 'stream:1');
  assert.ok(record);
  const records = Array.from({ length: 700 }, (_, seq) => ({ ...record, seq }));
  const { rungs, more } = of({ ...b, records }, 'stream:1');
  assert.equal(more, 200);
  assert.equal(rungs[0]?.seq, 200);
  assert.equal(rungs.length, 500);
});

test('a child is told of with its stream; of an id that nobody has there is no ladder', () => {
  assert.deepEqual(ladder(b, 'stream:1/association.a.example'), ladder(b, 'stream:1'));
  assert.equal(ladder(b, 'stream:99'), null);
});
