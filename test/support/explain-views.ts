/** Hand-made views for explanations: who waits in which state, in the words of the charts. */
import type { StateMeta } from '../../machines/index.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { WireElement } from '../../src/protocol/wire.ts';
import type { TraceBody, TraceRecord } from '../../src/trace/record.ts';
import type { ActorView, View } from '../../src/trace/view/view.ts';
import { allMachines } from './all-charts.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 2, 0, 0);

export interface ActorMade {
  readonly id: string;
  readonly machine: string;
  /** Path through the chart, joined by dots. */
  readonly state: string;
  /** How long ago it reached the state. @defaultValue 20 s */
  readonly agoMs?: number;
  /** Counted from now. @defaultValue 40 s */
  readonly deadlineMs?: number;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly waitsOn?: readonly string[];
  /** Earlier states, the oldest first. */
  readonly before?: readonly string[];
  readonly ended?: { readonly how?: 'done' | 'stopped' | 'errored'; readonly output?: unknown; readonly fault?: Fault };
}

/** The chart's words for a state. @throws if there is no such state */
export function wordsOf(machine: string, state: string): { description: string; meta: Partial<StateMeta> } {
  const chart = allMachines.find(({ id }) => id === machine);
  if (chart === undefined) throw new Error(`no such chart: ${machine}`);
  let node = chart.root;
  for (const key of state.split('.')) {
    const next = node.states[key];
    if (next === undefined) throw new Error(`no such state: ${machine} ${state}`);
    node = next;
  }
  return { description: node.description ?? '', meta: (node.meta ?? {}) as Partial<StateMeta> }; // declared in `setup`
}

export function actorMade(made: ActorMade): ActorView {
  const { id, machine, state, agoMs = 20_000, deadlineMs = 40_000, context = {}, waitsOn = [], before = [] } = made;
  const { description, meta } = wordsOf(machine, state);
  const sinceMs = NOW_MS - agoMs;
  const { awaits, mover, ifLate, spec = '' } = meta;
  const waits =
    awaits === undefined || mover === undefined || ifLate === undefined || made.ended !== undefined
      ? null
      : { awaits, mover, ifLate, sinceMs, deadlineMs: NOW_MS + deadlineMs };
  return {
    ...{ id, machine, description, spec, waits, context, waitsOn },
    parent: id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : null,
    children: [],
    effects: [],
    state: state.split('.'),
    path: [...before, state].map((one, at) => ({ state: one, atMs: sinceMs - (before.length - at) * 10 })),
    bornMs: sinceMs - 1_000,
    ended:
      made.ended === undefined
        ? null
        : { atMs: sinceMs, how: made.ended.how ?? 'done', output: made.ended.output, fault: made.ended.fault ?? null },
  };
}

export type RecordMade = TraceBody & { readonly actor: string; readonly agoMs?: number };

export const wireMade = (actor: string, direction: 'in' | 'out', element: WireElement, agoMs?: number): RecordMade => ({
  kind: 'wire',
  actor,
  direction,
  element,
  bytes: null,
  ...(agoMs === undefined ? {} : { agoMs }),
});

export function viewMade(actors: readonly ActorMade[], made: readonly RecordMade[] = [], atMs = NOW_MS): View {
  const records = made.map(({ agoMs = 10_000, ...body }, seq): TraceRecord => {
    return { ...body, seq, atMs: NOW_MS - agoMs, cause: null };
  });
  return {
    ...{ atMs, origin: 'trace', host: 'a.example', hosts: ['a.example'], records, lost: 0, diverged: [] },
    actors: new Map(actors.map((actor) => [actor.id, actorMade(actor)])),
    attempts: (remote) =>
      records.filter((record) => record.kind === 'attempt').filter(({ attempt }) => attempt.remote === remote),
    recordsOf: (actor, most = Infinity) => records.filter((record) => record.actor === actor).slice(-most),
  };
}

/** a.example wants to send to b.example; the stream that is being opened for it is in `state`. */
export const opening = (
  state: string,
  made: Partial<ActorMade> = {},
  further: readonly ActorMade[] = [],
): readonly ActorMade[] => [
  {
    id: 'pair:a.example>b.example',
    machine: 'pair',
    state: 'awaitingRoute',
    deadlineMs: 100_000,
    context: { local: 'a.example', remote: 'b.example', stream: null, fault: null },
    waitsOn: ['peer:b.example'],
  },
  {
    id: 'peer:b.example',
    machine: 'peer',
    state: 'connecting',
    context: { remote: 'b.example', stream: 3, attempts: 1, failures: 0, fault: null, endpoint: ENDPOINT },
    waitsOn: ['stream:3'],
  },
  {
    id: 'stream:3',
    machine: 'initiatingStream',
    state,
    ...made,
    context: { local: 'a.example', remote: 'b.example', endpoint: ENDPOINT, tls: null, ...made.context },
  },
  ...further,
];

export const ENDPOINT = { host: 'xmpp.b.example', port: 5269, tls: 'starttls' };
export const CERTIFICATE = {
  sha256: 'ab'.repeat(32),
  sha512: '',
  subject: 'CN=b.example',
  issuer: 'CN=ca',
  notBeforeMs: NOW_MS - 86_400_000,
  notAfterMs: NOW_MS + 86_400_000,
  presented: { dnsNames: ['b.example'], srvNames: [], xmppAddrs: [], ipAddresses: [] },
};

/** The pair is asserted on an open stream, and the answer is awaited. */
export const asserted = (further: readonly ActorMade[] = []): readonly ActorMade[] => [
  {
    id: 'pair:a.example>b.example',
    machine: 'pair',
    state: 'piggybackingAssertion.awaitingAnswer',
    deadlineMs: 100_000,
    context: { local: 'a.example', remote: 'b.example', stream: 3, fault: null },
    waitsOn: ['stream:3/assertion:a.example>b.example'],
  },
  {
    id: 'stream:3',
    machine: 'initiatingStream',
    state: 'established.open',
    context: { local: 'a.example', remote: 'b.example', endpoint: ENDPOINT, tls: { certificate: CERTIFICATE } },
  },
  {
    id: 'stream:3/assertion:a.example>b.example',
    machine: 'assertion',
    state: 'awaitingAnswer',
    deadlineMs: 86_000,
    context: { from: 'a.example', to: 'b.example' },
  },
  ...further,
];

/** The pair has failed: with this fault, and on this stream. */
export const failedWith = (fault: Fault, made: Partial<ActorMade> = {}, attempts = 1): readonly ActorMade[] => [
  {
    id: 'pair:a.example>b.example',
    machine: 'pair',
    state: 'resting',
    agoMs: 500,
    before: ['awaitingRoute'],
    context: { local: 'a.example', remote: 'b.example', stream: null, fault },
    ended: { how: 'stopped' },
  },
  {
    id: 'peer:b.example',
    machine: 'peer',
    state: 'failed',
    agoMs: 500,
    deadlineMs: 1_000,
    context: { remote: 'b.example', stream: 3, attempts, failures: attempts, fault, endpoint: ENDPOINT },
  },
  {
    id: 'stream:3',
    machine: 'initiatingStream',
    state: 'closed',
    before: ['connecting', 'streamHeaders.awaitingHeader', 'closing'],
    ended: { fault },
    ...made,
    context: { local: 'a.example', remote: 'b.example', endpoint: ENDPOINT, tls: null, fault, ...made.context },
  },
];
