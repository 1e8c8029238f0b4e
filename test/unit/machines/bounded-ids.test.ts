/** xstate remembers every event type that a chart has taken, so names that strangers choose must not be part of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnyStateMachine, createActor, fromCallback, fromPromise, waitFor } from 'xstate';
import {
  type DomainPair,
  initiatingStream,
  limits,
  receivingStream,
  type TransportCommand,
  type TransportInput,
} from '../../../machines/index.ts';
import { heldIn } from '../../../machines/collections/slots.ts';
import type { StreamContext, StreamEvent, StreamInput } from '../../../machines/stream/context.ts';
import type { PolicyOptions } from '../../../src/protocol/policy.ts';
import { SimulatedClock } from '../../../src/simulation/simulated-clock.ts';
import {
  certificateOf,
  disowned,
  features,
  header,
  initiatingInput,
  provedFor,
  receivingInput,
  refutedFor,
  responseHeader,
  tlsWith,
  unanswered,
} from '../../support/samples.ts';

const POLICY: PolicyOptions = { federation: 'encrypted', prooftypes: ['pkix', 'attribute-cert', 'dialback'] };
const dna = { checks: true, proofs: [] };
const TIMES = 8;
/** More than are under way at once of any kind. */
const AT_ONCE = 100;

let turn = 0;
/** Every other one fails. */
const settled = (outcome: unknown): Promise<unknown> =>
  (turn += 1) % 2 === 0 ? Promise.reject(new Error('broken')) : Promise.resolve(outcome);
const isOfTheStream = (domain: string): boolean => domain === 'a.example' || domain === 'b.example';

const children = {
  transport: fromCallback<TransportCommand, TransportInput>(() => undefined),
  association: fromPromise<unknown, { domain: string }>(({ input: { domain } }) =>
    isOfTheStream(domain) ? Promise.resolve(provedFor(domain)) : settled(refutedFor(domain)),
  ),
  assertion: fromPromise<unknown, DomainPair>(({ input: { from, to } }) =>
    settled({ from, to, answer: { type: 'invalid' } }),
  ),
  verification: fromPromise<unknown, DomainPair>(({ input: { from, to } }) =>
    settled({ ...disowned(from, to), answer: { type: 'error', condition: 'item-not-found' } }),
  ),
  challenge: fromPromise<unknown, { domain: string }>(({ input: { domain } }) => settled(unanswered(domain))),
};

const underWay = ({ pending, dna: { challenges } }: StreamContext): number =>
  [pending.assertions, pending.associations, pending.verifications, challenges].reduce(
    (sum, slots) => sum + heldIn(slots),
    pending.waitingAssertions.length,
  );

/** Types of the events for the ends of the stream's children, after `ask` was called with TIMES × AT_ONCE names. */
async function endsHeardBy(
  machine: AnyStateMachine,
  input: StreamInput,
  opening: readonly (readonly [state: string, ...StreamEvent[]])[],
  ask: (name: string) => readonly StreamEvent[],
): Promise<readonly string[]> {
  const heard = new Set<string>();
  const stream = createActor(machine.provide({ actors: children } as never), {
    input,
    clock: new SimulatedClock(),
    inspect: (inspected) => {
      if (inspected.type !== '@xstate.event' || inspected.actorRef !== stream) return;
      if (/^xstate\.(?:done|error)\.actor\./.test(inspected.event.type)) heard.add(inspected.event.type);
    },
  });
  stream.start();
  for (const [state, ...events] of opening) {
    await waitFor(stream, (snapshot) => snapshot.matches(state));
    for (const event of events) stream.send(event);
  }
  for (let time = 0; time < TIMES; time += 1) {
    for (let n = 0; n < AT_ONCE; n += 1)
      for (const event of ask(`s${String(time * AT_ONCE + n)}.example`)) stream.send(event);
    await waitFor(stream, (snapshot) => underWay(snapshot.context as StreamContext) === 0);
  }
  stream.stop();
  return [...heard];
}

/** At most `most` types, whatever the names; and at least one for each kind of end. */
function assertBounded(heard: readonly string[], kind: string, most: number): void {
  for (const end of ['done', 'error']) {
    const types = heard.filter((type) => type.startsWith(`xstate.${end}.actor.${kind}.`));
    assert.ok(types.length > 0, `none of ${kind} was ${end}`);
    assert.ok(types.length <= most, `${types.length} types of event: ${types.slice(0, 3).join(', ')}, …`);
  }
}

test('the names that a peer asserts, and those that it is challenged for, are in no type of event that its stream takes', async () => {
  const input = receivingInput({}, POLICY);
  const heard = await endsHeardBy(
    receivingStream,
    { ...input, settings: { ...input.settings, dna } },
    [
      ['streamHeaders', { type: 'peer.streamOpened', header: header(), freshId: 'one' }],
      [
        'tlsNegotiation',
        { type: 'peer.startTlsRequested' },
        { type: 'transport.secured', tls: tlsWith(certificateOf('a.example')) },
        { type: 'peer.streamOpened', header: header(), freshId: 'two' },
      ],
      ['authentication', { type: 'peer.domainAsserted', domain: 'a.example' }],
    ],
    (name) => [
      { type: 'peer.resultRequested', from: name, to: 'b.example', key: 'k' },
      { type: 'peer.domainAsserted', domain: name },
      { type: 'local.challengeRequested', domain: name, prooftypes: ['attribute-cert'] },
    ],
  );
  assertBounded(heard, 'verification', limits.pendingVerifications);
  assertBounded(heard, 'association', limits.pendingAssociations);
  assertBounded(heard, 'challenge', limits.pendingChallenges);
});

test('nor are the names that a stream of ours carries', async () => {
  const heard = await endsHeardBy(
    initiatingStream,
    initiatingInput({ directTls: true }, POLICY),
    [
      [
        'connecting',
        { type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 },
        { type: 'transport.secured', tls: tlsWith(certificateOf('b.example')) },
      ],
      [
        'streamHeaders',
        { type: 'peer.streamOpened', header: responseHeader(), freshId: '' },
        { type: 'peer.featuresReceived', features: features() },
      ],
      ['established'],
    ],
    (name) => [
      { type: 'local.assertionRequested', from: name, to: 'b.example' },
      { type: 'local.associationRequested', domain: name },
    ],
  );
  assertBounded(heard, 'assertion', limits.pendingAssertions);
  assertBounded(heard, 'association', limits.pendingAssociations);
});
