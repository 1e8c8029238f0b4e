/** Nested deadlines: the inner one must pass first, since it knows what was late, and what may still help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate';
import { association, initiatingStream, pkixProoftype } from '../../../machines/index.ts';
import type { TransportCommand, TransportInput } from '../../../machines/events.ts';
import { limits } from '../../../machines/limits.ts';
import type { PathVerdict } from '../../../src/protocol/certificate.ts';
import { allMachines } from '../../support/all-charts.ts';
import { readChart } from '../../support/charts.ts';
import { certificateOf, initiatingInput, tlsWith } from '../../support/samples.ts';

/** `chart.delay`, in milliseconds. */
function ms(name: string): number {
  const [id, delay = ''] = name.split('.');
  const machine = allMachines.find((candidate) => candidate.id === id);
  const found = machine === undefined ? undefined : readChart(machine).delays[delay];
  assert.ok(found !== undefined && found.leastMs === found.mostMs, `${name} is a number`);
  return found.mostMs;
}

/** DANE, PKIX and POSH, for a domain of which only the name is known. */
const byCertificate = [
  'association.delegationTimeout',
  'association.proofTimeout',
  'association.proofTimeout',
  'association.documentTimeout',
];

/** Waits that follow each other, and the wait that contains them. */
const contained: readonly (readonly [inner: readonly string[], outer: string])[] = [
  [['resolution.servicesTimeout'], 'peer.resolutionTimeout'],
  [['pkixProoftype.proofTimeout'], 'association.proofTimeout'],
  [['dialbackProoftype.verifyStreamTimeout', 'dialbackProoftype.verifyAnswerTimeout'], 'association.dialbackTimeout'],
  [['daneProoftype.proofTimeout'], 'association.proofTimeout'],
  [['poshProoftype.documentTimeout'], 'association.documentTimeout'],
  [[...byCertificate, 'association.ownProofTimeout'], 'initiatingStream.associationTimeout'],
  [[...byCertificate, 'association.ownProofTimeout'], 'receivingStream.associationTimeout'],
  [[...byCertificate, 'association.ownProofTimeout'], 'pair.associationTimeout'],
  [['challenge.challengeTimeout', 'challenge.checkTimeout'], 'association.challengeTimeout'],
  [['association.challengeTimeout'], 'initiatingStream.challengeTimeout'],
  [[...byCertificate, 'association.dialbackTimeout'], 'verification.verificationTimeout'],
  [['dialbackProoftype.verifyAnswerTimeout'], 'initiatingStream.verifyTimeout'],
  [['verification.verificationTimeout'], 'assertion.assertionTimeout'],
  [['assertion.assertionTimeout'], 'pair.answerTimeout'],
];
test('L2: features are waited for longer than what the far end looks into before it sends them (XEP-0178 §3)', () => {
  const { featuresMs, associationMs }: Readonly<Record<'featuresMs' | 'associationMs', number>> = limits;
  assert.ok(featuresMs > associationMs);
});

for (const [inner, outer] of contained) {
  test(`L2: ${outer} is longer than ${inner.join(' and ')}`, () => {
    const sum = inner.reduce((total, name) => total + ms(name), 0);
    assert.ok(ms(outer) > sum, `${ms(outer)} > ${sum}`);
  });
}

test('a path check that is never finished: the next prooftype is asked, and the stream goes on where policy lets it (RFC 7712 §7)', () => {
  const clock = new SimulatedClock();
  const never = fromPromise<PathVerdict, { stream: number }>(() => new Promise(() => undefined));
  const machine = initiatingStream.provide({
    actors: {
      transport: fromCallback<TransportCommand, TransportInput>(() => undefined),
      association: association.provide({
        actors: { pkixProoftype: pkixProoftype.provide({ actors: { validatePath: never } }) },
      }),
    },
  });
  const policy = { federation: 'encrypted', prooftypes: ['pkix', 'dane', 'dialback'] } as const;
  const actor = createActor(machine, { clock, input: initiatingInput({ directTls: true }, policy) });
  const settled: unknown[] = [];
  actor.on('association.settled', ({ outcome }) => settled.push(outcome.attempts.map(({ prooftype }) => prooftype)));
  actor.start();
  actor.send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5270 });
  actor.send({ type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) });
  assert.ok(actor.getSnapshot().matches({ association: 'awaitingVerdict' }));
  clock.increment(limits.proofMs);
  assert.ok(actor.getSnapshot().matches('streamHeaders'));
  assert.deepEqual(settled, [['dane', 'pkix']]);
});
