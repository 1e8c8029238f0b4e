/**
 * What it costs to remember what happens: the same work with the ring of records and without, turn by turn in one run, in user
 * time of the processes that do it. New streams to a provider; negotiations from
 * the DNS to the first stanza, between two; new pairs on a stream that stands; stanzas over a stream that stands; and one
 * small actor without any I/O, beside what xstate's own inspection costs.
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
import { heading, median, quantile, table, whole } from './support/figures.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { startWorker, type Worker } from './support/workers.ts';

const ROUNDS = Number(process.argv[2] ?? 16);
/** So many in a round that the collections before it, which are ours and throw compiled code away, are no great part of it. */
const STREAMS = 400;
const NEGOTIATIONS = 400;
const PAIRS = 1_000;
const STANZAS = 60_000;
const STANZA_BYTES = 300;
const AT_ONCE = 20;
/** Before anything counts: code is compiled as it is used, and what records run through is compiled late. */
const WARM_UP = 4;

/** As `xmpp-dna serve` has V8 work (src/cli/main.ts). */
const AS_SERVED = ['--no-allocation-site-pretenuring', '--no-parallel-scavenge', '--minor-gc-task-trigger=25'];

type Provider = Worker<ProviderCommand, ProviderAnswer>;
type Lane = 'with' | 'without';
const LANES: readonly Lane[] = ['with', 'without'];
const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const dns = await startDnsServer();

async function startProvider(domains: readonly string[], lane: Lane, server: DnsServer): Promise<[Provider, number]> {
  const credential = authority.issue({
    dnsNames: [`*.${domains[0]?.replace(/^[^.]+\./, '') ?? ''}`],
    eku: ['serverAuth', 'clientAuth'],
  });
  const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', ['--expose-gc', ...AS_SERVED]);
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

/** User seconds of a provider while it did that, without the collections before and after. */
async function used(provider: Provider, work: () => Promise<void>): Promise<number> {
  const { collectedAtUserSeconds } = await provider.ask({ do: 'measure' });
  await work();
  return (await provider.ask({ do: 'measure' })).userSeconds - collectedAtUserSeconds;
}

/** Medians of the rounds of both lanes, and what the ring adds: of the medians, and the quartiles of the rounds. */
function row(what: string, figures: Readonly<Record<Lane, readonly number[]>>, each: number, digits = 2): string[] {
  const [w, without] = [figures.with.slice(WARM_UP), figures.without.slice(WARM_UP)];
  const ratios = w.map((value, round) => value / (without[round] ?? NaN));
  const percent = (value: number): string => `${((value - 1) * 100).toFixed(1)} %`;
  const show = (seconds: number): string => ((seconds / each) * 1_000).toFixed(digits);
  const spread = (values: readonly number[], shown: (value: number) => string): string =>
    `${shown(quantile(values, 0.5))} (${shown(quantile(values, 0.25))} to ${shown(quantile(values, 0.75))})`;
  return [what, spread(w, show), spread(without, show), percent(median(w) / median(without)), spread(ratios, percent)];
}

async function streams(): Promise<string[]> {
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  const peer = authority.issue({ dnsNames: ['peer.example'], eku: ['serverAuth', 'clientAuth'] });
  const figures: Record<Lane, number[]> = { with: [], without: [] };
  const providers = new Map<Lane, [Provider, number]>();
  for (const lane of LANES) providers.set(lane, await startProvider([`d.${lane}-streams.example`], lane, dns));
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const lane of round % 2 === 0 ? LANES : LANES.toReversed()) {
      const [provider, port] = providers.get(lane) ?? [];
      if (provider === undefined || port === undefined) throw new Error('no provider');
      const to = `d.${lane}-streams.example`;
      const load = { do: 'streams', from: 'peer.example', to, ...peer, count: STREAMS, parallel: 8, port } as const;
      const seconds = await used(provider, async () => {
        await sender.ask({ ...load, resume: false });
      });
      figures[lane].push(seconds);
    }
  }
  for (const [provider] of providers.values()) provider.stop();
  sender.stop();
  return row('a new stream, the receiving end', figures, STREAMS);
}

async function pairs(): Promise<string[][]> {
  const ends: Record<'A' | 'B', Record<Lane, number[]>> = {
    A: { with: [], without: [] },
    B: { with: [], without: [] },
  };
  const count = (ROUNDS + WARM_UP) * PAIRS;
  const all = new Map<Lane, { a: Provider; b: Provider; senders: string[]; target: string }>();
  for (const lane of LANES) {
    const senders = Array.from({ length: count }, (_, i) => `d${i}.a-${lane}.example`);
    const target = `d.b-${lane}.example`;
    const [a] = await startProvider(senders, lane, dns);
    const [b] = await startProvider([target], lane, dns);
    all.set(lane, { a, b, senders, target });
  }
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const lane of round % 2 === 0 ? LANES : LANES.toReversed()) {
      const one = all.get(lane);
      if (one === undefined) throw new Error('no providers');
      const chosen = one.senders
        .slice(round * PAIRS, (round + 1) * PAIRS)
        .map((sender) => [sender, one.target] as const);
      const ofA = async (): Promise<void> => {
        const { returned } = await one.a.ask({ do: 'send', pairs: chosen, atOnce: AT_ONCE });
        if (returned > 0) throw new Error(`${returned} messages came back`);
      };
      let ofB = 0;
      const seconds = await used(one.a, async () => {
        ofB = await used(one.b, ofA);
      });
      ends.A[lane].push(seconds);
      ends.B[lane].push(ofB);
    }
  }
  for (const { a, b } of all.values()) for (const provider of [a, b]) provider.stop();
  return [row('a new pair, the sending end', ends.A, PAIRS), row('a new pair, the receiving end', ends.B, PAIRS)];
}

/** All that lies between a stanza without a stream and its delivery, TLS resumed; and the end of the stream. */
async function negotiations(): Promise<string[][]> {
  const ends: Record<'A' | 'B', Record<Lane, number[]>> = {
    A: { with: [], without: [] },
    B: { with: [], without: [] },
  };
  const all = new Map<Lane, { a: Provider; b: Provider; pair: readonly [string, string] }>();
  for (const lane of LANES) {
    const pair = [`d.one-${lane}.example`, `d.two-${lane}.example`] as const;
    const [a] = await startProvider([pair[0]], lane, dns);
    const [b] = await startProvider([pair[1]], lane, dns);
    all.set(lane, { a, b, pair });
  }
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const lane of round % 2 === 0 ? LANES : LANES.toReversed()) {
      const one = all.get(lane);
      if (one === undefined) throw new Error('no providers');
      let ofB = 0;
      const seconds = await used(one.a, async () => {
        ofB = await used(one.b, async () => {
          const { returned } = await one.a.ask({ do: 'negotiate', pair: one.pair, times: NEGOTIATIONS });
          if (returned > 0) throw new Error(`${returned} messages came back`);
        });
      });
      ends.A[lane].push(seconds);
      ends.B[lane].push(ofB);
    }
  }
  for (const { a, b } of all.values()) for (const provider of [a, b]) provider.stop();
  return [
    row('a negotiation, the initiating end', ends.A, NEGOTIATIONS),
    row('a negotiation, the receiving end', ends.B, NEGOTIATIONS),
  ];
}

/**
 * Messages of one stream that stands, to the program behind it; two providers in each lane, since two that do the very same
 * differ by more than what is looked for.
 */
async function stanzas(): Promise<string[]> {
  const peer = authority.issue({ dnsNames: ['peer.example'], eku: ['serverAuth', 'clientAuth'] });
  const figures: Record<Lane, number[]> = { with: [], without: [] };
  const all: { lane: Lane; provider: Provider; sender: Worker<SenderCommand, SenderAnswer>; stanza: string }[] = [];
  for (const [nth, lane] of [...LANES, ...LANES].entries()) {
    const to = `d.stanzas-${nth}.example`;
    const [provider, port] = await startProvider([to], lane, dns);
    const sender = startWorker<SenderCommand, SenderAnswer>('sender');
    await sender.ask({ do: 'open', from: 'peer.example', to, ...peer, port });
    const opening = `<message from='romeo@peer.example/orchard' to='juliet@${to}/balcony' type='chat' id='m1'><body>`;
    const closing = '</body></message>';
    const stanza = opening + 'x'.repeat(STANZA_BYTES - opening.length - closing.length) + closing;
    all.push({ lane, provider, sender, stanza });
  }
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const { lane, provider, sender, stanza } of round % 2 === 0 ? all : all.toReversed()) {
      const { received } = await provider.ask({ do: 'measure' });
      const seconds = await used(provider, async () => {
        await sender.ask({ do: 'send', count: STANZAS, stanza });
        await provider.ask({ do: 'await', received: received + STANZAS });
      });
      figures[lane].push(seconds);
    }
  }
  for (const { provider, sender } of all) for (const worker of [provider, sender]) worker.stop();
  return row('a thousand stanzas, the receiving end', figures, STANZAS / 1_000);
}

/** One pair actor: born, four events, stopped. */
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

heading('what records cost (user time; medians of rounds, with quartiles; interleaved)');
console.log(
  `${whole(ROUNDS)} rounds of ${whole(STREAMS)} streams, ${whole(NEGOTIATIONS)} negotiations, ${whole(PAIRS)} pairs and ${whole(STANZAS)} stanzas, after ${whole(WARM_UP)} that do not count\n`,
);
try {
  table([
    ['milliseconds each', 'with the ring', 'without', 'medians', 'rounds'],
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
