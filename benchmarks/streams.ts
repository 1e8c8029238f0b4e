/**
 * New authenticated s2s streams per second of processor time: TCP, STARTTLS, TLS 1.3 with certificates on both sides,
 * SASL EXTERNAL, restart, closing tags; compared with Debian's servers, with a server in Node that only says the same
 * words, and with bare TLS handshakes as the upper bound. Full handshakes, and resumed ones where the server supports
 * resumption.
 *
 * Run: npm run build && [ROUNDS=9] [BESIDE=another/clone] node --import tsx benchmarks/streams.ts
 */
import { cpuSeconds, heading, median, quartiles, ratio, table, whole } from './support/figures.ts';
import type { BareAnswer, BareCommand } from './support/bare-tls.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { authority, HOST, PEER, peerCredential, startAll } from './support/servers.ts';
import type { BareWordsAnswer, BareWordsCommand } from './support/bare-words.ts';
import { startWorker } from './support/workers.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 9);
const STREAMS = 240;
/**
 * Streams before anything is counted, for servers in Node: their code is compiled during use, over some 2,000 streams.
 */
const WARM_UP = 2_400;
const PARALLEL = 8;

const { cert, key } = peerCredential;
const target = { from: PEER, to: HOST, cert, key, count: STREAMS, parallel: PARALLEL };

type Load = Omit<Extract<SenderCommand, { do: 'streams' | 'handshakes' }>, 'resume'>;

interface Lane {
  readonly name: string;
  readonly resume: boolean;
  readonly command: Load;
  readonly rates: number[];
  /** Over all connections of the counted rounds. */
  resumed: number;
  run(): Promise<void>;
}

function lane(name: string, pid: number, command: Load, resume: boolean): Lane {
  const one: Lane = {
    name: `${name}, ${resume ? 'resumed' : 'full'}`,
    resume,
    command,
    rates: [],
    resumed: 0,
    run: async () => {
      const before = cpuSeconds(pid);
      const { resumed } = await sender.ask({ ...command, resume });
      one.rates.push(STREAMS / (cpuSeconds(pid) - before));
      if (one.rates.length > 1) one.resumed += resumed;
    },
  };
  return one;
}

heading('new streams with mutual TLS 1.3 and SASL EXTERNAL');
console.log(`ours is warm: ${whole(WARM_UP)} streams before the first that counts\n`);
const sender = startWorker<SenderCommand, SenderAnswer>('sender');
const bare = startWorker<BareCommand, BareAnswer>('bare-tls');
const words = startWorker<BareWordsCommand, BareWordsAnswer>('bare-words');
const servers = await startAll();
try {
  const { port } = await bare.ask({ ...peerCredential, ca: authority.certPem });
  const saying = await words.ask({ ...peerCredential, host: HOST, peer: PEER });
  const lanes = [false, true].flatMap((resume) => [
    ...servers.map(({ name, pid, ports }) => lane(name, pid, { do: 'streams', ...target, port: ports.s2s }, resume)),
    lane('the same words, and nothing else', words.pid, { do: 'streams', ...target, port: saying.port }, resume),
    lane('bare node:tls', bare.pid, { do: 'handshakes', ...target, port }, resume),
  ]);
  for (const { name, pid, ports } of servers.filter((one) => one.name.startsWith('xmpp-dna')))
    await lane(name, pid, { do: 'streams', ...target, count: WARM_UP, port: ports.s2s }, false).run();
  for (let round = 0; round <= ROUNDS; round += 1) for (const one of lanes) await one.run();
  for (const resume of [false, true]) {
    const counted = lanes.filter((one) => one.resume === resume);
    const ours = counted[0]?.rates ?? [];
    table([
      ['', 'streams/CPU s', 'ours is', 'quartiles', 'resumed'],
      ...counted.map(({ name, resumed, rates }) => {
        // Ratios within each round: a disturbance of the machine affects neighbours alike.
        const [lower, middle, upper] = quartiles(rates.slice(1).map((rate, at) => (ours[at + 1] ?? NaN) / rate));
        return [
          name,
          whole(median(rates.slice(1))),
          ratio(middle),
          `${ratio(lower)} to ${ratio(upper)}`,
          `${whole((100 * resumed) / (ROUNDS * STREAMS))} %`,
        ];
      }),
    ]);
  }
} finally {
  sender.stop();
  bare.stop();
  words.stop();
  await Promise.all(servers.map((server) => server.stop()));
}
process.exit(0);
