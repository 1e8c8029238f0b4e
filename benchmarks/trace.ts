/**
 * What it costs to remember what happens: the same work with and without the ring of records, alternating in one run,
 * in user time of the processes that do it. New streams to a provider; negotiations between two, from the DNS to the
 * first stanza; new pairs on an open stream; stanzas over an open stream; and one small actor without any I/O, compared
 * with the cost of xstate's own inspection.
 *
 * Run: npm run build && node --import tsx benchmarks/trace.ts [ROUNDS]
 */
import { createActor } from 'xstate';
import { pair } from '../machines/pair.machine.ts';
import { Recorder } from '../src/control/recorder.ts';
import { systemClock } from '../src/adapters/clock.ts';
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import { statePath } from '../src/trace/record.ts';
import { startDnsServer, type DnsServer } from '../test/support/dns-server.ts';
import { heading, median, quartiles, table, whole } from './support/figures.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { AS_SERVED, startWorker, type Worker } from './support/workers.ts';

const ROUNDS = Number(process.argv[2] ?? 24);
/** Rounds before anything counts: code is compiled during use, and the code that handles records is compiled late. */
const WARM_UP = 16;
/** Few per round, so that a slow phase of the machine covers rounds of all lanes. */
const STREAMS = 200;
const NEGOTIATIONS = 200;
const PAIRS = 500;
const STANZAS = 30_000;
const STANZA_BYTES = 300;
const AT_ONCE = 20;

/**
 * V8 collects only when it has to: a forced collection, or one during the idle time while others have their turn,
 * discards compiled code, and the measurement would then be one of the compiler.
 */
const V8_FLAGS = [...AS_SERVED, '--no-memory-reducer'];

type Provider = Worker<ProviderCommand, ProviderAnswer>;
type Lane = 'with' | 'without';
/**
 * Two processes that do exactly the same differ by more than the effect to be measured, so there are several of each.
 */
const TWINS = 2;
const ALL: readonly { readonly lane: Lane; readonly name: string }[] = Array.from({ length: TWINS }, (_, nth) => nth)
  .flatMap((nth) => [['with', nth] as const, ['without', nth] as const])
  .map(([lane, nth]) => ({ lane, name: `${lane}-${nth}` }));
const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const dns = await startDnsServer();

async function startProvider(domains: readonly string[], lane: Lane, server: DnsServer): Promise<[Provider, number]> {
  const credential = authority.issue({
    dnsNames: [`*.${domains[0]?.replace(/^[^.]+\./, '') ?? ''}`],
    eku: ['serverAuth', 'clientAuth'],
  });
  const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', V8_FLAGS);
  const hosts = Object.fromEntries(domains.map((domain) => [domain, credential]));
  const kept = lane === 'with' ? {} : { records: 0 };
  const { port } = await provider.ask({
    do: 'start',
    hosts,
    caPem: authority.certPem,
    dns: server.address,
    bidi: false,
    ...kept,
  });
  const [first = ''] = domains;
  for (const domain of domains) server.serve(domain, { port, target: `host.${first}` });
  return [provider, port];
}

/** User seconds of a provider while it did `work`. */
async function used(provider: Provider, work: () => Promise<void>): Promise<number> {
  const { userSeconds } = await provider.ask({ do: 'measure' });
  await work();
  return (await provider.ask({ do: 'measure' })).userSeconds - userSeconds;
}

type Figures = Readonly<Record<Lane, number[]>>;
const noFigures = (): Figures => ({ with: [], without: [] });

/** What the ring adds over all rounds together; and the quartiles of the rounds. */
function row(what: string, figures: Figures, each: number): string[] {
  const ratios = figures.with.map((value, round) => value / (figures.without[round] ?? NaN));
  const percent = (value: number): string => `${((value - 1) * 100).toFixed(1)} %`;
  const mean = (lane: Lane): number => figures[lane].reduce((sum, seconds) => sum + seconds, 0) / figures[lane].length;
  const show = (seconds: number): string => ((seconds / each) * 1_000).toFixed(2);
  const [low, middle, high] = quartiles(ratios);
  return [
    what,
    show(mean('with')),
    show(mean('without')),
    percent(mean('with') / mean('without')),
    `${percent(middle)} (${percent(low)} to ${percent(high)})`,
  ];
}

/** All of them in each round, alternating; passes on what each one measured in a counted round. */
async function inRounds<One extends { readonly lane: Lane }>(
  all: readonly One[],
  work: (one: One, round: number) => Promise<readonly number[]>,
  tell: (lane: Lane, seconds: readonly number[]) => void,
): Promise<void> {
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      const seconds = await work(one, round);
      if (round >= WARM_UP) tell(one.lane, seconds);
    }
  }
}

async function streams(): Promise<string[]> {
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  const peer = authority.issue({ dnsNames: ['peer.example'], eku: ['serverAuth', 'clientAuth'] });
  const figures = noFigures();
  const all: { lane: Lane; provider: Provider; port: number; to: string }[] = [];
  for (const { lane, name } of ALL) {
    const to = `d.${name}-streams.example`;
    const [provider, port] = await startProvider([to], lane, dns);
    all.push({ lane, provider, port, to });
  }
  await inRounds(
    all,
    async ({ provider, port, to }) => {
      const load = { do: 'streams', from: 'peer.example', to, ...peer, count: STREAMS, parallel: 8, port } as const;
      const seconds = await used(provider, async () => {
        await sender.ask({ ...load, resume: false });
      });
      return [seconds];
    },
    (lane, [seconds = NaN]) => figures[lane].push(seconds),
  );
  for (const { provider } of all) provider.stop();
  sender.stop();
  return row('a new stream, the receiving end', figures, STREAMS);
}

/** Two providers that federate with each other, and the cost on each side. */
async function betweenTwo(
  what: string,
  [sending, receiving]: readonly [string, string],
  each: number,
  { senders, command }: Between,
): Promise<string[][]> {
  const [figuresOfA, figuresOfB] = [noFigures(), noFigures()];
  const all: { lane: Lane; a: Provider; b: Provider; names: readonly string[]; target: string }[] = [];
  for (const { lane, name } of ALL) {
    const [names, target] = [senders(`a-${name}.example`), `d.b-${name}.example`];
    const [a] = await startProvider(names, lane, dns);
    const [b] = await startProvider([target], lane, dns);
    all.push({ lane, a, b, names, target });
  }
  await inRounds(
    all,
    async ({ a, b, names, target }, round) => {
      let ofB = 0;
      const ofA = await used(a, async () => {
        ofB = await used(b, async () => {
          const { returned } = await a.ask(command(names, target, round));
          if (returned > 0) throw new Error(`${returned} messages came back`);
        });
      });
      return [ofA, ofB];
    },
    (lane, [ofA = NaN, ofB = NaN]) => {
      figuresOfA[lane].push(ofA);
      figuresOfB[lane].push(ofB);
    },
  );
  for (const { a, b } of all) for (const provider of [a, b]) provider.stop();
  return [row(`${what}, ${sending}`, figuresOfA, each), row(`${what}, ${receiving}`, figuresOfB, each)];
}

interface Between {
  readonly senders: (parent: string) => readonly string[];
  readonly command: (senders: readonly string[], target: string, round: number) => ProviderCommand;
}

const pairs = (): Promise<string[][]> =>
  betweenTwo('a new pair', ['the sending end', 'the receiving end'], PAIRS, {
    senders: (parent) => Array.from({ length: (ROUNDS + WARM_UP) * PAIRS }, (_, i) => `d${i}.${parent}`),
    command: (senders, target, round) => ({
      do: 'send',
      pairs: senders.slice(round * PAIRS, (round + 1) * PAIRS).map((sender) => [sender, target] as const),
      atOnce: AT_ONCE,
    }),
  });

/** Everything from a stanza without a stream to its delivery, with TLS resumption; and the end of the stream. */
const negotiations = (): Promise<string[][]> =>
  betweenTwo('a negotiation', ['the initiating end', 'the receiving end'], NEGOTIATIONS, {
    senders: (parent) => [`d.${parent}`],
    command: ([sender = ''], target) => ({ do: 'negotiate', pair: [sender, target], times: NEGOTIATIONS }),
  });

/** Messages of one open stream, to the program behind it. */
async function stanzas(): Promise<string[]> {
  const peer = authority.issue({ dnsNames: ['peer.example'], eku: ['serverAuth', 'clientAuth'] });
  const figures = noFigures();
  const all: { lane: Lane; provider: Provider; sender: Worker<SenderCommand, SenderAnswer>; stanza: string }[] = [];
  for (const { lane, name } of ALL) {
    const to = `d.${name}-stanzas.example`;
    const [provider, port] = await startProvider([to], lane, dns);
    const sender = startWorker<SenderCommand, SenderAnswer>('sender');
    await sender.ask({ do: 'open', from: 'peer.example', to, ...peer, port });
    const opening = `<message from='romeo@peer.example/orchard' to='juliet@${to}/balcony' type='chat' id='m1'><body>`;
    const closing = '</body></message>';
    const stanza = opening + 'x'.repeat(STANZA_BYTES - opening.length - closing.length) + closing;
    all.push({ lane, provider, sender, stanza });
  }
  await inRounds(
    all,
    async ({ provider, sender, stanza }) => {
      const { received } = await provider.ask({ do: 'measure' });
      const seconds = await used(provider, async () => {
        await sender.ask({ do: 'send', count: STANZAS, stanza });
        await provider.ask({ do: 'await', received: received + STANZAS });
      });
      return [seconds];
    },
    (lane, [seconds = NaN]) => figures[lane].push(seconds),
  );
  for (const { provider, sender } of all) for (const worker of [provider, sender]) worker.stop();
  return row('a thousand stanzas, the receiving end', figures, STANZAS / 1_000);
}

/** One pair actor: created, four events, stopped. */
function bareActors(): string[][] {
  const clock = systemClock;
  const recorder = new Recorder({ clock });
  const watched = recorder.watch(pair);
  let seen = 0;
  const kinds: Readonly<Record<string, () => ReturnType<typeof createActor<typeof pair>>>> = {
    nothing: () => createActor(pair, { input: { local: 'a.example', remote: 'b.example' } }),
    'the recorder': () => createActor(watched, { id: 'pair:a>b', input: { local: 'a.example', remote: 'b.example' } }),
    "xstate's inspect": () =>
      createActor(pair, {
        input: { local: 'a.example', remote: 'b.example' },
        inspect: (event) => {
          if (event.type !== '@xstate.microstep' || !('value' in event.snapshot)) return;
          seen += statePath(event.snapshot.value).length;
        },
      }),
  };
  const proof = { prooftype: 'pkix', strength: 'strong', evidence: {}, expiresAtMs: null } as const;
  const life = (make: () => ReturnType<typeof createActor<typeof pair>>): void => {
    const actor = make().start();
    actor.send({ type: 'local.routeWanted' });
    actor.send({ type: 'route.offered', stream: 1, manner: 'assertion' });
    actor.send({ type: 'pair.asserted', stream: 1 });
    actor.send({ type: 'pair.accepted', stream: 1, proof });
    actor.stop();
  };
  const figures = Object.keys(kinds).map((name): [string, number[]] => [name, []]);
  const LIVES = 2_000;
  for (let round = 0; round < 30; round += 1) {
    for (const [name, times] of figures) {
      const make = kinds[name];
      if (make === undefined) continue;
      const before = process.cpuUsage().user;
      for (let n = 0; n < LIVES; n += 1) life(make);
      times.push((process.cpuUsage().user - before) / LIVES);
    }
  }
  if (seen === 0) throw new Error('nothing was inspected');
  return figures.map(([name, times]) => [name, median(times.slice(10)).toFixed(1)]);
}

heading('what records cost (user time; interleaved rounds)');
console.log(
  `${whole(TWINS)} providers with and without, ${whole(ROUNDS)} rounds of ${whole(STREAMS)} streams, ${whole(NEGOTIATIONS)} negotiations, ${whole(PAIRS)} pairs and ${whole(STANZAS)} stanzas, after ${whole(WARM_UP)} that do not count\n`,
);
try {
  table([
    ['milliseconds each', 'with the ring', 'without', 'all together', 'by rounds'],
    await streams(),
    ...(await negotiations()),
    ...(await pairs()),
    await stanzas(),
  ]);
  console.log('one pair actor, born, four events, stopped; no I/O:');
  table([['watched by', 'µs'], ...bareActors()]);
} finally {
  await dns.close();
}
process.exit(0);
