/**
 * The two stream charts, explored with every event in every reachable state: no box is unreachable, and whatever the
 * far end did before, its silence ends the stream (L2).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyMachineSnapshot, AnyStateMachine, SnapshotFrom } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { entryOf } from '../../machines/collections/growing-table.ts';
import { initiatingStream, limits, receivingStream } from '../../machines/index.ts';
import type { StreamInput } from '../../machines/stream/context.ts';
import { readChart, statesOf } from '../support/charts.ts';
import { type Message, pathOf } from '../support/pure.ts';
import { features, initiatingInput, receivingInput, tlsWith } from '../support/samples.ts';
import { streamEvents } from '../support/stream-tables.ts';

type Stream = typeof initiatingStream | typeof receivingStream;

interface Model {
  readonly name: string;
  readonly machine: Stream;
  readonly input: StreamInput;
  readonly events: readonly Message[];
  /** Boxes that cannot be reached with this input. */
  readonly beyond: readonly string[];
}

const deadlinesOf = (machine: AnyStateMachine): Message[] =>
  [...statesOf(readChart(machine).root)].flatMap(({ id, deadlines }) =>
    deadlines.map(({ delay }) => ({ type: `xstate.after.${delay ?? ''}.${id}` })),
  );

/** Events in which the far end has no part: time, our own actors, and the idle timer of the socket. */
const isOurs = ({ type }: { readonly type: string }): boolean =>
  type.startsWith('xstate.') || type === 'transport.idle';

/** Policy has the far end challenged, if it speaks the DNA protocol of 2009. */
const challenging = (input: StreamInput): StreamInput => ({
  ...input,
  settings: { ...input.settings, dna: { checks: true, proofs: [] } },
});
const byDelegation = { prooftypes: ['pkix', 'attribute-cert'] } as const;

const models: readonly Model[] = [
  {
    name: 'initiating, with DNA',
    machine: initiatingStream,
    input: challenging(initiatingInput({}, byDelegation)),
    events: [
      ...Object.values<Message>(streamEvents('a.example', 'b.example', 'initiating')),
      { type: 'peer.featuresReceived', features: features({ asserts: ['b.example'] }) },
    ],
    beyond: ['established.verifying', 'established.lingering'],
  },
  {
    name: 'receiving, with DNA',
    machine: receivingStream,
    input: challenging(receivingInput({}, byDelegation)),
    events: [
      // Unrelated events are tested below.
      ...Object.values<Message>(streamEvents('b.example', 'a.example', 'receiving')).filter(
        ({ type }) => !/[vV]eri[fx]|bidi|result|local\.assertion/.test(type),
      ),
      { type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: null },
    ],
    beyond: [],
  },
  ...(['authenticated', 'verified'] as const).map((federation) => ({
    name: `initiating, ${federation}`,
    machine: initiatingStream,
    input: initiatingInput({}, { federation }),
    events: [
      ...Object.values<Message>(streamEvents('a.example', 'b.example', 'initiating')),
      { type: 'peer.featuresReceived', features: features({ bidi: true }) },
      { type: 'peer.featuresReceived', features: features({ unknown: ['{urn:x}y'] }) },
    ],
    beyond: ['association.awaitingChallenge', 'established.verifying', 'established.lingering'],
  })),
  {
    name: 'initiating, for verification',
    machine: initiatingStream,
    input: initiatingInput({ purpose: 'verification' }),
    events: Object.values<Message>(streamEvents('a.example', 'b.example', 'initiating')),
    beyond: ['association.awaitingChallenge', 'authentication.saslExternal', 'established.open'],
  },
  ...(['authenticated', 'verified'] as const).map((federation) => ({
    name: `receiving, ${federation}`,
    machine: receivingStream,
    input: receivingInput({}, { federation }),
    events: [
      ...Object.values<Message>(streamEvents('b.example', 'a.example', 'receiving')),
      { type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: null },
      { type: 'peer.authRequested', mechanism: 'PLAIN', initialResponse: null },
      { type: 'transport.secured', tls: tlsWith(null) },
    ],
    // STARTTLS is offered alongside other features where policy does not require it.
    beyond: federation === 'verified' ? ['tlsNegotiation.awaitingStartTls'] : [],
  })),
];

/** Two snapshots are equal if the chart is in the same state and would decide alike. */
function serialized({ value, status, context }: SnapshotFrom<Stream>): string {
  const { negotiation, tls, associated, proved, validPairs } = context;
  const { phase, headerSent, wireId, features: heard, bidi, saslAttempts } = negotiation;
  return JSON.stringify([
    ...[value, status, phase, headerSent, wireId !== null, tls?.certificate != null, tls !== null, bidi],
    ...[
      Math.min(saslAttempts, limits.saslAttempts),
      heard?.mechanisms,
      heard?.bidi,
      heard?.unknown,
      associated?.verdict.kind,
      // No box depends on additional domains.
      entryOf(proved, context.remote) !== undefined,
      validPairs.size > 0,
    ],
    ...[heard?.asserts, context.dna.isSpoken, context.dna.asserted.length > 0],
    ...[context.pending.assertions, context.pending.verifications.length, context.pending.questions.length > 0],
  ]);
}

for (const { name, machine, input, events, beyond } of models) {
  test(`${name}: every box is reached, and silence of the far end leads to the end from wherever it stands (L2)`, () => {
    const reachable = getAdjacencyMap(
      machine as never,
      {
        input,
        events: [...events, ...deadlinesOf(machine)],
        serializeState: serialized as never,
        stopWhen: (snapshot: AnyMachineSnapshot) => snapshot.status !== 'active',
        limit: 200_000,
      } as never,
    ) as unknown as Readonly<
      Record<
        string,
        { state: AnyMachineSnapshot; transitions: Record<string, { event: Message; state: AnyMachineSnapshot }> }
      >
    >;
    const rows = Object.entries(reachable).map(([key, { state, transitions }]) => ({
      key,
      state,
      nexts: Object.values(transitions)
        .filter(({ event }) => isOurs(event))
        .map((next) => serialized(next.state as never)),
    }));

    const reached = new Set(rows.map(({ state }) => pathOf(state.value)));
    const all = [...statesOf(readChart(machine).root)]
      .filter(({ type, always }) => type !== 'compound' && !(always.length > 0 && always.at(-1)?.guard === null))
      .map(({ path }) => path);
    assert.deepEqual(
      all.filter((path) => !reached.has(path)),
      beyond,
      'never reached',
    );

    const ends = new Set(rows.filter(({ state }) => state.status === 'done').map(({ key }) => key));
    for (let before = -1; before !== ends.size;) {
      before = ends.size;
      for (const { key, nexts } of rows) if (nexts.some((next) => ends.has(next))) ends.add(key);
    }
    assert.deepEqual(
      rows.filter(({ key }) => !ends.has(key)).map(({ key }) => key),
      [],
      'held for ever',
    );
  });
}
