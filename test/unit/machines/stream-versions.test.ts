/** The version of a stream header, at either end: two integers, compared as such (RFC 6120 §4.7.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initiatingStream, receivingStream } from '../../../machines/index.ts';
import type { StreamHeader } from '../../../src/protocol/wire.ts';
import { PureActor } from '../../support/pure.ts';
import { header, initiatingInput, receivingInput, responseHeader, wordsOf } from '../../support/samples.ts';

const answered = (version: string): PureActor<typeof receivingStream> =>
  new PureActor(receivingStream, receivingInput()).send({
    type: 'peer.streamOpened',
    header: header({ version }),
    freshId: 'id-1',
  });
const heard = (version: string): PureActor<typeof initiatingStream> =>
  new PureActor(initiatingStream, initiatingInput())
    .send({ type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 })
    .send({ type: 'peer.streamOpened', header: responseHeader({ version }), freshId: 'unused' });

const OURS = ['1.0', '01.0', '1.00', '1.1', '1.13', '01.13'];
const HIGHER = ['2.0', '02.13', '12.3', `${'9'.repeat(400)}.0`];
const LOWER = ['0.9', '00.10'];
const NONE = [
  '',
  'x',
  '1',
  '1.',
  '.0',
  '1.0.0',
  '1.x',
  '-1.0',
  '+1.0',
  '1,0',
  ' 1.0',
  '1.0\n',
  '1.0e1',
  '0x1.0',
  '١.٠',
];

const short = (version: string): string => JSON.stringify(version.slice(0, 8));

for (const version of [...OURS, ...HIGHER]) {
  test(`asked for ${short(version)}, a receiving server answers with the lower of the two, 1.0, and goes on`, () => {
    const stream = answered(version);
    assert.deepEqual(
      [stream.state, ...stream.effects.map(wordsOf)],
      ['tlsNegotiation.awaitingStartTls', 'say streamHeader', 'say features'],
    );
    const [answer] = stream.effects.filter((effect) => effect.kind === 'sent');
    assert.equal((answer?.event['element'] as StreamHeader).version, '1.0');
  });
}

for (const version of [...LOWER, ...NONE]) {
  test(`asked for ${short(version)}, a receiving server says unsupported-version (RFC 6120 §4.9.3.25)`, () => {
    const { state, snapshot } = answered(version);
    assert.deepEqual([state, snapshot.context.fault?.condition], ['closing', 'unsupported-version']);
  });
}

for (const version of OURS) {
  test(`an initiating server goes on with ${short(version)}`, () => {
    assert.equal(heard(version).state, 'streamHeaders.awaitingFeatures');
  });
}

for (const version of [...HIGHER, ...LOWER, ...NONE]) {
  test(`an initiating server that is answered ${short(version)} closes with unsupported-version`, () => {
    const { state, snapshot } = heard(version);
    assert.deepEqual([state, snapshot.context.fault?.condition], ['closing', 'unsupported-version']);
  });
}
