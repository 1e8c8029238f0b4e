import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type Answer } from 'dns-packet';
import { secondsSigned } from '../../src/adapters/dns/signature-expiry.ts';

const signature = (expiration: number): Answer => ({
  type: 'RRSIG',
  name: '_xmpp-server._tcp.a.example',
  ttl: 3600,
  data: {
    typeCovered: 'SRV',
    algorithm: 13,
    labels: 4,
    originalTTL: 3600,
    expiration,
    inception: 0,
    keyTag: 1,
    signersName: 'a.example',
    signature: Buffer.alloc(64),
  },
});
const address: Answer = { type: 'A', name: 'a.example', ttl: 60, data: '192.0.2.1' };
const message = (parts: { answers?: Answer[]; authorities?: Answer[] }): Buffer =>
  encode({ type: 'response', questions: [{ type: 'SRV', name: '_xmpp-server._tcp.a.example' }], ...parts });

test('D3: the first signature to end is found, in whatever section (RFC 4035 §5.3.3)', () => {
  const both = message({
    answers: [address, signature(900), address],
    authorities: [signature(700), signature(1_200)],
  });
  assert.equal(secondsSigned(both, 100), 600);
  assert.equal(secondsSigned(both, 800), -100);
  assert.equal(secondsSigned(message({ answers: [address] }), 100), Infinity);
});

test('D3: times of signatures go round after 2106 (RFC 4034 §3.1.5)', () => {
  assert.equal(secondsSigned(message({ answers: [signature(50)] }), 2 ** 32 - 50), 100);
  assert.equal(secondsSigned(message({ answers: [signature(50)] }), 2 ** 32 + 20), 30);
});

test('D3: a message that is cut off, or loops, is read as far as it goes', () => {
  const whole = message({ answers: [signature(900), signature(700)] });
  for (let length = 0; length < whole.length; length += 1) {
    const left = secondsSigned(whole.subarray(0, length), 100);
    assert.ok(left === Infinity || left === 800 || left === 600, String(left));
  }
  const pointing = Buffer.concat([whole.subarray(0, 12), Buffer.from('c00c', 'hex'), Buffer.alloc(40, 0xc0)]);
  assert.equal(secondsSigned(pointing, 0), Infinity);
});
