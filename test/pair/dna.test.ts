/** The DNA protocol of 2009 between two of our providers: who is proved by it, and who no longer is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reports, wireName } from '../../src/demo/facts.ts';
import type { ProviderSetup, Side } from '../../src/demo/scenario.ts';
import type { ManagerOptions } from '../../src/options.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import { delegates, FORGED, tableDnaJudge, type TableDnaJudge } from '../support/table-dna-judge.ts';

type Proofs = ManagerOptions['proofs'];
interface Stage extends Duo {
  readonly judge: TableDnaJudge;
}

/** Hosts of a provider whose certificate names none of them. */
const tenants = (hosts: readonly string[], proofs: Proofs = {}): ProviderSetup => ({
  hosts,
  certificate: { names: ['hosting.example'] },
  proofs,
});
/**
 * A provider with certificates for all of its hosts, which asks others for proofs of delegation if their certificates
 * do not name them.
 */
const asking = (hosts: readonly string[]): ProviderSetup => ({
  hosts,
  policy: { prooftypes: ['pkix', 'attribute-cert', 'xml-assertion'] },
});
const showing = (domain: string, data = delegates(domain)): Proofs => ({ [domain]: { 'attribute-cert': data } });

async function stage(A: ProviderSetup, B: ProviderSetup): Promise<Stage> {
  const judge: TableDnaJudge = tableDnaJudge(() => duo.simulation.clock);
  const duo: Duo = await createDuo({ A, B, link: { dnaProofs: judge } });
  return { ...duo, judge };
}

const SASL_AND_DIALBACK = /^(?:auth|db:result)/;
/** Elements of the DNA protocol that one side sent, and other elements that prove its identity. */
const said = ({ timeline }: Pick<Duo, 'timeline'>, at: Side): string[] =>
  timeline.flatMap((seen) => {
    if (seen.at !== at || seen.record.kind !== 'wire' || seen.record.direction !== 'out') return [];
    const { element } = seen.record;
    const name = wireName(element);
    if (element.kind === 'features') return element.asserts === undefined ? [] : ['dna:assert in features'];
    return name.startsWith('dna:') || SASL_AND_DIALBACK.test(name) ? [name] : [];
  });
const dnaSaid = (duo: Pick<Duo, 'timeline'>, at: Side): string[] =>
  said(duo, at).filter((name) => name.startsWith('dna:'));

const outcomeOf = ({ sent }: Duo, at = -1): string | undefined => {
  const [first, ...more] = sent.at(at)?.deliveries ?? [];
  assert.deepEqual(more, [], 'L1: once');
  return first?.outcome === 'returned' ? `${first.fault.layer} ${first.fault.condition}` : first?.outcome;
};
const delivered = ({ arrived }: Duo): string[] => arrived.map(({ from, to }) => `${from} ${to}`);
const proofsAt = ({ providers }: Duo, at: Side): string[] =>
  providers[at].snapshot().streams.flatMap(({ proofs }) => proofs.map((p) => `${p.domain} ${p.prooftype}`));

async function exchange(duo: Duo, from: string, to: string): Promise<string | undefined> {
  duo.send(from, to);
  await duo.settle();
  await duo.simulation.clock.advance(1_000); // until everything under way has arrived
  return outcomeOf(duo);
}

test('A9: a receiving server whose certificate names others is challenged, before anything is asserted to it (ProtoXEP §6.4)', async () => {
  const duo = await stage(asking(['a.example']), tenants(['b.example'], showing('b.example')));
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.deepEqual(delivered(duo), ['a.example b.example']);
  assert.deepEqual(said(duo, 'A'), ['dna:challenge', 'dna:valid', 'auth EXTERNAL', 'dna:assert']);
  assert.deepEqual(dnaSaid(duo, 'B').slice(0, 2), ['dna:assert in features', 'dna:proof']);
  assert.ok(proofsAt(duo, 'A').includes('b.example attribute-cert'));
  assert.deepEqual(
    reports(duo, 'B', 'domain.judged').map(({ domain, verdict }) => `${domain} ${verdict}`),
    ['b.example valid'],
  );
  const [claim] = duo.judge.claims;
  assert.deepEqual(
    [claim?.type, claim?.domain, claim?.service, claim?.endpoint?.host],
    ['attribute-cert', 'b.example', 'xmpp-server', 'xmpp.provider-b.example'],
  );
  await duo.stop();
});

test('A9: an initiating server whose certificate names others is challenged on the very stream (ProtoXEP §6.5)', async () => {
  const duo = await stage(tenants(['a.example'], showing('a.example')), asking(['b.example']));
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.deepEqual(delivered(duo), ['a.example b.example']);
  assert.deepEqual(said(duo, 'A'), ['dna:valid', 'dna:assert', 'db:result', 'dna:proof']);
  assert.deepEqual(said(duo, 'B'), ['dna:assert in features', 'dna:challenge', 'dna:valid', 'db:result valid']);
  assert.equal(duo.judge.claims[0]?.endpoint, null, 'nobody dialled it');
  await duo.stop();
});

test('A9: two providers that hold no certificate of any tenant prove them all to each other, each once (ProtoXEP §3)', async () => {
  const ours = ['a.example', 'a2.example', 'a3.example'];
  const theirs = ['b.example', 'b2.example', 'b3.example'];
  const all = (hosts: readonly string[]) => Object.assign({}, ...hosts.map((host) => showing(host))) as Proofs;
  const policy = { prooftypes: ['pkix', 'attribute-cert'] };
  const duo = await stage({ ...tenants(ours, all(ours)), policy }, { ...tenants(theirs, all(theirs)), policy });
  for (const from of ours) for (const to of theirs) duo.send(from, to);
  await duo.settle();
  await duo.simulation.clock.advance(1_000);
  assert.equal(duo.arrived.length, 9);
  assert.equal(duo.sockets.opened, 1, 'L3: one socket, and no stream to ask anybody on');
  assert.equal(dnaSaid(duo, 'A').filter((name) => name === 'dna:challenge').length, theirs.length);
  assert.equal(dnaSaid(duo, 'B').filter((name) => name === 'dna:challenge').length, ours.length);
  await duo.stop();
});

test('A9: what was offered first and is there is shown (ProtoXEP §4.4)', async () => {
  const proofs = { 'b.example': { 'xml-assertion': delegates('b.example'), 'attribute-cert': FORGED } };
  const A: ProviderSetup = { ...asking(['a.example']), policy: { prooftypes: ['xml-assertion', 'attribute-cert'] } };
  const duo = await stage(A, { ...tenants(['b.example'], proofs), policy: { prooftypes: ['pkix'] } });
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.deepEqual(
    duo.judge.claims.map(({ type }) => type),
    ['xml-assertion'],
  );
  await duo.stop();
});

/** Nothing of a pair may be sent to a far end that was not proved: no assertion, no stanza. */
async function refused(duo: Stage, why: string): Promise<void> {
  assert.equal(await exchange(duo, 'a.example', 'b.example'), why);
  assert.deepEqual(delivered(duo), []);
  assert.deepEqual(
    said(duo, 'A').filter((name) => SASL_AND_DIALBACK.test(name)),
    [],
    'S2: we did not even say who we are',
  );
}

test('S2: a far end that says <impossible/> gets nothing, and is told nothing (ProtoXEP §4.5)', async () => {
  const duo = await stage(asking(['a.example']), tenants(['b.example', 'b2.example'], showing('b2.example')));
  await refused(duo, 'pkix name-mismatch');
  assert.deepEqual(dnaSaid(duo, 'A'), ['dna:challenge']);
  assert.deepEqual(dnaSaid(duo, 'B'), ['dna:assert in features', 'dna:impossible']);
  await duo.stop();
});

test('S2, S3: a proof that does not hold, or is for another domain, gets nothing, and is called invalid (ProtoXEP §4.3)', async () => {
  for (const data of [FORGED, delegates('b2.example')]) {
    const duo = await stage(asking(['a.example']), tenants(['b.example'], showing('b.example', data)));
    await refused(duo, 'dna domain-mismatch');
    assert.deepEqual(dnaSaid(duo, 'A'), ['dna:challenge', 'dna:invalid']);
    await duo.stop();
  }
});

test('a check that does not end leaves the question open, in time (L2)', async () => {
  const duo = await stage(asking(['a.example']), tenants(['b.example'], showing('b.example')));
  duo.judge.fallSilent();
  await refused(duo, 'pkix name-mismatch');
  assert.deepEqual(dnaSaid(duo, 'A'), ['dna:challenge', 'dna:invalid']);
  await duo.stop();
});

test('off by default: a peer that does not assert itself is never challenged, and none of it is said to it', async () => {
  const plain: ProviderSetup = { hosts: ['b.example'], certificate: { names: ['hosting.example'] } };
  const duo = await stage(asking(['a.example']), plain);
  await refused(duo, 'pkix name-mismatch');
  assert.deepEqual([...dnaSaid(duo, 'A'), ...dnaSaid(duo, 'B')], []);
  await duo.stop();
});

test('off by default: who neither shows nor asks for proofs says nothing of it, to whomever', async () => {
  const policy = { federation: 'encrypted', prooftypes: ['pkix', 'dialback'] } as const;
  const duo = await stage(
    { hosts: ['a.example'], policy },
    { ...tenants(['b.example'], showing('b.example')), policy },
  );
  assert.equal(await exchange(duo, 'b.example', 'a.example'), 'sent');
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.deepEqual(dnaSaid(duo, 'A'), []);
  assert.deepEqual(new Set(dnaSaid(duo, 'B')), new Set(['dna:assert in features']));
  await duo.stop();
});

test('S8: where policy would do with dialback, a proof of delegation is asked for before, and is the stronger one', async () => {
  const policy = { federation: 'encrypted', prooftypes: ['pkix', 'attribute-cert', 'dialback'] } as const;
  const A = { ...asking(['a.example']), policy };
  const strong = await stage(A, tenants(['b.example'], showing('b.example')));
  assert.equal(await exchange(strong, 'a.example', 'b.example'), 'sent');
  assert.ok(proofsAt(strong, 'A').includes('b.example attribute-cert'));
  await strong.stop();
  // And without a proof, DNS vouches for the far end, as it does for all others.
  const weak = await stage(A, tenants(['b.example', 'b2.example'], showing('b2.example')));
  assert.equal(await exchange(weak, 'a.example', 'b.example'), 'sent');
  assert.deepEqual(proofsAt(weak, 'A'), []);
  await weak.stop();
});

const LIFE_SECONDS = 600;

test('S1, L1, L5: a proof that has ended takes its domain from the stream, in both directions of trust, and no other (ProtoXEP §4.3, §6.8)', async () => {
  const proofs = {
    ...showing('a.example', delegates('a.example', LIFE_SECONDS)),
    ...showing('a2.example', delegates('a2.example', 10 * LIFE_SECONDS)),
  };
  const duo = await stage(tenants(['a.example', 'a2.example'], proofs), asking(['b.example']));
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.equal(await exchange(duo, 'a2.example', 'b.example'), 'sent');
  const { opened } = duo.sockets;

  // The owner of the domain does not renew the proof.
  duo.providers.A.setProofs('a.example', { 'attribute-cert': FORGED });
  const { clock } = duo.simulation;
  await clock.advance((LIFE_SECONDS - 20) * 1_000);
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent', 'it holds until its time is over');
  const arrivedBefore = duo.arrived.length;
  await clock.runUntil(() => dnaSaid(duo, 'B').at(-1) === 'dna:invalid', 60_000);
  duo.send('a.example', 'b.example'); // before the message has arrived there
  await clock.advance(1_000);
  assert.equal(duo.arrived.length, arrivedBefore, 'S1: what was on its way is not let in');
  assert.deepEqual(
    reports(duo, 'A', 'domain.withdrawn').map(({ domain, end }) => `${domain} ${end}`),
    ['a.example local'],
  );

  assert.equal(await exchange(duo, 'a2.example', 'b.example'), 'sent', 'L5: the other goes on');
  assert.equal(duo.sockets.opened, opened, 'on the stream that stands');
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'dialback not-authorized', 'L1: it comes back');

  // L6: there is a new statement.
  duo.providers.A.setProofs('a.example', { 'attribute-cert': delegates('a.example') });
  await clock.advance(300_000);
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  await duo.stop();
});

test('A14: a proof is renewed before it ends, by another challenge on the stream that stands', async () => {
  const proofs = showing('a.example', delegates('a.example', LIFE_SECONDS));
  const duo = await stage(tenants(['a.example'], proofs), asking(['b.example']));
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  const { opened } = duo.sockets;
  for (let minute = 0; minute < 40; minute += 1) {
    await duo.simulation.clock.advance(60_000);
    assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  }
  assert.equal(duo.sockets.opened, opened);
  assert.equal(duo.arrived.length, duo.sent.length);
  const challenges = dnaSaid(duo, 'B').filter((name) => name === 'dna:challenge').length;
  assert.ok(challenges > 3 && challenges < 20, String(challenges));
  assert.ok(!dnaSaid(duo, 'B').includes('dna:invalid'));
  await duo.stop();
});

test('S1, S2, L1: <impossible/> takes the domain from the stream both ways; what waits comes back (ProtoXEP §4.5)', async () => {
  const proofs = { ...showing('a.example'), ...showing('a2.example') };
  const duo = await stage(
    { ...tenants(['a.example', 'a2.example'], proofs), bidi: true },
    { ...asking(['b.example']), bidi: true },
  );
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'sent');
  assert.equal(await exchange(duo, 'a2.example', 'b.example'), 'sent');
  assert.equal(await exchange(duo, 'b.example', 'a.example'), 'sent', 'in reverse');
  const { opened } = duo.sockets;

  duo.providers.A.setProofs('a.example', null);
  await duo.simulation.clock.advance(1_000);
  assert.equal(dnaSaid(duo, 'A').at(-1), 'dna:impossible');
  assert.deepEqual(
    [...reports(duo, 'A', 'domain.withdrawn'), ...reports(duo, 'B', 'domain.withdrawn')].map(
      ({ domain, end }) => `${domain} ${end}`,
    ),
    ['a.example local', 'a.example remote'],
  );
  const { facts, routes } = duo.providers.B.snapshot().tables;
  assert.deepEqual(
    [facts.filter(({ from }) => from === 'a.example'), routes.filter(({ remote }) => remote === 'a.example')],
    [[], []],
  );
  assert.equal(await exchange(duo, 'a2.example', 'b.example'), 'sent', 'L5');
  assert.equal(duo.sockets.opened, opened);
  assert.equal(await exchange(duo, 'a.example', 'b.example'), 'dialback not-authorized');
  assert.equal(await exchange(duo, 'b.example', 'a.example'), 'pkix name-mismatch');
  assert.deepEqual(delivered(duo).slice(3), ['a2.example b.example']);
  await duo.stop();
});

test('what cannot be shown is refused at once, and the domains of others are none of ours', async () => {
  const duo = await stage(tenants(['a.example']), asking(['b.example']));
  const { A } = duo.providers;
  assert.throws(() => A.setProofs('b.example', {}), TypeError);
  assert.throws(() => A.setProofs('a.example', { 'attribute-cert': '' }), /is empty/);
  assert.throws(() => A.setProofs('a.example', { 'attribute-cert': 'x'.repeat(20_000) }), /longer than 16384/);
  await duo.stop();
});
