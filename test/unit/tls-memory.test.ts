/** What is remembered of strangers' certificates for resumption: a bounded number of bytes, for a bounded time. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { KeptChains } from '../../src/adapters/network/kept-chains.ts';
import { createNetwork } from '../../src/adapters/network/network.ts';
import { WeighedMap } from '../../src/adapters/weighed-map.ts';
import type { Credential } from '../../src/ports.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { clientTls, credentialOf, issuer, Recorder, serving } from '../support/network-contract.ts';

describe('a weighed map', () => {
  const made = () => {
    const clock = new SimulatedClock();
    return { clock, map: new WeighedMap<string>({ maxBytes: 100, maxEntryBytes: 60, lifetimeMs: 1_000 }, clock) };
  };

  test('holds so many bytes, and lets go what was used longest ago', () => {
    const { map } = made();
    map.set('a', 'A', 40);
    map.set('b', 'B', 40);
    assert.equal(map.get('a'), 'A');
    map.set('c', 'C', 50);
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.bytes], ['A', undefined, 'C', 90]);
    map.set('c', 'D', 10);
    map.delete('nobody');
    assert.deepEqual([map.get('c'), map.bytes, map.size], ['D', 50, 2]);
  });
  test('does not hold what is too large, nor what stood in its place', () => {
    const { map } = made();
    map.set('a', 'A', 60);
    map.set('b', 'B', 10);
    map.set('a', 'larger', 61);
    assert.deepEqual([map.get('a'), map.get('b'), map.bytes], [undefined, 'B', 10]);
  });
  test('lets go at the end of the lifetime, of which no use is a new beginning', () => {
    const { map, clock } = made();
    map.set('a', 'A', 10);
    map.set('old', 'B', 10, clock.now() - 400);
    clock.increment(600);
    assert.deepEqual([map.get('a'), map.get('old')], ['A', 'B']);
    clock.increment(1);
    assert.deepEqual([map.get('a'), map.get('old'), map.bytes], ['A', undefined, 10]);
    clock.increment(400);
    map.set('c', 'C', 10);
    assert.deepEqual([map.size, map.bytes], [1, 10], 'without being asked for it');
  });
});

describe('kept chains', () => {
  const LIFETIME_MS = 600_000;
  /** As a client presents it; every buffer is separate, as from Node. */
  const chainOf = (leaf: string, ...issuers: Buffer[]) => ({
    der: [Buffer.from(leaf), ...issuers.map((der) => Buffer.from(der))],
  });
  const idOf = (leaf: string): string => createHash('sha256').update(leaf).digest('hex');
  const made = () => {
    const clock = new SimulatedClock();
    const chains = new KeptChains(LIFETIME_MS, clock);
    const present = (leaf: string, ...issuers: Buffer[]) => chains.remember(idOf(leaf), chainOf(leaf, ...issuers));
    const issuersOf = (leaf: string) => chains.recall(idOf(leaf), chainOf(leaf)).der.slice(1);
    return { clock, chains, present, issuersOf };
  };
  const middle = Buffer.alloc(1_500, 'm');
  const root = Buffer.alloc(1_500, 'r');

  test('the whole chain is known by its leaf; of a leaf that nobody presented, what was told', () => {
    const { present, issuersOf, chains } = made();
    present('a', middle, root);
    assert.deepEqual(issuersOf('a'), [middle, root]);
    assert.deepEqual(issuersOf('b'), []);
    present('a');
    assert.deepEqual(issuersOf('a'), [], 'presented without, the next time');
    assert.equal(chains.recall(idOf('a'), { der: [] }).der.length, 0);
  });

  test('strangers with large chains of their own fill 8 MiB and no more, and those that are used stay', () => {
    const { present, issuersOf, chains } = made();
    present('usual', middle, root);
    for (let n = 0; n < 1_000; n++) {
      const own = Buffer.alloc(30_000, 'x');
      own.writeUInt32BE(n);
      present(`stranger ${n}`, own);
      if (n % 100 === 0) assert.deepEqual(issuersOf('usual'), [middle, root]);
    }
    assert.ok(chains.bytes > 8_000_000, `${chains.bytes} bytes`);
    assert.ok(chains.bytes <= 9 * 1_024 * 1_024, `${chains.bytes} bytes`);
  });

  test('a chain beyond 32 KiB is not kept', () => {
    const { present, issuersOf, chains } = made();
    present('a', middle);
    present('a', Buffer.alloc(20_000), Buffer.alloc(20_000));
    assert.deepEqual(issuersOf('a'), []);
    assert.ok(chains.bytes <= 1_500, `${chains.bytes} bytes: of the chain before`);
  });

  test('leaves of one authority share its certificates, and there are so many of them', () => {
    const { present, issuersOf, chains } = made();
    for (let n = 0; n < 20_000; n++) present(`leaf ${n}`, middle, root);
    assert.ok(chains.bytes <= 8_192 * 512 + 3_000, `${chains.bytes} bytes`);
    assert.deepEqual([issuersOf('leaf 0').length, issuersOf('leaf 15000').length], [0, 2]);
  });

  test('a chain is forgotten once no session that it came with can be resumed', () => {
    const { clock, present, issuersOf } = made();
    present('a', middle);
    present('b', middle);
    clock.increment(LIFETIME_MS);
    assert.equal(issuersOf('b').length, 1, 'the resumed session is followed by another');
    clock.increment(1);
    assert.deepEqual([issuersOf('a').length, issuersOf('b').length], [0, 1]);
    clock.increment(LIFETIME_MS + 1);
    assert.equal(issuersOf('b').length, 0);
  });
});

/** Sockets make progress between event loop turns; the predicate is checked in each turn. */
async function until(predicate: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  do {
    await new Promise((resolve) => setImmediate(resolve));
    if (Date.now() > deadline) throw new Error('not reached within 5 s');
  } while (!predicate());
}

/** Appends certificates of the same authority to the chain: at least `bytes` in total. */
function withMore(credential: Credential, bytes: number): Credential {
  const dnsNames = Array.from({ length: 300 }, (_, n) => `${'x'.repeat(45)}-${n}.example`);
  const { certPem, der } = issuer().issue({ dnsNames });
  const [size = 1] = der.map(({ byteLength }) => byteLength);
  return { key: credential.key, cert: `${credential.cert}\n${`${certPem}\n`.repeat(Math.ceil(bytes / size))}` };
}

interface Meeting {
  readonly server?: Credential;
  readonly client?: Credential;
  readonly laterMs?: number;
}

/** Two connections in sequence: whether the second one resumed, and the length of the chains as seen by each end. */
async function meetTwice({ server, client, laterMs = 0 }: Meeting) {
  const clock = new SimulatedClock();
  const credentials = server === undefined ? serving('b.example') : { forServerName: () => server };
  const accepted: Recorder[] = [];
  const listening = await createNetwork({ credentials, clock }).listen(
    { address: '127.0.0.1', port: 0, tls: 'direct' },
    ({ connection }) => {
      connection.write('hello');
      accepted.push(new Recorder());
      return accepted.at(-1)!;
    },
  );
  const connecting = createNetwork({ credentials: serving(), clock: new SimulatedClock() });
  const seen: { resumed: boolean; byServer: number | undefined; byClient: number | undefined }[] = [];
  for (const passedMs of [0, laterMs]) {
    clock.increment(passedMs);
    const events = new Recorder();
    const addresses = [{ family: 4 as const, address: '127.0.0.1' }];
    const connection = connecting.connect({ addresses, port: listening.port }, events);
    await until(() => events.log.includes('connected'));
    connection.startTlsClient(clientTls('b.example', { credential: client ?? credentialOf('a.example') }));
    await until(() => events.text === 'hello' && accepted.at(-1)?.isSecured === true);
    const { session } = accepted.at(-1)!;
    seen.push({
      resumed: events.session.resumed && session.resumed,
      byServer: session.chain?.der.length,
      byClient: events.session.chain?.der.length,
    });
    assert.equal(session.peer?.presented.dnsNames.join(), 'a.example');
    assert.equal(events.session.peer?.presented.dnsNames.join(), 'b.example');
    connection.end();
    await until(() => events.isClosed && accepted.at(-1)?.isClosed === true);
  }
  await listening.close();
  return seen;
}

describe('sessions that are resumed', () => {
  test('of a client with a chain of ordinary size, the whole chain is known', async () => {
    const whole = { byServer: 2, byClient: 2 };
    assert.deepEqual(await meetTwice({}), [
      { resumed: false, ...whole },
      { resumed: true, ...whole },
    ]);
  });
  test('of a client with a chain beyond 32 KiB, only the leaf is', async () => {
    const client = withMore(credentialOf('a.example'), 36_000);
    const [first, second] = await meetTwice({ client });
    assert.ok((first?.byServer ?? 0) > 2, `${first?.byServer} certificates`);
    assert.deepEqual(second, { resumed: true, byServer: 1, byClient: 2 });
  });
  test('of a client that was here more than ten minutes ago, only the leaf is', async () => {
    const [, inTime] = await meetTwice({ laterMs: 600_000 });
    assert.deepEqual(inTime, { resumed: true, byServer: 2, byClient: 2 });
    const [, late] = await meetTwice({ laterMs: 600_001 });
    assert.deepEqual(late, { resumed: true, byServer: 1, byClient: 2 });
  });
  test('a server with a chain beyond 64 KiB is not remembered', async () => {
    const server = withMore(credentialOf('b.example'), 66_000);
    const [first, second] = await meetTwice({ server });
    assert.ok((first?.byClient ?? 0) > 2, `${first?.byClient} certificates`);
    assert.deepEqual([second?.resumed, second?.byClient], [false, first?.byClient]);
  });
});
