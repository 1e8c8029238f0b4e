/**
 * What a domain pair costs between two providers of ours, each in its own process, over TLS and real DNS: processor
 * time and memory per pair on each side, and sockets between the two. Two series, each with its own two providers: in
 * one, a wildcard certificate covers all sender domains; in the other, the certificate names only the first of them,
 * and dialback to their authoritative server proves the others. Then all pairs of a square of domains, without bidi and
 * with it.
 *
 * Run: npm run build && node --import tsx benchmarks/pairs.ts
 */
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import type { Credential } from '../src/ports.ts';
import { startDnsServer, type DnsServer } from '../test/support/dns-server.ts';
import { heading, table, whole } from './support/figures.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import { startWorker, type Worker } from './support/workers.ts';

const SENDER_DOMAINS = 1_000;
const WARM_UP = 2_400;
const AT_ONCE = 50;
const SQUARE = 20;
const SETTLED_MS = 3_000;

/** Two measurements of one provider. */
type Span = readonly [ProviderAnswer, ProviderAnswer];
type Provider = Worker<ProviderCommand, ProviderAnswer>;
const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const domains = (side: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `d${i}.${side}.example`);

/** The certificate contains the names `named`; all domains are served with it. */
async function startProvider(
  dns: DnsServer,
  all: readonly string[],
  named: readonly string[],
  bidi: boolean,
): Promise<Provider> {
  const credential: Credential = authority.issue({ dnsNames: named, eku: ['serverAuth', 'clientAuth'] });
  const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', ['--expose-gc']);
  const hosts = Object.fromEntries(all.map((domain) => [domain, credential]));
  const { port } = await provider.ask({ do: 'start', hosts, caPem: authority.certPem, dns: dns.address, bidi });
  const target = `host.${all[0] ?? ''}`;
  for (const domain of all) dns.serve(domain, { port, target });
  return provider;
}

const nothing = { do: 'measure' } as const;

/** Pairs that are added between providers that already federate. */
async function added(dns: DnsServer, proof: 'certificate' | 'dialback', bidi: boolean): Promise<string[]> {
  const senders = domains(`a-${proof}-${bidi}`, SENDER_DOMAINS + WARM_UP);
  const [target = ''] = domains(`b-${proof}-${bidi}`, 1);
  const a = await startProvider(
    dns,
    senders,
    proof === 'certificate' ? [`*.a-${proof}-${bidi}.example`] : senders.slice(0, 1),
    bidi,
  );
  const b = await startProvider(dns, [target], [target], bidi);
  try {
    const pairs = senders.map((sender) => [sender, target] as const);
    await a.ask({ do: 'send', pairs: pairs.slice(0, WARM_UP), atOnce: AT_ONCE });
    const before = [await a.ask(nothing), await b.ask(nothing)] as const;
    await a.ask({ do: 'send', pairs: pairs.slice(WARM_UP), atOnce: AT_ONCE });
    const after = [await a.ask(nothing), await b.ask(nothing)] as const;
    if (after[0].sent !== senders.length) throw new Error(`${after[0].returned} messages came back`);
    const spans: readonly Span[] = [
      [before[0], after[0]],
      [before[1], after[1]],
    ];
    const each = (use: (span: Span) => number): string =>
      spans.map((span) => (use(span) / SENDER_DOMAINS).toFixed(2)).join(' / ');
    return [
      `${proof}${bidi ? ', bidi' : ''}`,
      each(([start, end]) => (end.cpuSeconds - start.collectedAtCpuSeconds) * 1_000),
      each(([start, end]) => (end.rssBytes - start.rssBytes) / 1_024),
      each(([start, end]) => (end.heapBytes - start.heapBytes) / 1_024),
      `${after[0].sockets} / ${after[1].sockets}`,
      `${after[0].actors} / ${after[1].actors}`,
    ];
  } finally {
    a.stop();
    b.stop();
  }
}

/** All pairs of a square, in both directions, at once. */
async function square(dns: DnsServer, bidi: boolean): Promise<string[]> {
  const [left, right] = [domains(`left-${bidi}`, SQUARE), domains(`right-${bidi}`, SQUARE)];
  const a = await startProvider(dns, left, left, bidi);
  const b = await startProvider(dns, right, right, bidi);
  try {
    const there = left.flatMap((from) => right.map((to) => [from, to] as const));
    const back = there.map(([from, to]) => [to, from] as const);
    await Promise.all([
      a.ask({ do: 'send', pairs: there, atOnce: SQUARE * SQUARE }),
      b.ask({ do: 'send', pairs: back, atOnce: SQUARE * SQUARE }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const [atA, atB] = [await a.ask(nothing), await b.ask(nothing)];
    const fates = `${atA.sent + atB.sent} sent, ${atA.returned + atB.returned} returned`;
    const received = `${atA.received + atB.received} received`;
    return [`${SQUARE} x ${SQUARE}${bidi ? ', bidi' : ''}`, `${atA.sockets} / ${atB.sockets}`, fates, received];
  } finally {
    a.stop();
    b.stop();
  }
}

heading('domain pairs between two providers of ours (first / second: A, whose domains send / B)');
const dns = await startDnsServer();
try {
  console.log(
    `${whole(SENDER_DOMAINS)} further sender domains of A towards one domain of B, ${AT_ONCE} at a time; per pair:`,
  );
  const rows: string[][] = [];
  for (const proof of ['certificate', 'dialback'] as const) rows.push(await added(dns, proof, false));
  table([['', 'CPU ms', 'RSS KiB', 'heap KiB', 'sockets', 'actors'], ...rows]);
  console.log(
    'For comparison, measured on a machine a third as fast: Prosody and ejabberd 7 to 9 ms, 57 to 75 KiB, a socket a pair.\n',
  );
  console.log(
    `${SQUARE} domains on each side, all ${SQUARE * SQUARE} pairs talking both ways at once, ${SETTLED_MS / 1_000} s later:`,
  );
  const squares: string[][] = [];
  for (const bidi of [false, true]) squares.push(await square(dns, bidi));
  table([['', 'sockets', 'stanzas', 'received'], ...squares]);
} finally {
  await dns.close();
}
process.exit(0);
