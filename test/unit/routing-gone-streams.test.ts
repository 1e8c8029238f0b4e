/**
 * What the tables remember about the last stream must not outlive it: a memo is neither a fact nor a route (S1, S2).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainNumbers } from '../../src/routing/tables/domain-numbers.ts';
import { RouteTable } from '../../src/routing/tables/route-table.ts';
import { bench, BufferedOutlet, CountingInlet, stanza } from '../support/routing.ts';

const A = 'juliet@a.example/balcony';
const B = 'romeo@b.example';

test('S2, R7: the stream that carried the last stanza is no route once it has ended, though the news of it came late', () => {
  const it = bench();
  const gone = new BufferedOutlet();
  it.router.attach(['a.example'], new BufferedOutlet());
  it.router.addStream(1, gone, new CountingInlet());
  it.router.setRoute('a.example', 'b.example', 1);
  it.router.inject(stanza(A, B, 1), null, it.settleAs(1));
  assert.deepEqual(gone.ids, [1]);
  it.router.withdrawStream(1);

  it.router.setRoute('a.example', 'b.example', 1);
  assert.equal(it.router.routeOf('a.example', 'b.example'), null);
  it.router.inject(stanza(A, B, 2), null, it.settleAs(2));
  it.settleTasks();
  assert.deepEqual(gone.ids, [1], 'nothing more is written to it');

  const next = new BufferedOutlet();
  it.router.addStream(2, next, new CountingInlet());
  it.router.setRoute('a.example', 'b.example', 2);
  assert.deepEqual(next.ids, [2], 'what waited goes down the next one (S7)');
});

test('S2: a pair that moves to another stream is not taken along when the stream that it left is withdrawn (L5)', () => {
  const routes = new RouteTable({ locals: new DomainNumbers(), remotes: new DomainNumbers() });
  routes.set('a.example', 'b.example', 1);
  routes.set('a.example', 'c.example', 1);
  routes.set('a.example', 'b.example', 2);
  assert.deepEqual([...routes.withdraw(1)], [{ local: 'a.example', remote: 'c.example' }]);
  assert.equal(routes.find('a.example', 'b.example'), 2);
  assert.equal(routes.find('a.example', 'c.example'), null);
});
