/**
 * The memory of a settled pair: two providers of ours with the same number of domains, and all pairs of these settled
 * in turn. The cost of one more pair is the difference between two numbers of pairs, so it includes neither the names
 * nor the stream.
 */
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import type { DnsServer } from '../../test/support/dns-server.ts';
import { whole } from './figures.ts';
import type { ProviderAnswer, ProviderCommand } from './provider.ts';
import { startWorker, type Worker } from './workers.ts';

/** On each side. */
const DOMAINS = 100;
/** The first pairs also load names, code and caches, and are not counted. */
const WARM_UP = 3_000;
const STEP = 3_500;
const AT_ONCE = 50;

type Measured = readonly [ProviderAnswer, ProviderAnswer];

/** Every sender with one target, then with the next: the first few pairs contain all names. */
const diagonals = (senders: readonly string[], targets: readonly string[]): (readonly [string, string])[] =>
  targets.flatMap((_, by) => senders.map((from, at) => [from, targets[(at + by) % targets.length] ?? ''] as const));

/** A row of figures for each step. `records`: size of the in-memory trace, which has its own bound; 0 turns it off. */
export async function pairMemory(
  dns: DnsServer,
  proof: 'certificate' | 'dialback',
  records: number,
): Promise<string[][]> {
  const authority = createCertificateAuthority({ name: 'Benchmark CA' });
  const namesOf = (side: string): string[] =>
    Array.from({ length: DOMAINS }, (_, i) => `d${i}.${side}-${proof}.example`);
  const [senders, targets] = [namesOf('a'), namesOf('b')];
  const start = async (
    all: readonly string[],
    dnsNames: readonly string[],
  ): Promise<Worker<ProviderCommand, ProviderAnswer>> => {
    const provider = startWorker<ProviderCommand, ProviderAnswer>('provider', ['--expose-gc']);
    const credential = authority.issue({ dnsNames, eku: ['serverAuth', 'clientAuth'] });
    const hosts = Object.fromEntries(all.map((domain) => [domain, credential]));
    const common = { caPem: authority.certPem, dns: dns.address, bidi: false, records };
    const { port } = await provider.ask({ do: 'start', hosts, ...common });
    for (const domain of all) dns.serve(domain, { port, target: `host.${all[0] ?? ''}` });
    return provider;
  };
  const a = await start(senders, proof === 'certificate' ? [`*.a-${proof}.example`] : senders.slice(0, 1));
  const b = await start(targets, [`*.b-${proof}.example`]);
  const pairs = diagonals(senders, targets);
  const settle = async (from: number, to: number): Promise<Measured> => {
    const { returned } = await a.ask({ do: 'send', pairs: pairs.slice(from, to), atOnce: AT_ONCE });
    if (returned > 0) throw new Error(`${returned} messages came back`);
    return [await a.ask({ do: 'measure' }), await b.ask({ do: 'measure' })];
  };
  try {
    const rows: string[][] = [];
    let before = await settle(0, WARM_UP);
    for (const from of [WARM_UP, WARM_UP + STEP]) {
      const after = await settle(from, from + STEP);
      const each = (use: (of: ProviderAnswer) => number): string =>
        ([0, 1] as const).map((at) => whole((use(after[at]) - use(before[at])) / STEP)).join(' / ');
      rows.push([
        `${proof}, ${whole(from)} to ${whole(from + STEP)}`,
        each(({ heapBytes }) => heapBytes),
        each(({ rssBytes }) => rssBytes),
        `${after[0].sockets} / ${after[1].sockets}`,
      ]);
      before = after;
    }
    return rows;
  } finally {
    a.stop();
    b.stop();
  }
}
