/**
 * Whether a stanza costs more when more is known: between two providers of ours, over one stream (TLS 1.3), with one to
 * a million pairs in the tables, for stanzas of one pair and of all pairs in random order; and with up to a thousand
 * other open streams. The pairs are put into the tables as a proof would put them there: `million` proves them over the
 * wire.
 *
 * Run: npm run build && node --import tsx benchmarks/scale.ts
 */
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import { startDnsServer } from '../test/support/dns-server.ts';
import { heading, median, table, whole } from './support/figures.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { AS_SERVED, startWorker, type Worker } from './support/workers.ts';

const SIDE = 1_000;
const SIDES = [1, 10, 100, SIDE];
/** The first stream carries the stanzas. */
const STREAMS = [10, 100, 1_000];
/** Characters of a message's body: for the shortest messages, and for those of some 300 bytes. */
const BODIES = [5, 220];
const STANZAS = 400_000;
const ROUNDS = 7;
/** Rounds that do not count. */
const WARM_UP = 2;

type Provider = Worker<ProviderCommand, ProviderAnswer>;
const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const eku = ['serverAuth', 'clientAuth'] as const;
const dns = await startDnsServer();

async function startProvider(side: string): Promise<{ provider: Provider; port: number; domains: readonly string[] }> {
  const credential = authority.issue({ dnsNames: [`*.${side}.example`], eku });
  // All of one length: V8 copies substrings of up to 12 characters, and lets longer ones refer to the whole string.
  const domains = Array.from({ length: SIDE }, (_, i) => `d${String(i).padStart(3, '0')}.${side}.example`);
  const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', [...AS_SERVED, '--expose-gc']);
  const hosts = Object.fromEntries(domains.map((domain) => [domain, credential]));
  const { port } = await provider.ask({ do: 'start', hosts, caPem: authority.certPem, dns: dns.address, bidi: false });
  dns.serve(domains[0] ?? '', { port, target: `host.${side}.example` });
  return { provider, port, domains };
}

const a = await startProvider('a');
const b = await startProvider('b');
const peer = authority.issue({ dnsNames: ['peer.example'], eku });
const sender = startWorker<SenderCommand, SenderAnswer>('sender');

interface Cost {
  /** Microseconds of processor time per stanza. */
  readonly sending: number;
  readonly receiving: number;
}

/** Stanzas between the first `side` domains of either provider. */
async function flood(side: number, body: number): Promise<Cost> {
  const [senders, targets] = [a.domains.slice(0, side), b.domains.slice(0, side)];
  const before = await b.provider.ask({ do: 'measure' });
  const { floodCpuSeconds, returned } = await a.provider.ask({ do: 'flood', senders, targets, count: STANZAS, body });
  const after = await b.provider.ask({ do: 'await', received: before.received + STANZAS });
  if (returned > 0) throw new Error(`${whole(returned)} stanzas came back`);
  const each = (seconds: number): number => (seconds / STANZAS) * 1e6;
  return { sending: each(floodCpuSeconds), receiving: each(after.cpuSeconds - before.collectedAtCpuSeconds) };
}

async function measured(sides: readonly number[], body: number): Promise<Cost[]> {
  const costs: Cost[][] = sides.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, side] of sides.entries()) costs[at]?.push(await flood(side, body));
  const counted = (all: readonly Cost[], end: keyof Cost): number =>
    median(all.slice(WARM_UP).map((cost) => cost[end]));
  return costs.map((all) => ({ sending: counted(all, 'sending'), receiving: counted(all, 'receiving') }));
}

interface Tabled {
  readonly body: number;
  readonly rows: string[][];
  first: Cost | null;
}
const tables = BODIES.map((body): Tabled => ({ body, rows: [], first: null }));
function row(into: Tabled, what: string, cost: Cost): void {
  const { sending, receiving } = (into.first ??= cost);
  const beside = (now: number, then: number): string => `${now.toFixed(2)} (${(now / then).toFixed(2)}x)`;
  into.rows.push([what, beside(cost.sending, sending), beside(cost.receiving, receiving)]);
}

try {
  const { returned } = await a.provider.ask({
    do: 'send',
    pairs: [[a.domains[0] ?? '', b.domains[0] ?? '']],
    atOnce: 1,
  });
  if (returned > 0) throw new Error('no stream was opened');
  for (const side of SIDES) {
    const [senders, targets] = [a.domains.slice(0, side), b.domains.slice(0, side)];
    await a.provider.ask({ do: 'know', senders, targets, way: 'out' });
    await b.provider.ask({ do: 'know', senders, targets, way: 'in' });
    const known = side === 1 ? 'one pair' : `${whole(side * side)} pairs`;
    for (const into of tables) {
      const [one, all] = await measured(side === 1 ? [1] : [1, side], into.body);
      if (one !== undefined) row(into, `${known}, stanzas of one`, one);
      if (all !== undefined) row(into, `${known}, stanzas of all`, all);
    }
  }
  let standing = 1;
  for (const count of STREAMS) {
    const to = b.domains[0] ?? '';
    await sender.ask({
      do: 'hold',
      count: count - standing,
      parallel: 8,
      port: b.port,
      from: 'peer.example',
      to,
      ...peer,
    });
    standing = count;
    for (const into of tables) {
      const [one] = await measured([1], into.body);
      if (one !== undefined) row(into, `the same, ${whole(count)} streams, stanzas of one`, one);
    }
  }
  for (const { body, rows } of tables) {
    heading(`a stanza with a body of ${body} characters, in microseconds of processor time`);
    table([['known', 'the sending end', 'the receiving end'], ...rows]);
  }
} finally {
  for (const worker of [a.provider, b.provider, sender]) worker.stop();
  await dns.close();
}
process.exit(0);
