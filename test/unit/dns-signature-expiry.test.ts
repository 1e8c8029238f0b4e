import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type Answer } from 'dns-packet';
import { readAnswer, type ResourceRecord, TYPE } from '../../src/adapters/dns/message.ts';
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
const records = (...written: Answer[]): readonly ResourceRecord[] => {
  const question = { type: 'A', name: 'a.example' } as const;
  const bytes = encode({ type: 'response', questions: [question], answers: written });
  return readAnswer(bytes, 0, { type: TYPE.a, name: 'a.example' })?.answers ?? [];
};

test('D3: the first signature to end is found (RFC 4035 §5.3.3)', () => {
  const signed = records(address, signature(900), address, signature(700), signature(1_200));
  assert.equal(secondsSigned(signed, 100), 600);
  assert.equal(secondsSigned(signed, 800), -100);
  assert.equal(secondsSigned(records(address), 100), Infinity);
});

test('D3: times of signatures go round after 2106 (RFC 4034 §3.1.5)', () => {
  assert.equal(secondsSigned(records(signature(50)), 2 ** 32 - 50), 100);
  assert.equal(secondsSigned(records(signature(50)), 2 ** 32 + 20), 30);
});

test('D3: a signature that is cut off says nothing of its end', () => {
  const [whole] = records(signature(900));
  assert.ok(whole !== undefined);
  const cut = (length: number): ResourceRecord => ({ ...whole, rdata: whole.rdata.subarray(0, length) });
  assert.equal(secondsSigned([cut(11)], 100), Infinity);
  assert.equal(secondsSigned([cut(12)], 100), 800);
});
