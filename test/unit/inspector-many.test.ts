/** The inspector with many waiting pairs: a quick look at all, and a full one only at those that are shown. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts, type NodePorts } from '../../src/node-ports.ts';
import { xml } from '../../src/index.ts';
import { overview, overviewSteps, rows } from '../../src/trace/queries/queries.ts';
import { history } from '../../src/trace/queries/history.ts';
import { explain } from '../../src/trace/explain/explain.ts';
import { brief } from '../../src/trace/view/brief.ts';
import type { View } from '../../src/trace/view/view.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const PAIRS = 400;
let ports: NodePorts;
let manager: ConnectionManager;

before(async () => {
  const authority = createCertificateAuthority({ name: 'Authority' });
  const hosts = { 'a.example': authority.issue({ dnsNames: ['a.example'] }) };
  ports = createNodePorts({ hosts, trust: { system: false, anchors: [authority.certPem] } });
  const never = (): Promise<never> => new Promise(() => undefined);
  const resolver = { validates: false, srv: never, tlsa: never, addresses: never };
  const clock = { now: () => 0, setTimeout: () => null, clearTimeout: () => undefined };
  manager = new ConnectionManager({ hosts, listen: [] }, { ...ports, clock, resolver });
  await manager.start();
  for (let i = 0; i < PAIRS; i += 1)
    void manager.send(xml('message', { from: 'romeo@a.example', to: `juliet@d${i}.example` }));
});
after(() => ports.close());

/** A view an hour later, and the actors whose full view was made. */
function looked(): { readonly view: View; readonly made: ReadonlySet<string> } {
  const view = { ...manager.view(), atMs: 3_600_000 };
  const made = new Set<string>();
  const get = view.actors.get.bind(view.actors);
  Object.assign(view.actors, { get: (id: string) => (made.add(id), get(id)) });
  return { view, made };
}

test('the first overview makes whole views of the fifty worst and of whom they wait for, and of nobody else', () => {
  const { view, made } = looked();
  const told = overview(view);
  assert.deepEqual([told.stuckCount, told.stuck.length, told.counts.pair], [PAIRS, 50, PAIRS]);
  assert.equal(made.size, 3 * 50, 'pair, peer and its search');
});

test('a list makes whole views of its page alone, whatever there is before it', () => {
  const { view, made } = looked();
  assert.equal(rows(view, 'pair', '', 300, 20).rows.length, 20);
  assert.equal(made.size, 20);
});

test('one pair, and the history of one domain, are told without a whole view of another', () => {
  for (const ask of [
    (view: View) => explain(view, { local: 'a.example', remote: 'd7.example' }).length,
    (view: View) => history(view, 'd7.example').attempts.length,
  ]) {
    const { view, made } = looked();
    assert.equal(ask(view), 1);
    assert.deepEqual([...made].sort(), ['pair:a.example>d7.example', 'peer:d7.example', 'peer:d7.example/resolution']);
  }
});

test('an overview that is taken before its end says so, and tells the worst of what it has seen', () => {
  const { view, made } = looked();
  const making = overviewSteps(view);
  let step = making.next();
  for (let i = 0; i < 5; i += 1) step = making.next();
  assert.ok(step.done !== true && step.value !== undefined);
  const soFar = step.value();
  assert.equal(soFar.isWhole, false);
  assert.ok(soFar.stuckCount > 0 && soFar.stuckCount < PAIRS, `${soFar.stuckCount}`);
  assert.deepEqual([soFar.stuck.length, made.size, soFar.counts.pair], [5, 15, PAIRS]);
  while (step.done !== true) step = making.next();
  assert.deepEqual(step.value, overview(view), 'and the whole of it is not changed by that');
});

test('of a long list or table in a context the first are shown, and how many follow', () => {
  const entries = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`d${i}.example`, i]));
  const told = brief({ proved: [{ size: 250, entries }], questions: Object.keys(entries), stream: 3 });
  const [table] = (told as { proved: [{ size: number; entries: Record<string, unknown> }] }).proved;
  assert.deepEqual([table.size, Object.keys(table.entries).length, table.entries['…']], [250, 101, 'and 150 more']);
  assert.equal((told as { questions: string[] }).questions.at(-1), '… and 150 more');
});
