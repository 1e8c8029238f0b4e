/**
 * An error in one actor affects no other: those who waited for it are refused at once, and the owner is notified (L1).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPromise } from 'xstate';
import type { PeerReport } from '../../machines/events.ts';
import { peer } from '../../machines/index.ts';
import type { StandingStream } from '../../machines/peer.machine.ts';
import type { Resolution } from '../../machines/resolution.machine.ts';
import { PeerActors } from '../../src/control/peer-actors.ts';
import type { Wanted } from '../../src/control/standing-streams.ts';
import { endpointOf } from '../support/stream-rows.ts';
import { Recorder } from '../../src/control/recorder.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

test('a peer that breaks on a wish refuses that wish, and those before it (L1)', () => {
  const heard: string[] = [];
  const peers = new PeerActors({
    machine: peer.provide({
      actors: { resolution: fromPromise<Resolution>(() => new Promise(() => undefined)) as never },
      guards: {
        roomForWishesIsLacking: ({ event }) => {
          if (event.type === 'local.streamWanted' && event.local === 'c.example') throw new Error('boom');
          return false;
        },
      },
    }),
    recorder: new Recorder({ clock: new SimulatedClock() }),
    inputOf: (remote) => ({ remote, fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 }),
    lookingUp: () => undefined,
    reported: (report: PeerReport) => {
      if (report.type === 'stream.refused') heard.push(`${report.wish.local}: ${report.fault.condition}`);
    },
    errored: (remote, why) => heard.push(`${remote} broke: ${why.condition}`),
  });
  for (const local of ['a.example', 'b.example', 'c.example']) {
    peers.wake('r.example', { type: 'local.streamWanted', local, purpose: 'stanzas', avoid: [] });
  }
  assert.deepEqual(heard, [
    'r.example broke: internal-error',
    'a.example: internal-error',
    'b.example: internal-error',
    'c.example: internal-error',
  ]);
  assert.equal(peers.size, 0);
});

test('a wish that comes of what a peer just said is not lost with the peer, which had nothing left to do', async () => {
  const said: string[] = [];
  const endpoint = endpointOf('h.example');
  const wish = { type: 'local.streamWanted', local: 'a.example', purpose: 'stanzas' } as const;
  await new Promise<void>((resolve) => {
    const peers = new PeerActors({
      machine: peer.provide({
        actors: {
          resolution: fromPromise<Resolution>(() =>
            Promise.resolve({ kind: 'resolved', endpoint, further: [] }),
          ) as never,
          findStandingStream: fromPromise<StandingStream | null, Wanted>(({ input }) =>
            Promise.resolve(input.avoid.includes(1) ? null : { stream: 1, manner: 'supposition' }),
          ),
        },
      }),
      recorder: new Recorder({ clock: new SimulatedClock() }),
      inputOf: (remote) => ({ remote, fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 }),
      lookingUp: () => undefined,
      reported: (report: PeerReport) => {
        said.push(report.type);
        // The stream turns out to be unsuitable at once.
        if (report.type === 'stream.offered') peers.wake('r.example', { ...wish, avoid: [report.stream] });
        else resolve();
      },
      errored: (_, why) => said.push(why.condition),
    });
    peers.wake('r.example', { ...wish, avoid: [] });
  });
  assert.deepEqual(said, ['stream.offered', 'stream.requested']);
});

test('whoever waits to share the stream of another is dismissed without it: that one is not his to close', () => {
  const endpoint = endpointOf('h.example');
  const wish = { type: 'local.streamWanted', local: 'a.example', purpose: 'verification', avoid: [] } as const;
  const peers = new PeerActors({
    machine: peer.provide({
      actors: {
        findStandingStream: fromPromise<StandingStream | null, Wanted>(() => new Promise(() => undefined)),
      },
    }),
    recorder: new Recorder({ clock: new SimulatedClock() }),
    inputOf: (remote) => ({ remote, fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 }),
    lookingUp: () => undefined,
    reported: () => undefined,
    errored: (_, why) => assert.fail(why.condition),
  });
  peers.wake('r.example', { ...wish, known: { kind: 'resolved', endpoint, further: [] } });
  peers.send('r.example', { type: 'stream.awaited', stream: 7 });
  assert.equal(
    peers.dismiss('r.example', () => false),
    null,
  );
  assert.equal(peers.knows('r.example'), false);
});
