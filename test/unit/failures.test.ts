/** The table of failures: total, and each row as required (RFC 6120 §10.4.3, XEP-0220 §2.1.1 and §2.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, type NextStep } from '../../machines/index.ts';
import { stanzaErrorType } from '../../src/protocol/conditions.ts';
import { fault, type FaultLayer } from '../../src/protocol/faults.ts';

const layers: Readonly<Record<FaultLayer, true>> = {
  dns: true, tcp: true, tls: true, xml: true, stream: true, sasl: true, dialback: true, pkix: true, dane: true,
  posh: true,
  dna: true, prooftype: true, policy: true, queue: true, config: true, component: true, internal: true,
}; // prettier-ignore
const steps: Readonly<Record<NextStep, true>> = {
  'next-prooftype': true, 'next-stream': true, 'give-up-pair': true, 'give-up-peer': true,
}; // prettier-ignore

test('total: every fault leads to a step, and to a stanza error that exists (RFC 6120 §8.3.3)', () => {
  const anyFault = fc.record({
    layer: fc.constantFrom(...(Object.keys(layers) as FaultLayer[])),
    condition: fc.string(),
  });
  fc.assert(
    fc.property(anyFault, ({ layer, condition }) => {
      const { next, bounce } = decide(fault(layer, condition, 'peer'));
      assert.ok(Object.hasOwn(steps, next));
      assert.equal(typeof stanzaErrorType(bounce), 'string', bounce);
    }),
  );
});

for (const [layer, condition, next, bounce] of [
  ['dns', 'service-absent', 'give-up-peer', 'remote-server-not-found'],
  ['dns', 'lookup-failed', 'give-up-peer', 'remote-server-timeout'],
  ['tcp', 'connect-timeout', 'next-stream', 'remote-server-timeout'],
  ['tls', 'handshake-failed', 'next-stream', 'remote-server-timeout'],
  ['sasl', 'not-authorized', 'next-prooftype', 'remote-server-timeout'],
  ['sasl', 'no-method-offered', 'next-stream', 'remote-server-timeout'],
  ['dialback', 'resource-constraint', 'next-stream', 'remote-server-timeout'],
  ['dialback', 'invalid', 'give-up-pair', 'internal-server-error'],
  ['dialback', 'item-not-found', 'give-up-pair', 'remote-server-not-found'],
  ['dialback', 'remote-connection-failed', 'give-up-pair', 'remote-server-timeout'],
  ['stream', 'host-unknown', 'next-stream', 'remote-server-not-found'],
  ['policy', 'policy-violation', 'give-up-peer', 'policy-violation'],
  ['queue', 'full', 'give-up-pair', 'resource-constraint'],
] as const) {
  test(`${layer} ${condition}: ${next}, and the sender is told ${bounce}`, () => {
    assert.deepEqual(pick(decide(fault(layer, condition, 'peer'))), { next, bounce });
  });
}

const pick = ({ next, bounce }: { next: NextStep; bounce: string }) => ({ next, bounce });
