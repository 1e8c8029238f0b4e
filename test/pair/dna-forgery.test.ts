/**
 * The DNA protocol of 2009 against a scripted peer: messages that are unsolicited, late, too large, too frequent or too
 * early (S1, S5, S6).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialOf } from '../../src/demo/certificates.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
import {
  createScriptedPeer,
  DIALBACK_FEATURE,
  features,
  header,
  PROCEED,
  type ScriptedPeer,
  type ScriptedStream,
  STARTTLS,
} from '../support/simulation-peer.ts';
import { createSolo, type Solo } from '../support/simulation-solo.ts';
import { delegates, tableDnaJudge, type TableDnaJudge } from '../support/table-dna-judge.ts';

const DNA = "xmlns='urn:xmpp:dna:0'";
const ATTRIBUTE_CERT = 'urn:xmpp:dna:proof:attribute-cert';
const assertion = (domain: string): string => `<assert ${DNA} from='${domain}'/>`;
const proof = (domain: string, data: string): string =>
  `<proof ${DNA} from='${domain}' type='${ATTRIBUTE_CERT}'>${data}</proof>`;
const challengeOf = (domain: string, type = ATTRIBUTE_CERT): string =>
  `<challenge ${DNA} to='${domain}'><proof type='${type}'/></challenge>`;
const valid = (domain: string): string => `<valid ${DNA} to='${domain}'/>`;
const impossible = (domain: string): string => `<impossible ${DNA} from='${domain}'/>`;
const challenge = (domain: string) => new RegExp(`<challenge xmlns='urn:xmpp:dna:0' to='${domain}'>`, 'g');
const verdict = (word: string, domain: string) => new RegExp(`<${word} xmlns='urn:xmpp:dna:0' to='${domain}'/>`, 'g');
const count = ({ heard }: ScriptedStream, what: RegExp): number => [...heard.matchAll(what)].length;

const stanza = (from: string, to = 'a.example'): string =>
  `<message from='romeo@${from}' to='juliet@${to}' type='chat'><body>Is it the east?</body></message>`;

const OURS: ProviderSetup = {
  hosts: ['a.example', 'a2.example'],
  policy: { prooftypes: ['pkix', 'attribute-cert'] },
  proofs: { 'a.example': { 'attribute-cert': delegates('a.example') } },
};
const THEIRS = credentialOf({ hosts: [], certificate: { names: ['hosting.example'] } });
const SOON_MS = 2_000;

interface Stage extends Solo {
  readonly judge: TableDnaJudge;
  readonly peer: ScriptedPeer;
}

async function stage(onText: (stream: ScriptedStream) => void = () => undefined): Promise<Stage> {
  const judge: TableDnaJudge = tableDnaJudge(() => solo.simulation.clock);
  const solo: Solo = await createSolo(OURS, { dnaProofs: judge });
  const peer = await createScriptedPeer(solo.simulation, THEIRS, ['b.example'], onText);
  return { ...solo, judge, peer };
}

/** A client under TLS that has received features; it sends `before` ahead of TLS. */
async function intrude({ simulation, peer, address, port }: Stage, before = ''): Promise<ScriptedStream> {
  const { clock } = simulation;
  const hello = header(`from='b.example' to='a.example'`);
  const stream = peer.connect(address, port);
  await clock.runUntil(() => stream.isConnected, SOON_MS);
  stream.write(hello + before);
  await clock.runUntil(() => stream.take('</stream:features>') !== null, SOON_MS);
  stream.write(STARTTLS);
  await clock.runUntil(() => stream.text.includes('<proceed'), SOON_MS);
  stream.secureAsClient('a.example', THEIRS);
  await clock.runUntil(() => stream.isSecured, SOON_MS);
  stream.write(hello);
  await clock.runUntil(() => stream.text.includes('</stream:features>'), SOON_MS);
  return stream;
}

const later = ({ simulation }: Stage, ms = SOON_MS): Promise<void> => simulation.clock.advance(ms);

test('S1: who was declared valid may send at once, to whom it believes in turn, and nobody else may (ProtoXEP §4.2, §6.8)', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(assertion('b.example'));
  await later(here);
  assert.equal(count(stream, challenge('b.example')), 1);
  stream.write(proof('b.example', delegates('b.example')));
  await later(here);
  assert.equal(count(stream, verdict('valid', 'b.example')), 1);
  stream.write(stanza('b.example'));
  stream.write(valid('a2.example') + stanza('b.example', 'a2.example'));
  await later(here);
  assert.deepEqual(
    here.arrived.map(({ from, to }) => `${from} ${to}`),
    ['b.example a.example', 'b.example a2.example'],
  );
  stream.write(stanza('c.example'));
  await later(here);
  assert.equal(here.arrived.length, 2);
  assert.match(stream.heard, /<invalid-from/);
});

test('S1, S6: a proof, a valid and an assertion that nobody asked for admit nobody, and close nothing', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(proof('b.example', delegates('b.example')) + valid('a.example') + valid('a2.example'));
  stream.write(assertion('b.example')); // and does not answer the challenge
  await later(here);
  assert.deepEqual(here.judge.claims, []);
  assert.deepEqual(here.manager.snapshot().tables.facts, []);
  assert.ok(!stream.over);
  assert.equal(count(stream, verdict('valid', 'b.example')), 0);
  stream.write(stanza('b.example'));
  await later(here);
  assert.deepEqual(here.arrived, []);
  assert.match(stream.heard, /<not-authorized/);
});

test('S3: the proof of one domain is no answer to the challenge for another', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(assertion('b.example') + assertion('c.example'));
  await later(here);
  stream.write(proof('c.example', delegates('b.example')) + proof('d.example', delegates('d.example')));
  await later(here);
  assert.deepEqual(
    here.judge.claims.map(({ domain }) => domain),
    ['c.example'],
  );
  assert.deepEqual(
    [count(stream, verdict('invalid', 'c.example')), count(stream, verdict('valid', '[a-z.]+'))],
    [1, 0],
  );
});

test('L2: silence after a challenge is an invalid after 30 s, and a proof after that is not read', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(assertion('b.example'));
  await later(here, 29_000);
  assert.equal(count(stream, verdict('invalid', 'b.example')), 0);
  await later(here, 3_000);
  assert.equal(count(stream, verdict('invalid', 'b.example')), 1);
  stream.write(proof('b.example', delegates('b.example')));
  await later(here);
  assert.deepEqual(here.judge.claims, []);
});

test('who was refused is not challenged again on the stream; only after <impossible/> is another assertion news (ProtoXEP §6.8)', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(assertion('b.example'));
  await later(here);
  stream.write(impossible('b.example'));
  await later(here);
  assert.equal(count(stream, verdict('invalid', 'b.example')), 0, 'it knows');
  stream.write(assertion('b.example'));
  await later(here);
  assert.equal(count(stream, challenge('b.example')), 2);
  stream.write(proof('b.example', 'forged'));
  await later(here);
  for (let i = 0; i < 10; i += 1) stream.write(assertion('b.example'));
  await later(here);
  assert.equal(count(stream, challenge('b.example')), 2);
  const refusals = count(stream, verdict('invalid', 'b.example'));
  assert.ok(refusals >= 2, 'each time it hears why');
});

test('nobody else asserts what is served here, or what policy denies', async () => {
  const here = await stage();
  const stream = await intrude(here);
  here.manager.setPolicy({ ...OURS.policy, deny: ['c.example'] });
  stream.write(assertion('a2.example') + assertion('c.example') + impossible('a.example'));
  await later(here);
  for (const domain of ['a2.example', 'c.example']) assert.equal(count(stream, verdict('invalid', domain)), 1, domain);
  assert.equal(count(stream, challenge('[a-z0-9.]+')), 0);
  assert.ok(!stream.over);
});

test('a challenge is answered with what there is to show, or impossible; no domain but ours becomes ours by a valid (ProtoXEP §6.7)', async () => {
  const here = await stage();
  const stream = await intrude(here);
  stream.write(challengeOf('a.example') + challengeOf('a2.example') + challengeOf('c.example'));
  stream.write(challengeOf('a.example', 'http://x.example/') + valid('c2.example'));
  await later(here);
  assert.deepEqual(
    [...stream.heard.matchAll(/<(proof|impossible) xmlns='urn:xmpp:dna:0' from='([^']*)'/g)].map(
      ([, name, domain]) => `${name ?? ''} ${domain ?? ''}`,
    ),
    [
      'proof a.example',
      'impossible a2.example',
      'impossible c.example',
      'impossible a.example',
      'impossible c2.example',
    ],
  );
  assert.match(stream.heard, new RegExp(`type='${ATTRIBUTE_CERT}'>${delegates('a.example')}</proof>`));
});

test('who challenges and challenges is shown a proof once in a while, and no more is held for it', async () => {
  const here = await stage();
  const stream = await intrude(here);
  for (let i = 0; i < 100; i += 1) stream.write(challengeOf('a.example'));
  await later(here);
  assert.equal(count(stream, /<proof xmlns='urn:xmpp:dna:0'/g), 1);
  await later(here, 30_000);
  stream.write(challengeOf('a.example'));
  await later(here);
  assert.equal(count(stream, /<proof xmlns='urn:xmpp:dna:0'/g), 2);
});

test('a proof may be as large as a proof is, for whoever was challenged, and for nobody else', async () => {
  const large = 'A'.repeat(16_000);
  const asked = await stage();
  const stream = await intrude(asked);
  stream.write(assertion('b.example'));
  await later(asked);
  stream.write(proof('b.example', large));
  await later(asked);
  assert.equal(asked.judge.claims[0]?.data.length, large.length);
  assert.ok(!stream.over);
  stream.write(assertion('c.example'));
  await later(asked);
  stream.write(proof('c.example', `${large}${large}`));
  await later(asked);
  assert.equal(asked.judge.claims.length, 1, 'twice as much is not looked at');

  const unasked = await stage();
  const other = await intrude(unasked);
  other.write(proof('b.example', large));
  await later(unasked);
  assert.match(other.heard, /<policy-violation/);
});

test('S5: nothing of it is heard before TLS', async () => {
  const here = await stage();
  const stream = await intrude(here, assertion('b.example') + challengeOf('a.example') + valid('a.example'));
  await later(here);
  assert.ok(!/<(?:proof|challenge|valid|invalid) /.test(stream.heard), stream.heard);
  assert.ok(!stream.over);
});

test('what it never asserted it may take back as often as it likes, and a hundred domains are challenged in turn', async () => {
  const here = await stage();
  const stream = await intrude(here);
  for (let i = 0; i < 500; i += 1) stream.write(impossible(`b${i}.example`));
  for (let i = 0; i < 100; i += 1) stream.write(assertion(`b${i}.example`));
  await later(here);
  assert.equal(count(stream, challenge('b\\d+.example')), 64, 'so many at once');
  assert.ok(!stream.over);
});

/** A server of b.example that offers these features under TLS, and then stays silent. */
const server =
  (...offered: readonly string[]) =>
  (stream: ScriptedStream): void => {
    if (!stream.isSecured && stream.take('<stream:stream') !== null) {
      stream.write(header(`from='b.example' to='a.example' id='p'`) + features(STARTTLS));
    } else if (stream.take('<starttls') !== null) {
      stream.write(PROCEED);
      stream.secureAsServer('b.example');
    } else if (stream.isSecured && stream.take('<stream:stream') !== null) {
      stream.write(header(`from='b.example' to='a.example' id='s'`) + features(...offered));
    }
  };

test('L2: a server that asserts itself and keeps silent when it is challenged: what waits comes back, and it heard nothing else', async () => {
  const here = await stage(server(DIALBACK_FEATURE, assertion('b.example')));
  here.send('a.example', 'b.example');
  await here.simulation.clock.runUntil(() => here.deliveries.length > 0, 300_000);
  assert.equal(here.deliveries[0]?.outcome, 'returned');
  const heard = here.peer.streams.map((stream) => stream.heard).join('');
  assert.match(
    heard,
    /<challenge xmlns='urn:xmpp:dna:0' to='b\.example'><proof type='urn:xmpp:dna:proof:attribute-cert'\/>/,
  );
  assert.ok(!/<auth|db:result|<message|<assert/.test(heard), heard);
});
