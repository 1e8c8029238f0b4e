/** Prooftypes defined by an embedder, at the boundary: their names and their answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPromise } from 'xstate';
import { ConnectionManager } from '../../src/manager.ts';
import type { ManagerOptions } from '../../src/options.ts';
import { askProoftype } from '../../src/control/own-prooftypes.ts';
import { checkedVerdict } from '../../src/control/own-verdict.ts';
import { faultSentence } from '../../src/protocol/faults.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import type { Prooftype, ProoftypeVerdict } from '../../src/prooftype.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { answering, prooftypeOf } from '../support/own-prooftypes.ts';
import { createSimulation } from '../support/simulation.ts';

const NOW_MS = 1_700_000_000_000;
const DAY_MS = 86_400_000;
const proved = { kind: 'proved', evidence: { a: 'b', n: 1, yes: true, none: null }, expiresAtMs: NOW_MS + 1_000 };

const verdictOn = (answer: unknown, strength: 'strong' | 'weak' = 'strong'): ProofVerdict =>
  checkedVerdict('word', { strength }, answer, NOW_MS);
const summary = (verdict: ProofVerdict): string =>
  verdict.kind === 'proved' ? 'proved' : `${verdict.kind} ${faultSentence(verdict.fault)}`;

test('a verdict goes under the name and the strength that were declared, and in a copy (RFC 7712 §7)', () => {
  const claim = { ...proved, prooftype: 'dane', strength: 'strong', final: true };
  const { evidence } = proved;
  assert.deepEqual(verdictOn(claim, 'weak'), { ...proved, prooftype: 'word', strength: 'weak' });
  const verdict = verdictOn({ ...proved, evidence });
  assert.notEqual(verdict.kind === 'proved' && verdict.evidence, evidence);
  const fault = { condition: 'wrong-word', origin: 'peer', text: 'it said no', layer: 'dane' };
  assert.deepEqual(verdictOn({ kind: 'refuted', fault, final: true }), {
    kind: 'refuted',
    fault: { layer: 'prooftype', condition: 'wrong-word', origin: 'peer', text: 'word: it said no' },
  });
  assert.equal(
    summary(verdictOn({ kind: 'undetermined', fault })),
    'undetermined prooftype: wrong-word (peer): word: it said no',
  );
});

test('a proof ends: not before now, and thirty days from now at the latest (A14)', () => {
  for (const [expiresAtMs, expected] of [
    [NOW_MS + 1, NOW_MS + 1],
    [Number.MAX_VALUE, NOW_MS + 30 * DAY_MS],
  ]) {
    const verdict = verdictOn({ ...proved, expiresAtMs });
    assert.equal(verdict.kind === 'proved' && verdict.expiresAtMs, expected);
  }
  for (const expiresAtMs of [NOW_MS, 0, -1, NOW_MS / 1_000])
    assert.match(summary(verdictOn({ ...proved, expiresAtMs })), /^undetermined prooftype: proof-expired \(local\)/);
  for (const expiresAtMs of [null, undefined, Number.NaN, Infinity, '9999999999999', new Date(NOW_MS + DAY_MS)])
    assert.match(summary(verdictOn({ ...proved, expiresAtMs })), /^undetermined prooftype: invalid-verdict \(local\)/);
});

test('what is no verdict leaves the question open, and never throws', () => {
  const throwing = {
    get kind(): string {
      throw new Error('not today');
    },
  };
  const fault = { condition: 'no', origin: 'peer' };
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`n${i}`, i]));
  const nonsense: readonly unknown[] = [
    ...[undefined, null, 1, '', 'proved', [], {}, () => proved, throwing, { ...proved, kind: 'Proved' }],
    ...[null, 'x', many, { a: {} }, { a: 1n }, { a: Number.NaN }, { ['n'.repeat(65)]: 1 }].map((evidence) => ({
      ...proved,
      evidence,
    })),
    { kind: 'refuted' },
    ...[{ origin: 'nobody' }, { condition: 'No Way' }, { condition: '' }, { condition: 'x'.repeat(65) }].map(
      (wrong) => ({
        kind: 'refuted',
        fault: { ...fault, ...wrong },
      }),
    ),
  ];
  for (const answer of nonsense)
    assert.match(summary(verdictOn(answer)), /^undetermined prooftype: invalid-verdict \(local\): word: ./);
  const long = verdictOn({ ...proved, evidence: { a: 'x'.repeat(10_000) } });
  assert.ok(long.kind === 'proved' && String(long.evidence['a']).length <= 500);
});

const question = {
  service: 'xmpp-server',
  domain: 'a.example',
  derivedDomains: [],
  certificate: null,
  proof: null,
} as const;
const ask = (prooftype: Prooftype, der: Uint8Array = Uint8Array.of(1), signal = new AbortController().signal) => {
  const ports = { clock: new SimulatedClock(), secureDns: false, chain: () => [der] };
  return askProoftype('word', prooftype, question, ports, signal);
};

test('an actor is given copies of the chain, and cannot change what others see', async () => {
  const der = Uint8Array.of(1, 2, 3);
  const vandal = prooftypeOf(({ chain }) => {
    for (const certificate of chain()) certificate.fill(0);
    return answering({ kind: 'proved', evidence: {}, expiresAtMs: Number.MAX_SAFE_INTEGER });
  });
  assert.equal(summary(await ask(vandal, der)), 'proved');
  assert.deepEqual(der, Uint8Array.of(1, 2, 3));
});

test('what is thrown is told with its message, whatever it is', async () => {
  for (const [thrown, told] of [
    [new Error('a mistake'), 'a mistake'],
    ['a word', 'a word'],
    [undefined, 'no reason given'],
    [Object.create(null), 'no reason given'],
  ] as const) {
    const rejecting = fromPromise<ProoftypeVerdict>(() => Promise.reject(thrown as Error)); // may be no Error
    assert.equal(
      summary(await ask(prooftypeOf(() => rejecting))),
      `undetermined prooftype: prooftype-failed (local): word: ${told}`,
    );
  }
});

test('whoever is not waited for any more is stopped, also when that was so before he began', async () => {
  for (const isLate of [true, false]) {
    const over = new AbortController();
    let stopped = false;
    const hanging = fromPromise<ProoftypeVerdict>(({ signal }) => {
      signal.addEventListener('abort', () => (stopped = true));
      return new Promise(() => undefined);
    });
    if (!isLate) over.abort();
    const verdict = ask(
      prooftypeOf(() => hanging),
      Uint8Array.of(1),
      over.signal,
    );
    over.abort();
    assert.notEqual((await verdict).kind, 'proved');
    assert.ok(stopped);
  }
});

const word = prooftypeOf(() => answering(proved));
function make(options: Partial<ManagerOptions>): ConnectionManager {
  const simulation = createSimulation(1);
  const { network } = simulation.host({ forServerName: () => null });
  return new ConnectionManager({ hosts: { 'a.example': null }, ...options }, { ...simulation, network });
}
const refused = (options: Partial<ManagerOptions>, message: RegExp): void => {
  assert.throws(() => make(options), { name: 'TypeError', message });
};

test('a policy names prooftypes of ours and of the embedder, and no others, now and later (RFC 7712 §8)', () => {
  const prooftypes = { word, 'urn:example:word': word };
  const manager = make({ prooftypes, policy: { prooftypes: ['word', 'pkix', 'urn:example:word'] } });
  manager.setPolicy({ domains: { 'b.example': { prooftypes: ['word'] } } });
  const isNamed = { name: 'TypeError', message: /^policy\.domains\["b\.example"\]\.prooftypes\[1\]: .*"wort"$/ };
  assert.throws(() => {
    manager.setPolicy({ domains: { 'b.example': { prooftypes: ['word', 'wort'] } } });
  }, isNamed);
  refused({ policy: { prooftypes: ['word'] } }, /^policy\.prooftypes\[0\]: expected one of dane \| .*, got "word"$/);
  refused({ prooftypes, policy: { prooftypes: ['urn:example:Word'] } }, /^policy\.prooftypes\[0\]/);
  for (const inherited of ['constructor', 'toString', '__proto__'])
    refused({ prooftypes, policy: { prooftypes: [inherited] } }, /^policy\.prooftypes\[0\]/);
});

test('a prooftype has a name of its own: a word in kebab-case, or a URI in the form in which it is compared', () => {
  for (const name of ['pkix', 'dane', 'posh', 'dialback', 'none', 'attribute-cert', 'dnssec-ta'])
    refused({ prooftypes: { [name]: word } }, new RegExp(`^prooftypes\\["${name}"\\]: this name is ours$`));
  const wrong = ['', 'Word', 'pkixProoftype', 'two words', '-word', 'x'.repeat(65), 'URN:example:word', 'urn:x'];
  for (const name of [...wrong, 'urn:xmpp:dna:proof:attribute-cert', `urn:example:${'x'.repeat(256)}`, 'x: y'])
    refused(
      { prooftypes: { [name]: word } },
      /^prooftypes\[.*\]: expected a word-in-kebab-case, or a URI of your own$/,
    );
  const weak = { ...word, strength: 'weak' } as const;
  for (const prooftypes of [['weak'], ['dialback', 'weak']])
    assert.throws(() => make({ prooftypes: { weak }, policy: { prooftypes } }), /policy\.prooftypes: .* never accepts/);
  make({ prooftypes: { weak }, policy: { federation: 'encrypted', prooftypes: ['weak'] } });
  make({ prooftypes: { constructor: word, 'a-1-b': word, 'https://example.net/dna#word': word } });
});

test('the four answers are given, and there are a strength and an actor (RFC 7712 §7)', () => {
  const { answers } = word;
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ ...word, answers: undefined }, 'answers.nature'],
    [{ ...word, answers: { ...answers, nature: '' } }, 'answers.nature'],
    [{ ...word, answers: { ...answers, matching: 1 } }, 'answers.matching'],
    [{ ...word, answers: { ...answers, material: undefined } }, 'answers.material'],
    [{ ...word, answers: { ...answers, needsSecureDns: 'no' } }, 'answers.needsSecureDns'],
    [{ ...word, strength: 'none' }, 'strength'],
    [{ ...word, actor: answering(proved) }, 'actor'],
  ];
  for (const [prooftype, key] of wrong)
    refused(
      { prooftypes: { word: prooftype as Prooftype } },
      new RegExp(`^prooftypes\\["word"\\]\\.${key}: expected `),
    );
});

test('what is shown under a URI of the embedder has the form in which it is compared', () => {
  make({ proofs: { 'a.example': { 'urn:example:word': 'yes' } } });
  for (const uri of ['URN:example:word', 'urn:xmpp:dna:proof:attribute-cert', 'x:'] as const)
    refused({ proofs: { 'a.example': { [uri]: 'yes' } } }, /: unknown type of proof$/);
});
