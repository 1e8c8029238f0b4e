/**
 * A pair that rests or is routed hibernates: its actor is stopped, and created again when it is needed. Code that uses
 * pairs must not notice the difference. A failure prints its seed.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { limits, pair, type RouteManner } from '../../machines/index.ts';
import { superseded } from '../../machines/failures.ts';
import { PairActors } from '../../src/control/pair-actors.ts';
import { Recorder } from '../../src/control/recorder.ts';
import { type Fault, fault } from '../../src/protocol/faults.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const LOCAL = ['a.example'];
const REMOTE = ['b.example', 'b2.example'];
const STREAMS = [1, 2];
const proof: Proof = { prooftype: 'pkix', strength: 'strong', evidence: {}, expiresAtMs: null };

/** The same chart, in which no state is quiet. */
function sleepless(): typeof pair {
  const awake = pair.provide({});
  for (const state of Object.values(awake.states)) state.tags = state.tags.filter((tag) => tag !== 'quiet');
  return awake;
}

/** Uses pairs as registry and router do, with nothing behind it: every answer is arbitrary. */
class World {
  readonly told: string[] = [];
  readonly clock = new SimulatedClock();
  readonly routes = new Map<string, number>();
  readonly pairs: PairActors;

  constructor(machine: typeof pair) {
    this.pairs = new PairActors({
      machine,
      recorder: new Recorder({ clock: this.clock, records: 0 }),
      errored: (local, remote, why) => assert.fail(`${local}>${remote} broke: ${why.condition}`),
      reported: (report) => {
        this.told.push(JSON.stringify(report));
        const { local, remote } = report;
        if (report.type === 'route.requested' || report.type === 'pair.failed') return;
        this.pairs.waitsOn(report.stream, local, remote);
        if (report.type === 'pair.routed') this.routes.set(`${local}>${remote}`, report.stream);
      },
    });
  }

  isRouted(local: string, remote: string): boolean {
    return this.routes.has(`${local}>${remote}`);
  }

  streamCloses(stream: number, why: Fault | null): void {
    for (const [id, on] of this.routes) if (on === stream) this.routes.delete(id);
    this.pairs.sendToThoseOn(stream, { type: 'stream.closing', stream, fault: why });
  }
}

type Happening = (world: World) => unknown;
const local = fc.constantFrom(...LOCAL);
const remote = fc.constantFrom(...REMOTE);
const stream = fc.constantFrom(...STREAMS);
const why = fc.constantFrom<Fault>(
  fault('dialback', 'resource-constraint', 'peer'),
  fault('dialback', 'item-not-found', 'peer'),
  fault('tcp', 'connection-refused', 'peer'),
  superseded,
);
const manner = fc.constantFrom<RouteManner>('assertion', 'supposition');

/** A label for each, so that a counterexample can be read. */
const happening = (word: string, happens: Happening): [string, Happening] => [word, happens];
const wanted = fc
  .tuple(local, remote)
  .map(([l, r]) =>
    happening(`wanted ${l}>${r}`, (w) => !w.isRouted(l, r) && w.pairs.wake(l, r, { type: 'local.routeWanted' })),
  );
const offered = fc
  .tuple(local, remote, stream, manner)
  .map(([l, r, s, m]) =>
    happening(`offered ${s} ${m} ${l}>${r}`, (w) =>
      w.pairs.send(l, r, { type: 'route.offered', stream: s, manner: m }),
    ),
  );
const unreachable = fc
  .tuple(local, remote, why)
  .map(([l, r, f]) => happening(`no route ${l}>${r}`, (w) => w.pairs.send(l, r, { type: 'route.refused', fault: f })));
const asserted = fc
  .tuple(local, remote, stream)
  .map(([l, r, s]) =>
    happening(`asserted ${s} ${l}>${r}`, (w) => w.pairs.send(l, r, { type: 'pair.asserted', stream: s })),
  );
const refused = fc
  .tuple(local, remote, stream, why)
  .map(([l, r, s, f]) =>
    happening(`refused ${s} ${f.condition} ${l}>${r}`, (w) =>
      w.pairs.send(l, r, { type: 'pair.refused', stream: s, fault: f }),
    ),
  );
const accepted = fc.tuple(local, remote, stream).map(([l, r, s]) =>
  happening(`accepted ${s} ${l}>${r}`, (w) => {
    if (!w.isRouted(l, r)) w.pairs.wake(l, r, { type: 'pair.accepted', stream: s, proof });
  }),
);
const judged = fc.tuple(remote, stream, fc.boolean()).map(([r, s, isProved]) =>
  happening(`${r} is ${isProved ? '' : 'not '}proved on ${s}`, (w) => {
    const refuted = { kind: 'refuted', fault: fault('pkix', 'no-match', 'peer') } as const;
    const verdict = isProved ? ({ kind: 'proved', ...proof } as const) : refuted;
    w.pairs.sendToThoseTowards(r, {
      type: 'association.settled',
      stream: s,
      outcome: { domain: r, verdict, attempts: [] },
    });
  }),
);
const closes = fc
  .tuple(stream, fc.option(why))
  .map(([s, f]) => happening(`${s} closes ${f?.condition ?? ''}`, (w) => w.streamCloses(s, f)));
const passes = fc
  .constantFrom(1_000, limits.pairHoldOffMs, limits.routeMs, limits.assertionMs + limits.headerMs)
  .map((ms) => happening(`${ms} ms pass`, (w) => w.clock.advance(ms)));
const often = [wanted, offered, accepted].map((arbitrary) => ({ arbitrary, weight: 4 }));
const seldom = [unreachable, asserted, refused, judged, closes, passes].map((arbitrary) => ({ arbitrary, weight: 1 }));
const happenings = fc.oneof(...often, ...seldom);

let compared = 0;
let slept = 0;

test('asleep or awake: the same reports, whatever happens in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happenings, { minLength: 20, maxLength: 100, size: 'max' }), async (story) => {
      const sleeping = new World(pair);
      const awake = new World(sleepless());
      for (const [word, happens] of story) {
        for (const world of [sleeping, awake]) await happens(world);
        assert.deepEqual(sleeping.told, awake.told, `after: ${word}`);
        if (sleeping.pairs.size < awake.pairs.size) slept += 1;
      }
      compared += awake.told.length;
      for (const { pairs } of [sleeping, awake]) pairs.stop();
    }),
    { numRuns: 600 },
  );
});

after(() => {
  assert.ok(compared > 2_000 && slept > 1_000, `${compared} reports, ${slept} moments of sleep`);
  console.log(`${compared} reports compared; in ${slept} moments fewer actors lived than without sleep`);
});
