/**
 * Messages per second of processor time: from one s2s stream (TLS 1.3, SASL EXTERNAL) through the server to a component
 * (XEP-0114); compared with Debian's servers, and with a bare relay in Node that only passes the bytes on, as the upper
 * bound; the servers take turns. Only messages that have reached the component count, and all must arrive. Then ours
 * and the relay with messages of other sizes.
 *
 * Run: npm run build && node --import tsx benchmarks/messages.ts
 */
import type { RelayAnswer, RelayCommand } from './support/bare-relay.ts';
import { cpuSeconds, heading, median, ratio, rounds, table, whole } from './support/figures.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { COMPONENT, PEER, peerCredential, SECRET, startAll } from './support/servers.ts';
import type { SinkAnswer, SinkCommand } from './support/sink.ts';
import { startWorker } from './support/workers.ts';

const STANZA_BYTES = 300;
const OTHER_SIZES = [100, 200, 1_000, 10_000, 100_000];
const ROUNDS = 5;
/**
 * Messages of the first size per round: at least a quarter of a second for each server; the first round is the warm-up
 * and is not counted.
 */
const MESSAGES: Readonly<Record<string, number>> = { Prosody: 20_000, ejabberd: 40_000 };
const BYTES_PER_ROUND = 240_000 * STANZA_BYTES;
/** A relay would handle the usual number before its processor time could be read. */
const MORE_FOR_RELAY = 8;

const OPENINGS = [
  `<message from='romeo@${PEER}/orchard' to='juliet@${COMPONENT}/balcony' type='chat' id='m1'><body>`,
  `<message from='r@${PEER}' to='j@${COMPONENT}'><body>`,
];
const CLOSING = '</body></message>';

/** Small messages contain only what they must. */
function stanzaOf(bytes: number): string {
  const opening = OPENINGS.find(({ length }) => length + CLOSING.length <= bytes);
  if (opening === undefined) throw new RangeError(`no message has ${bytes} bytes`);
  return opening.padEnd(bytes - CLOSING.length, 'x') + CLOSING;
}

/** A server under test, with a sender and a receiver. */
interface Lane {
  readonly name: string;
  /** Messages of this size per second of the server's processor time. */
  readonly rate: (bytes: number) => Promise<number>;
  readonly stop: () => Promise<void>;
}

interface Passage {
  readonly name: string;
  readonly ports: { readonly s2s: number; readonly component: number };
  readonly cpuSeconds: () => number;
  readonly stop: () => Promise<void>;
}

async function lane({ name, ports, cpuSeconds: used, stop }: Passage, isBare: boolean): Promise<Lane> {
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  const sink = startWorker<SinkCommand, SinkAnswer>('sink');
  await sink.ask(
    isBare
      ? { do: 'connect', port: ports.component }
      : { do: 'attach', port: ports.component, domain: COMPONENT, secret: SECRET },
  );
  const { cert, key } = peerCredential;
  await sender.ask({ do: isBare ? 'connect' : 'open', port: ports.s2s, from: PEER, to: COMPONENT, cert, key });
  return {
    name,
    rate: async (bytes) => {
      const count = MESSAGES[name] ?? Math.ceil((BYTES_PER_ROUND * (isBare ? MORE_FOR_RELAY : 1)) / bytes);
      const before = used();
      await Promise.all([sender.ask({ do: 'send', count, stanza: stanzaOf(bytes) }), sink.ask({ do: 'await', count })]);
      return count / (used() - before);
    },
    stop: async () => {
      sender.stop();
      sink.stop();
      await stop();
    },
  };
}

async function bareRelay(): Promise<Lane> {
  const relay = startWorker<RelayCommand, RelayAnswer>('bare-relay');
  const { ports } = await relay.ask(peerCredential);
  const stop = (): Promise<void> => {
    relay.stop();
    return Promise.resolve();
  };
  return lane({ name: 'bare node:tls relay', ports, cpuSeconds: () => cpuSeconds(relay.pid), stop }, true);
}

/** In turns; the first round is the warm-up. */
async function measured(lanes: readonly Lane[], bytes: number): Promise<number[][]> {
  const rates = lanes.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [i, { rate }] of lanes.entries()) rates[i]?.push(await rate(bytes));
  return rates.map(([, ...counted]) => counted);
}

heading(`messages of ${STANZA_BYTES} bytes, s2s stream to component`);
const servers = await Promise.all((await startAll()).map((server) => lane(server, false)));
const relay = await bareRelay();
const lanes = [...servers, relay];
try {
  const rates = await measured(lanes, STANZA_BYTES);
  const ours = median(rates[0] ?? []);
  table([
    ['', 'messages/CPU s', 'ours is', 'rounds'],
    ...lanes.map(({ name }, i) => {
      const own = rates[i] ?? [];
      return [name, whole(median(own)), ratio(ours / median(own)), rounds(own)];
    }),
  ]);
  const we = servers.slice(0, 1);
  const rows = [['bytes', 'ours, messages/CPU s', 'bare relay', 'ours is']];
  for (const bytes of OTHER_SIZES) {
    const [own = [], bare = []] = await measured([...we, relay], bytes);
    rows.push([whole(bytes), whole(median(own)), whole(median(bare)), ratio(median(own) / median(bare))]);
  }
  table(rows);
} finally {
  await Promise.all(lanes.map(({ stop }) => stop()));
}
process.exit(0);
