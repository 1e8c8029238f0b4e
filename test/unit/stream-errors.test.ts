/** The stream error that reports a fault which ends the stream (RFC 6120 §4.9). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../src/protocol/faults.ts';
import { streamErrorFor } from '../../src/protocol/stream-errors.ts';

test('conditions of RFC 6120 §4.9.3 are said as they are, with their text; ours are undefined-condition', () => {
  assert.deepEqual(streamErrorFor(fault('stream', 'host-unknown', 'peer', 'not here')), {
    kind: 'streamError',
    condition: 'host-unknown',
    text: 'not here',
  });
  assert.equal(streamErrorFor(fault('stream', 'features-timeout', 'peer'))?.condition, 'undefined-condition');
  assert.equal(streamErrorFor(fault('policy', 'far-end-not-proved', 'peer'))?.condition, 'policy-violation');
});

test('an error of ours is told as one, and no more of it (RFC 6120 §4.9.3.8)', () => {
  const what = fault('internal', 'internal-error', 'local', "Cannot read properties of undefined (reading 'secret')");
  assert.deepEqual(streamErrorFor(what), { kind: 'streamError', condition: 'internal-server-error', text: null });
});

test('whoever could not be proved is not-authorized, whatever the prooftype (RFC 6120 §4.9.3.12)', () => {
  for (const layer of ['pkix', 'dane', 'posh', 'sasl', 'dialback'] as const)
    assert.equal(streamErrorFor(fault(layer, 'invalid-xml', 'peer'))?.condition, 'not-authorized', layer);
});

test('nothing is said of what the network did (RFC 6120 §5.4.3.2), nor of a stream that gave way to its double', () => {
  for (const layer of ['tcp', 'tls', 'dns'] as const)
    assert.equal(streamErrorFor(fault(layer, 'reset', 'peer')), null, layer);
  assert.equal(streamErrorFor(fault('stream', 'superseded', 'local')), null);
});
