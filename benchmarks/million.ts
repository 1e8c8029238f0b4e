/**
 * All pairs of the domains on two sides, in both directions, between two providers of ours, over real sockets, TLS and
 * DNS, with bidi. The certificate of A names every second domain of A, and dialback proves the rest; the certificate of
 * B names all of its domains. A sends a stanza for each pair, then B answers them. (If both began at once, B might keep
 * the stream that it opened, on which A may not assert a domain by dialback, which makes three sockets.)
 *
 * Run: npm run build && [SIDE=100] node --import tsx benchmarks/million.ts   (20 seconds; with 1,000 domains on each
 * side, which is a million pairs in each direction, eight minutes on two cores)
 */
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import { startDnsServer } from '../test/support/dns-server.ts';
import { heading, table, whole } from './support/figures.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import { startWorker, type Worker } from './support/workers.ts';

const SIDE = Number(process.env['SIDE'] ?? 100);
const AT_ONCE = 64;
/** Rows of the table; the first includes names, code and caches. */
const STEPS = 10;
const KIB = 1_024;

type Provider = Worker<ProviderCommand, ProviderAnswer>;
type Pair = readonly [string, string];
const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const dns = await startDnsServer();

async function startProvider(
  domains: readonly string[],
  dnsNames: readonly string[],
): Promise<{ readonly provider: Provider; readonly domains: readonly string[] }> {
  const credential = authority.issue({ dnsNames, eku: ['serverAuth', 'clientAuth'] });
  const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', ['--expose-gc']);
  const hosts = Object.fromEntries(domains.map((domain) => [domain, credential]));
  const common = { caPem: authority.certPem, dns: dns.address, bidi: true, records: 0 };
  const { port } = await provider.ask({ do: 'start', hosts, ...common });
  for (const domain of domains) dns.serve(domain, { port, target: `host.${domains[0] ?? ''}` });
  return { provider, domains };
}

const numbered = (domainOf: (i: number) => string): string[] => Array.from({ length: SIDE }, (_, i) => domainOf(i));
const a = await startProvider(
  numbered((i) => `d${i}.${i % 2 === 0 ? 'certified' : 'dialback'}.a.example`),
  ['*.certified.a.example'],
);
const b = await startProvider(
  numbered((i) => `d${i}.b.example`),
  ['*.b.example'],
);
/** Every sender paired with one target, `by` places further on. */
const diagonal = (by: number): Pair[] =>
  a.domains.map((from, at) => [from, b.domains[(at + by) % SIDE] ?? ''] as const);
const reversed = (pairs: readonly Pair[]): Pair[] => pairs.map(([from, to]) => [to, from] as const);

async function settle(first: number, end: number): Promise<readonly [ProviderAnswer, ProviderAnswer]> {
  const pairs = Array.from({ length: end - first }, (_, i) => diagonal(first + i)).flat();
  await a.provider.ask({ do: 'send', pairs, atOnce: AT_ONCE });
  await b.provider.ask({ do: 'send', pairs: reversed(pairs), atOnce: AT_ONCE });
  const awaited = { do: 'await', received: end * SIDE } as const;
  return Promise.all([a.provider.ask(awaited), b.provider.ask(awaited)]);
}

heading(`${whole(SIDE)} x ${whole(SIDE)} domains between two providers of ours (first / second)`);
const step = Math.ceil(SIDE / STEPS);
const rows: string[][] = [];
let before: readonly [ProviderAnswer, ProviderAnswer] | null = null;
try {
  for (let at = 0; at < SIDE; at += step) {
    const end = Math.min(SIDE, at + step);
    const after = await settle(at, end);
    const from = before;
    /** A pair is added in each direction: two for every pair in this range. */
    const added = 2 * (end - at) * SIDE;
    const each = (use: (now: ProviderAnswer, then: ProviderAnswer | undefined) => number, digits: number): string =>
      ([0, 1] as const).map((one) => (use(after[one], from?.[one]) / added).toFixed(digits)).join(' / ');
    rows.push([
      whole(2 * end * SIDE),
      each((now, then) => (now.cpuSeconds - (then?.collectedAtCpuSeconds ?? 0)) * 1e6, 0),
      each((now, then) => now.heapBytes - (then?.heapBytes ?? 0), 0),
      each((now, then) => now.rssBytes - (then?.rssBytes ?? 0), 0),
      after.map(({ rssBytes }) => whole(rssBytes / KIB / KIB)).join(' / '),
      after.map(({ sockets }) => sockets).join(' / '),
      after.map(({ received }) => whole(received)).join(' / '),
      after.map(({ returned }) => whole(returned)).join(' / '),
    ]);
    before = after;
  }
  table([['pairs', 'CPU us', 'heap bytes', 'RSS bytes', 'RSS MiB', 'sockets', 'received', 'returned'], ...rows]);
} finally {
  a.provider.stop();
  b.provider.stop();
  await dns.close();
}
process.exit(0);
