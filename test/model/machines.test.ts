/** Every state is reached and every path ends, along the shortest paths of each chart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import {
  assertion,
  association,
  challenge,
  daneProoftype,
  dialbackProoftype,
  pair,
  peer,
  pkixProoftype,
  poshProoftype,
  resolution,
  verification,
} from '../../machines/index.ts';
import { fault } from '../../src/protocol/faults.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { type ChartState, readChart, statesOf } from '../support/charts.ts';
import { type Message, pathOf } from '../support/pure.ts';
import {
  associationInput,
  certificateOf,
  endpoint,
  provedFor,
  refutedFor,
  strong,
  unanswered,
  weak,
} from '../support/samples.ts';

interface Model {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  /** Inputs that lead to other states from the start. */
  readonly otherInputs?: readonly unknown[];
  readonly events: readonly Message[];
}

const why = fault('tcp', 'connect-timeout', 'peer');
const done = (id: string, output: unknown): Message => ({ type: `xstate.done.actor.${id}`, output });
const failed = (id: string): Message => ({ type: `xstate.error.actor.${id}`, error: new Error('broken') });
const answers = [{ type: 'valid' }, { type: 'invalid' }, { type: 'error', condition: 'item-not-found' }] as const;
const verdicts = [
  { kind: 'proved', ...strong },
  { kind: 'refuted', fault: why },
  { kind: 'undetermined', fault: why },
] as const;
const certificate = certificateOf('a.example');
const asserted = { targetDomain: 'b.example', id: 'x', key: 'k' };
const records = { status: 'insecure', records: [], ttlSeconds: 60 };
const secure = { status: 'secure', records: [], ttlSeconds: 60 };
const tlsaRecord = { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) };
const signedTlsa = { kind: 'tlsa', sets: [{ owner: 'x', records: [tlsaRecord] }], expiresAtMs: 1 } as const;
const findings = [
  { kind: 'found', delegation: { derivedDomains: ['h.example'], expiresAtMs: 1, dane: signedTlsa } },
  { kind: 'withheld', fault: fault('dns', 'bogus', 'dns') },
] as const;
const nothing = { status: 'nodata-insecure', records: [], ttlSeconds: 60 };

const daneInput = {
  stream: 1,
  service: 'xmpp-server',
  sourceDomain: 'a.example',
  derivedDomains: [],
  certificate,
  sets: signedTlsa.sets,
  expiresAtMs: 1,
};

const models: readonly Model[] = [
  {
    machine: assertion,
    input: { from: 'a.example', to: 'b.example' },
    events: answers.map((answer) => ({ type: 'peer.resultAnswered', answer })),
  },
  {
    machine: pkixProoftype,
    input: {
      stream: 1,
      service: 'xmpp-server',
      sourceDomain: 'a.example',
      derivedDomains: [],
      delegationExpiresAtMs: null,
      certificate,
    },
    events: [
      done('validatePath', { kind: 'valid', notAfterMs: 1, pathSha256: ['x'] }),
      done('validatePath', { kind: 'invalid', condition: 'expired', text: '', depth: 0 }),
      failed('validatePath'),
    ],
  },
  {
    machine: daneProoftype,
    input: daneInput,
    otherInputs: [{ ...daneInput, sets: [{ owner: 'x', records: [{ ...tlsaRecord, usage: 9 }] }] }],
    events: [
      done('matchTlsa', { kind: 'matched', record: tlsaRecord, notAfterMs: null }),
      done('matchTlsa', { kind: 'unmatched', condition: 'no-match', text: '' }),
      failed('matchTlsa'),
    ],
  },
  {
    machine: poshProoftype,
    input: { service: 'xmpp-server', sourceDomain: 'a.example', certificate, fresh: false, purpose: 'stanzas' },
    events: [
      ...['c', 'd'].map((digit) =>
        done('fetchPoshDocument', {
          material: { fingerprints: [{ 'sha-256': digit.repeat(64) }], expiresAtMs: 1, url: 'https://a.example/' },
          atMs: 1,
        }),
      ),
      failed('fetchPoshDocument'),
    ],
  },
  {
    machine: dialbackProoftype,
    input: { stream: 1, senderDomain: 'a.example', certificate, ...asserted },
    events: [
      done('openVerifyStream', { stream: 2, peerSha256: null }),
      done('openVerifyStream', { stream: 2, peerSha256: certificate.sha256 }),
      failed('openVerifyStream'),
      ...answers.map((answer) => done('askAuthoritativeServer', answer)),
      failed('askAuthoritativeServer'),
    ],
  },
  {
    machine: association,
    input: associationInput({
      prooftypes: ['dane', 'pkix', 'posh', 'attribute-cert', 'dialback', 'pinned-key'],
      unchallengeable: null,
      delegation: null,
      assertion: asserted,
    }),
    events: [
      ...findings.map((finding) => done('lookUpSecureDelegation', finding)),
      failed('lookUpSecureDelegation'),
      ...['dane', 'pkix', 'posh', 'dialback', 'ownProoftype'].flatMap((id) => [
        ...verdicts.map((verdict) => done(id, verdict)),
        failed(id),
      ]),
      ...verdicts.map((verdict) => done('challenge', { ...unanswered('a.example'), verdict })),
      failed('challenge'),
    ],
  },
  {
    machine: challenge,
    input: { stream: 1, domain: 'a.example', prooftypes: ['attribute-cert'] },
    events: [
      { type: 'peer.proofReceived', prooftype: 'attribute-cert', data: 'x' },
      { type: 'peer.proofReceived', prooftype: null, data: 'x' },
      { type: 'peer.proofReceived', prooftype: 'attribute-cert', data: null },
      { type: 'peer.proofDeclaredImpossible' },
      ...verdicts.map((verdict) => done('checkProof', verdict)),
      failed('checkProof'),
    ],
  },
  {
    machine: verification,
    input: {
      id: 'x',
      key: 'k',
      from: 'a.example',
      to: 'b.example',
      policy: defaultPolicy,
      association: associationInput(),
      targetIsHosted: true,
      denied: null,
      secured: true,
      dialbackCounts: true,
    },
    events: [
      done('association', provedFor('a.example', weak)),
      done('association', refutedFor('a.example')),
      failed('association'),
    ],
  },
  {
    machine: resolution,
    input: {
      remoteDomain: 'b.example',
      service: 'xmpp-server',
      fixedTarget: null,
      asksForTlsa: true,
      targets: [],
      fresh: false,
      purpose: 'stanzas',
    },
    events: [
      done('lookUpServices', {
        xmpp: { ...records, records: [{ priority: 0, weight: 0, port: 5269, target: 'h.example' }] },
        xmpps: nothing,
        draws: [0],
        atMs: 0,
      }),
      done('lookUpServices', {
        xmpp: { ...secure, records: [{ priority: 0, weight: 0, port: 5269, target: 'h.example' }] },
        xmpps: nothing,
        draws: [0],
        atMs: 0,
      }),
      done('lookUpServices', { xmpp: { ...records, status: 'bogus' }, xmpps: nothing, draws: [0], atMs: 0 }),
      failed('lookUpServices'),
      done('lookUpAddresses', { ...records, records: [{ family: 4, address: '127.0.0.1' }] }),
      done('lookUpAddresses', { ...records, status: 'bogus' }),
      failed('lookUpAddresses'),
      done('lookUpAddresses', { ...secure, records: [{ family: 4, address: '127.0.0.1' }] }),
      done('lookUpTlsa', { owner: '_5269._tcp.h.example', answer: { ...secure, records: [tlsaRecord] }, atMs: 0 }),
      done('lookUpTlsa', { owner: '_5269._tcp.h.example', answer: nothing, atMs: 0 }),
      done('lookUpTlsa', { owner: '_5269._tcp.h.example', answer: { ...records, status: 'bogus' }, atMs: 0 }),
      failed('lookUpTlsa'),
    ],
  },
  {
    machine: pair,
    input: { local: 'a.example', remote: 'b.example' },
    events: [
      { type: 'local.routeWanted' },
      { type: 'route.offered', stream: 1, manner: 'assertion' },
      { type: 'route.offered', stream: 1, manner: 'supposition' },
      { type: 'route.refused', fault: why },
      { type: 'association.settled', stream: 1, outcome: provedFor('b.example') },
      { type: 'association.settled', stream: 1, outcome: refutedFor('b.example') },
      { type: 'pair.asserted', stream: 1 },
      { type: 'pair.accepted', stream: 1, proof: strong },
      { type: 'pair.refused', stream: 1, fault: why },
      { type: 'stream.closing', stream: 1, fault: why },
    ],
  },
  {
    machine: peer,
    input: { remote: 'b.example', fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 },
    events: [
      { type: 'local.streamWanted', local: 'a.example', purpose: 'stanzas', avoid: [] },
      done('resolution', { kind: 'resolved', endpoint, further: [] }),
      done('resolution', { kind: 'resolved', endpoint, further: [endpoint] }),
      done('resolution', { kind: 'failed', fault: why }),
      failed('resolution'),
      done('findStandingStream', { stream: 1, manner: 'supposition' }),
      done('findStandingStream', null),
      { type: 'stream.awaited', stream: 9 },
      { type: 'stream.assigned', stream: 1 },
      { type: 'stream.established', stream: 1 },
      { type: 'stream.closed', stream: 1, fault: why, progress: { connectedTo: null, dialbackOffered: false } },
      {
        type: 'stream.closed',
        stream: 1,
        fault: fault('sasl', 'outcome-timeout', 'peer'),
        progress: { connectedTo: endpoint.addresses[0]?.address ?? '', dialbackOffered: true },
      },
      { type: 'local.retryRequested' },
    ],
  },
];

/** Deadlines with the names that xstate gives them: `xstate.after.<delay>.<state id>`. */
const deadlinesOf = (root: ChartState): Message[] =>
  [...statesOf(root)].flatMap(({ id, deadlines }) =>
    deadlines.map(({ delay }) => ({ type: `xstate.after.${delay ?? ''}.${id}` })),
  );

/** The identity of a snapshot: its state and its context, with growing numbers capped. */
const serialized = ({ value, context }: AnyMachineSnapshot): string =>
  JSON.stringify([value, context], (key, inner: unknown) =>
    key === 'failures' || key === 'attempts' || key === 'avoid'
      ? Math.min(2, Array.isArray(inner) ? inner.length : Number(inner))
      : inner,
  );

for (const { machine, input, otherInputs = [], events } of models) {
  test(`${machine.id}: every state is reached, and from everywhere there is a way to an end or to rest`, () => {
    const { root } = readChart(machine);
    const paths = [input, ...otherInputs].flatMap(
      (one) =>
        getShortestPaths(
          machine as never,
          {
            input: one,
            events: [...events, ...deadlinesOf(root)],
            serializeState: serialized as never,
            stopWhen: (snapshot: { status: string }) => snapshot.status !== 'active',
            limit: 20_000,
          } as never,
        ) as unknown as readonly { state: AnyMachineSnapshot; steps: readonly { event: { type: string } }[] }[],
    );

    const reached = new Set(paths.map(({ state }) => pathOf(state.value)));
    const expected = [...statesOf(root)].filter(
      ({ type, always }) => type !== 'compound' && !(always.length > 0 && always.at(-1)?.guard === null),
    );
    assert.deepEqual(
      expected.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
      'never reached',
    );

    const deadlines = deadlinesOf(root).map(({ type }) => type);
    for (const { state } of paths) {
      if (state.status === 'done' || state.hasTag('quiet')) continue;
      const ways = deadlines.filter((type) => state.can({ type }));
      assert.ok(ways.length > 0, `no deadline leads out of ${pathOf(state.value)}`);
    }
    assert.ok(paths.length >= expected.length);
  });
}
