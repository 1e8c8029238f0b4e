/** Explanations of failed attempts: of a few, all; of very many, a bounded number per second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureExplainer } from '../../src/control/explain-failures.ts';
import { fault } from '../../src/protocol/faults.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { failedWith, viewMade } from '../support/explain-views.ts';

const pair = { actor: 'pair:a.example>b.example', kind: 'pair' } as const;

test('a failure is told as explain tells it; of more than fifty in a second nothing is, until the next', async () => {
  const clock = new SimulatedClock();
  const explainer = new FailureExplainer(() => viewMade(failedWith(fault('tcp', 'connection-refused', 'peer'))), clock);
  const told = Array.from({ length: 60 }, () => explainer.explain(pair));
  assert.match(told[0]?.cause ?? '', /^Nothing listens at xmpp\.b\.example port 5269/);
  assert.equal(told.filter((one) => one !== null).length, 50);
  await clock.advance(1_000);
  assert.notEqual(explainer.explain(pair), null);
});

test('who is not known, or has not failed, is not told of', () => {
  const explainer = new FailureExplainer(() => viewMade([]), new SimulatedClock());
  assert.equal(explainer.explain(pair), null);
});
