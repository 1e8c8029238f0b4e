/** The quick look at a negotiation gives the same result as the full one, at every moment of its life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinceOf } from '../../src/trace/explain/negotiations.ts';
import { prospectsIn } from '../../src/trace/explain/prospects.ts';
import { explain } from '../../src/trace/explain/explain.ts';
import { glanceAt, glanceOf } from '../../src/trace/view/glance.ts';
import { overview, rows } from '../../src/trace/queries/queries.ts';
import type { ActorView, View } from '../../src/trace/view/view.ts';
import { createDuo } from '../support/duo.ts';

const A = ['a.example', 'c.example'];
const B = ['b.example', 'd.example', 'denies.example'];

/** Pairs that hold, wait, are refused, fail and hold off, in both directions; `look` is called at several moments. */
async function life(look: (view: View) => void): Promise<void> {
  const duo = await createDuo({
    A: { hosts: A, certificate: { names: ['a.example'] }, policy: { federation: 'encrypted' } },
    B: { hosts: B },
  });
  const { simulation, providers } = duo;
  providers.B.block('c.example');
  simulation.resolver.set('_xmpp-server._tcp.bogus.example', { status: 'bogus', reason: 'no signature' });
  simulation.resolver.set('silent.example', { addresses: [{ family: 4, address: '192.0.2.77' }] });
  const { network, address } = simulation.host({ forServerName: () => null });
  const deaf = {
    data: () => undefined,
    closed: () => undefined,
    connected: () => undefined,
    secured: () => undefined,
    drained: () => undefined,
  };
  await network.listen({ address, port: 5269, tls: 'starttls' }, () => deaf);
  simulation.resolver.set('deaf.example', { addresses: [{ family: 4, address }] });
  const steps = [0, 3, 3, 5, 10, 30, 100, 1_000, 2_000, 5_000, 5_000, 10_000, 20_000, 40_000, 60_000];
  for (const ms of steps) {
    for (const to of [...B, 'bogus.example', 'silent.example', 'deaf.example', 'nowhere.example'])
      for (const from of A) duo.send(from, to);
    duo.send('b.example', 'a.example');
    duo.send('d.example', 'c.example');
    await simulation.clock.advance(ms);
    for (const manager of [providers.A, providers.B]) look(manager.view());
    if (ms === 1_000) providers.A.closeStream(providers.A.snapshot().streams[0]?.id ?? -1);
  }
  await Promise.all([providers.A.stop(1), providers.B.stop(1), simulation.clock.advance(30_000)]);
}

test('whether it is stuck, and since when, is the same at a glance', async () => {
  const seen = { stuck: 0, well: 0 };
  await life((view) => {
    for (const prospect of prospectsIn(view)) {
      const whole = prospect?.tell() ?? null;
      if (prospect === null || whole === null) continue;
      const of = `${whole.subject.id} ${whole.subject.state.join('.')}`;
      assert.equal(prospect.stuck, whole.stuck, of);
      const isOver = whole.outcome === 'holds' && whole.subject.ended?.how === 'stopped';
      if (!isOver) assert.equal(prospect.outcome, whole.outcome, of);
      if (whole.stuck) assert.equal(prospect.sinceMs, sinceOf(view, whole), of);
      seen[whole.stuck ? 'stuck' : 'well'] += 1;
    }
  });
  assert.ok(seen.stuck > 100 && seen.well > 100, JSON.stringify(seen));
});

test('an actor at a glance is the actor, for a live view as for any other', async () => {
  await life((view) => {
    const living = (ids: readonly string[]): string | undefined =>
      ids.find((id) => view.actors.get(id)?.ended === null);
    for (const [id, actor] of view.actors) {
      const { waitsOn, local, remote, ...glance } = glanceAt(view, id) ?? assert.fail(id);
      const { waitsOn: wholly, local: _, remote: __, ...whole } = glanceOf(actor);
      // Of an ended actor, only the properties used for sorting are compared; the names of a pair are in its id.
      if (actor.ended === null) assert.deepEqual(glance, whole, id);
      else assert.deepEqual([glance.state, glance.ended, glance.waits], [whole.state, whole.ended, whole.waits], id);
      if (actor.ended === null) assert.equal(living(waitsOn), living(wholly), id);
      if (actor.ended === null || id.startsWith('pair:')) assert.deepEqual([local, remote], domains(actor), id);
      assert.equal(view.lives?.(id), actor.ended === null, id);
    }
  });
});

const domains = ({ context: { local, remote } }: ActorView): readonly unknown[] => [local ?? '', remote ?? ''];

test('the worst of all are those of the overview, in the same order; and lists hold everybody once', async () => {
  await life((view) => {
    const all = explain(view);
    const told = overview(view);
    assert.equal(told.stuckCount, all.filter(({ stuck }) => stuck).length);
    assert.equal(told.failedCount, all.filter(({ stuck, fault }) => stuck && fault !== null).length);
    assert.deepEqual(told.stuck, all.filter(({ stuck }) => stuck).slice(0, 50));
    for (const kind of ['stream', 'pair', 'peer'] as const) {
      const list = rows(view, kind, '', 0, 500);
      assert.equal(new Set(list.rows.map(({ id }) => id)).size, list.total);
      assert.equal(list.rows.filter(({ endedMs }) => endedMs === null).length, told.counts[kind]);
      assert.equal(list.total, told.counts[kind] + told.endedCounts[kind]);
    }
  });
});
