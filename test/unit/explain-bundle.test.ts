/** The archive for a bug report: what is in it, and what is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { FaultError } from '../../src/protocol/faults.ts';
import { explain } from '../../src/trace/explain/explain.ts';
import { readBundle, writeBundle } from '../../src/trace/explain/bundle.ts';
import { NOW_MS, opening, viewMade } from '../support/explain-views.ts';

const HEADER = { software: 'xmpp-dna 0.1.0', platform: 'v20 linux x64', atMs: NOW_MS };
const TRACE = [
  '{"trace":"xmpp-dna","version":1}',
  JSON.stringify({
    seq: 1,
    actor: 'stream:3',
    event: { type: 'transport.connected', remoteAddress: '192.0.2.7', key: 'very-secret', initialResponse: '=' },
    text: 'connect to 192.0.2.7:5269 and [2001:db8::7]:5269 at 12:30:05, version 1.2.840.113549',
  }),
];

const unpack = (bytes: Uint8Array): string => gunzipSync(bytes).toString();
const explanations = explain(viewMade(opening('connecting')));

test('a bundle is JSON Lines in gzip: what made it, the explanations, the trace', () => {
  const bytes = writeBundle({ header: HEADER, explanations, trace: TRACE }, false);
  const lines = unpack(bytes)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => line['bundle'] ?? line['event'] ?? line['trace']),
    ['xmpp-dna', 'explanation', 'xmpp-dna', { ...(JSON.parse(TRACE[1]!) as { event: object }).event, key: '…' }],
  );
  assert.equal(lines[1]?.['stuck'], true);
  const { header, trace } = readBundle(bytes);
  assert.deepEqual(header, { bundle: 'xmpp-dna', version: 1, ...HEADER, addresses: 'shown' });
  assert.equal(trace.split('\n')[0], TRACE[0]);
});

test('no key gets into a bundle, should one be in a trace; what stands in its place does', () => {
  const text = unpack(writeBundle({ header: HEADER, explanations: [], trace: TRACE }, false));
  assert.doesNotMatch(text, /very-secret/);
  assert.match(text, /"initialResponse":"="/);
});

test('hidden addresses: the same one has the same name everywhere, and nothing else is touched', () => {
  const text = unpack(writeBundle({ header: HEADER, explanations: [], trace: TRACE }, true));
  assert.doesNotMatch(text, /192\.0\.2\.7|2001:db8/);
  assert.match(text, /"remoteAddress":"address-1"/);
  assert.match(text, /connect to address-1:5269 and \[address-2\]:5269 at 12:30:05, version 1\.2\.840\.113549/);
});

for (const [text, shown] of [
  ['connect ECONNREFUSED 2001:db8:1:2:3:4:5:6:5269', 'connect ECONNREFUSED address-1:5269'],
  ['refused by 2001:db8::1: reset', 'refused by address-1: reset'],
  ['went to 2001:db8::1.', 'went to address-1.'],
  ['ip4:192.0.2.1 to:192.0.2.1 face:192.0.2.1', 'ip4:address-1 to:address-1 face:address-1'],
  ['::ffff:192.0.2.1:5269', 'address-1:5269'],
  ['fe80::1%eth0 and http://[2001:db8::1]/x', 'address-1 and http://[address-2]/x'],
  ['192.0.2.1:5269: at 12:30:05', 'address-1:5269: at 12:30:05'],
] as const)
  test(`hidden addresses: ${text}`, () => {
    const trace = ['{"trace":"xmpp-dna","version":1}', JSON.stringify({ text })];
    const [, , line = ''] = unpack(writeBundle({ header: HEADER, explanations: [], trace }, true)).split('\n');
    assert.deepEqual(JSON.parse(line), { text: shown });
  });

test('what is under the name of a secret is one, whatever it is made of; what the DNS answered is none', () => {
  const line = JSON.stringify({
    token: ['T'],
    initialResponse: { a: 'IR' },
    handshake: 'H',
    data: ['10 0 5269 x.example'],
  });
  const text = unpack(writeBundle({ header: HEADER, explanations: [], trace: [line] }, false));
  assert.deepEqual(JSON.parse(text.split('\n')[1] ?? ''), {
    ...{ token: '…', initialResponse: '…', handshake: '…' },
    data: ['10 0 5269 x.example'],
  });
});

test('what is no bundle is told as such: other files, broken ones, and small ones that swell without end', () => {
  const condition = (bytes: Uint8Array): string => {
    try {
      readBundle(bytes);
      return 'read';
    } catch (error) {
      assert.ok(error instanceof FaultError);
      return error.fault.condition;
    }
  };
  const whole = writeBundle({ header: HEADER, explanations: [], trace: TRACE }, false);
  assert.equal(condition(whole), 'read');
  assert.equal(condition(gzipSync('{"trace":"xmpp-dna","version":1}\n')), 'not-a-bundle');
  assert.equal(condition(gzipSync('{"bundle":"xmpp-dna","version":2}\n')), 'not-a-bundle');
  assert.equal(condition(Buffer.from('plain')), 'not-a-bundle');
  assert.equal(condition(whole.subarray(0, whole.length - 12)), 'not-a-bundle');
  assert.equal(condition(gzipSync(Buffer.alloc(257 * 1_024 * 1_024))), 'bundle-too-large');
});
