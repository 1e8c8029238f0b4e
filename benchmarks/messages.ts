/**
 * Messages per second of processor time: from one s2s stream (TLS 1.3, SASL EXTERNAL) through the server to a component
 * (XEP-0114); beside Debian's servers, in turns. Counted is what has arrived at the component, all of it.
 *
 * Run: npm run build && node --import tsx benchmarks/messages.ts
 */
import { heading, median, ratio, rounds, table, whole } from './support/figures.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { COMPONENT, PEER, peerCredential, SECRET, startAll, type ServerUnderTest } from './support/servers.ts';
import type { SinkAnswer, SinkCommand } from './support/sink.ts';
import { startWorker } from './support/workers.ts';

const STANZA_BYTES = 300;
const ROUNDS = 5;
/** Messages per round: about a second for each; the first round warms up, and is not counted. */
const MESSAGES: Readonly<Record<string, number>> = { 'xmpp-dna': 120_000, Prosody: 10_000, ejabberd: 20_000 };

const opening = `<message from='romeo@${PEER}/orchard' to='juliet@${COMPONENT}/balcony' type='chat' id='m1'><body>`;
const closing = '</body></message>';
const stanza = opening + 'x'.repeat(STANZA_BYTES - opening.length - closing.length) + closing;

interface Lane {
  readonly server: ServerUnderTest;
  readonly rates: number[];
  readonly send: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function lane(server: ServerUnderTest): Promise<Lane> {
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  const sink = startWorker<SinkCommand, SinkAnswer>('sink');
  const count = MESSAGES[server.name] ?? 10_000;
  await sink.ask({ do: 'attach', port: server.ports.component, domain: COMPONENT, secret: SECRET });
  const { cert, key } = peerCredential;
  await sender.ask({ do: 'open', port: server.ports.s2s, from: PEER, to: COMPONENT, cert, key });
  const rates: number[] = [];
  return {
    server,
    rates,
    send: async () => {
      const before = server.cpuSeconds();
      await Promise.all([sender.ask({ do: 'send', count, stanza }), sink.ask({ do: 'await', count })]);
      rates.push(count / (server.cpuSeconds() - before));
    },
    stop: async () => {
      sender.stop();
      sink.stop();
      await server.stop();
    },
  };
}

heading(`messages of ${STANZA_BYTES} bytes, s2s stream to component`);
const lanes = await Promise.all((await startAll()).map(lane));
try {
  for (let round = 0; round <= ROUNDS; round += 1) for (const one of lanes) await one.send();
  const counted = lanes.map(({ server, rates: [, ...rates] }) => ({ server, rates, rate: median(rates) }));
  const ours = counted[0]?.rate ?? NaN;
  table([
    ['', 'messages/CPU s', 'ours is', 'rounds'],
    ...counted.map(({ server, rates, rate }) => [server.name, whole(rate), ratio(ours / rate), rounds(rates)]),
  ]);
} finally {
  await Promise.all(lanes.map(({ stop }) => stop()));
}
process.exit(0);
