/**
 * `/stately`, read as Stately's inspector reads it: the messages of `@statelyai/inspect` 0.7.2, whose types are copied
 * here from that package.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMachine, type MachineConfig } from 'xstate';
import { Inspector } from '../../src/inspector/server.ts';
import { createDuo, type Duo } from '../support/duo.ts';
import { Wire } from '../support/inspector-client.ts';

interface StatelyMessage {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
  readonly rootId: string | undefined;
  readonly id: string;
  readonly createdAt: string;
  readonly _version: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string; readonly [field: string]: unknown };
  readonly sourceId?: string;
  readonly snapshot?: { readonly status?: string; readonly value?: unknown; readonly context?: unknown };
}

const FIELDS: Readonly<Record<StatelyMessage['type'], readonly string[]>> = {
  '@xstate.actor': ['name', 'parentId', 'definition', 'snapshot'],
  '@xstate.event': ['event', 'sourceId'],
  '@xstate.snapshot': ['event', 'snapshot'],
};
const OF_ALL = ['type', 'sessionId', 'rootId', 'id', 'createdAt', '_version'];

/** Checks as `isStatelyInspectionEvent` of that package does, and according to its types. */
function check(message: StatelyMessage): void {
  const { type } = message;
  assert.ok(Object.hasOwn(FIELDS, type), type);
  for (const name of OF_ALL) assert.equal(typeof message[name as keyof StatelyMessage], 'string', `${type} ${name}`);
  assert.ok(Number(message.createdAt) > 0);
  const known = [...OF_ALL, ...FIELDS[type]];
  assert.deepEqual(
    Object.keys(message).filter((name) => !known.includes(name)),
    [],
  );
  if (type !== '@xstate.event') assert.match(message.snapshot?.status ?? '', /^(active|done|error|stopped)$/);
  if (type !== '@xstate.actor') assert.equal(typeof message.event?.type, 'string');
}

let duo: Duo;
let inspector: Inspector;
before(async () => {
  duo = await createDuo();
  const manager = duo.providers.A;
  inspector = await Inspector.start(
    { address: '127.0.0.1', port: 0, token: null },
    {
      view: () => manager.view(),
      traceLines: () => [],
      live: {
        records$: manager.records$,
        partiesOf: (stream) => manager.partiesOf(stream),
        commands: manager,
        tell: () => undefined,
      },
    },
  );
});
after(async () => {
  await inspector.stop();
  await duo.stop();
});

test('actors, what comes to them and where they stand then are told as Stately takes them, with their charts and without secrets', async () => {
  const stately = await Wire.open(inspector, '/stately');
  const other = await Wire.open(inspector, '/stately?domain=z.example');
  await Promise.all([stately.settled(), other.settled()]);
  duo.send('a.example', 'b.example');
  await duo.settle();
  await stately.next<StatelyMessage>(
    ({ type, sessionId, snapshot }) =>
      type === '@xstate.snapshot' &&
      sessionId === 'stream:1' &&
      JSON.stringify(snapshot?.value).includes('established'),
  );
  const messages = stately.messages as readonly StatelyMessage[];
  messages.forEach(check);

  const told = new Set<string>();
  for (const { type, sessionId, parentId } of messages) {
    if (type === '@xstate.actor') told.add(sessionId);
    else assert.ok(told.has(sessionId), `${sessionId} is told of before what comes to it`);
    if (parentId !== undefined) assert.ok(told.has(parentId));
  }
  const actorOf = (id: string) => messages.find((one) => one.type === '@xstate.actor' && one.sessionId === id);
  for (const id of ['pair:a.example>b.example', 'peer:b.example', 'stream:1']) {
    const { definition = '' } = actorOf(id) ?? assert.fail(id);
    const config = JSON.parse(definition) as MachineConfig<object, { type: string }>;
    const chart = createMachine(config);
    const last = messages.findLast((one) => one.sessionId === id && one.type === '@xstate.snapshot');
    assert.doesNotThrow(() => chart.resolveState({ value: last?.snapshot?.value as string, context: {} }), id);
  }
  assert.equal(actorOf('peer:b.example/resolution')?.rootId, 'peer:b.example');
  const last = messages.findLast((one) => one.sessionId === 'stream:1' && one.type === '@xstate.snapshot');
  assert.equal((last?.snapshot?.context as { remote?: string }).remote, 'b.example');
  assert.equal('settings' in (last?.snapshot?.context as object), false);
  // A dialback key is 64 hexadecimal digits, and so are digests of certificates, which appear only in the context.
  const events = messages.filter(({ type }) => type === '@xstate.event').map(({ event }) => event);
  assert.ok(events.some((event) => event?.['key'] === undefined || event['key'] === '…'));
  for (const event of events) if (event !== undefined && 'key' in event) assert.equal(event['key'], '…');

  const [first, ...rest] = other.messages as readonly StatelyMessage[];
  assert.deepEqual([first?.name, rest], ['xmpp-dna', []], 'of another domain nothing is told');
  await Promise.all([stately.close(), other.close()]);
});

test('whoever comes later is told of those who live, with where they stand', async () => {
  const stately = await Wire.open(inspector, '/stately?domain=b.example');
  const stream = await stately.next<StatelyMessage>(({ sessionId }) => sessionId === 'stream:1');
  check(stream);
  assert.equal(stream.type, '@xstate.actor');
  assert.match(JSON.stringify(stream.snapshot?.value), /established/);
  await stately.close();
});
