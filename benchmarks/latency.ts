/**
 * How long a ping takes through the daemon, from an s2s stream to a component: on an idle daemon; while another peer
 * sends at half of the maximum rate; and while a third peer sends as fast as it can. One way only, since the daemon
 * handles one way; the loads alternate. All processes share two cores here, so a part of the added latency is waiting
 * for a processor.
 *
 * Run: npm run build && node --import tsx benchmarks/latency.ts
 */
import { heading, quantile, ratio, table, whole } from './support/figures.ts';
import type { PingerAnswer, PingerCommand } from './support/pinger.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { COMPONENT, PEER, peerCredential, PINGED, SECRET, startOurs } from './support/servers.ts';
import type { SinkAnswer, SinkCommand } from './support/sink.ts';
import { startWorker } from './support/workers.ts';

const ROUNDS = 5;
const TURN_MS = 3_000;
const EVERY_MS = 3;
const STANZA_BYTES = 300;
/** Used to find the rate of messages when the sender does not hold back. */
const AT_FULL = 500_000;

const opening = `<message from='romeo@${PEER}/orchard' to='juliet@${COMPONENT}/balcony' type='chat' id='m1'><body>`;
const closing = '</body></message>';
const stanza = opening + 'x'.repeat(STANZA_BYTES - opening.length - closing.length) + closing;

const server = await startOurs();
const pinger = startWorker<PingerCommand, PingerAnswer>('pinger');
const sink = startWorker<SinkCommand, SinkAnswer>('sink');
const sender = startWorker<SenderCommand, SenderAnswer>('sender');
const { cert, key } = peerCredential;
heading(`a ping from an s2s stream to a component, one way, every ${EVERY_MS} ms`);
try {
  await pinger.ask({ do: 'open', ports: server.ports, from: PEER, to: PINGED, secret: SECRET, cert, key });
  await sink.ask({ do: 'attach', port: server.ports.component, domain: COMPONENT, secret: SECRET });
  await sender.ask({ do: 'open', port: server.ports.s2s, from: PEER, to: COMPONENT, cert, key });
  const send = async (count: number): Promise<number> => {
    const begunMs = performance.now();
    await Promise.all([sender.ask({ do: 'send', count, stanza }), sink.ask({ do: 'await', count })]);
    return (count / (performance.now() - begunMs)) * 1_000;
  };
  await send(AT_FULL); // warm-up
  const full = await send(AT_FULL);
  const pings = async (): Promise<readonly number[]> => {
    const { tookMs } = await pinger.ask({ do: 'ping', everyMs: EVERY_MS, milliseconds: TURN_MS });
    return tookMs;
  };
  const count = Math.ceil((full / 2) * (TURN_MS / 1_000));
  const lanes: Readonly<Record<string, () => Promise<readonly number[]>>> = {
    'nothing else': pings,
    [`half of ${whole(full)} messages a second`]: async () => {
      const paced = sender.ask({ do: 'pace', perSecond: count / (TURN_MS / 1_000), milliseconds: TURN_MS, stanza });
      const [took] = await Promise.all([pings(), paced, sink.ask({ do: 'await', count })]);
      return took;
    },
    'a peer that floods': async () => {
      const flood = Math.ceil(full * (TURN_MS / 1_000));
      const [took] = await Promise.all([pings(), send(flood)]);
      return took;
    },
  };
  const took = new Map<string, number[]>(Object.keys(lanes).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, run] of Object.entries(lanes)) {
      const milliseconds = await run();
      if (round > 0) took.get(name)?.push(...milliseconds); // the first round is the warm-up
    }
  const idle = quantile(took.get('nothing else') ?? [], 0.99);
  const ms = (value: number): string => value.toFixed(2);
  table([
    ['beside', 'pings', 'median, ms', '99 %, ms', 'slowest', '99 % is'],
    ...[...took].map(([name, all]) => {
      const late = quantile(all, 0.99);
      return [name, whole(all.length), ms(quantile(all, 0.5)), ms(late), ms(Math.max(...all)), ratio(late / idle)];
    }),
  ]);
} finally {
  for (const worker of [pinger, sink, sender]) worker.stop();
  await server.stop();
}
process.exit(0);
