/**
 * The memory of an idle authenticated stream: resident memory of the whole server process, for ours and Debian's
 * servers; and our heap after a collection, in a process that runs the same manager. Then the memory of a settled pair
 * between two of our providers.
 *
 * Run: npm run build && [ONLY=pairs] node --import tsx benchmarks/memory.ts
 */
import { startDnsServer } from '../test/support/dns-server.ts';
import { heading, median, table, whole } from './support/figures.ts';
import { pairMemory } from './support/pair-memory.ts';
import type { ProviderAnswer, ProviderCommand } from './support/provider.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { authority, HOST, PEER, peerCredential, startAll } from './support/servers.ts';
import { startWorker, type Worker } from './support/workers.ts';

/**
 * Not counted: the first streams, which also load code and fill caches, and the closed ones before them, which fill the
 * trace.
 */
const WARM_UP = 150;
const PASSED = 400;
const STREAMS = 800;
const PARALLEL = 8;
const RUNS = 5;
const KIB = 1_024;

const { cert, key } = peerCredential;
const load = { from: PEER, to: HOST, cert, key, parallel: PARALLEL } as const;

async function warmUp(sender: Worker<SenderCommand, SenderAnswer>, port: number): Promise<void> {
  await sender.ask({ do: 'streams', ...load, port, count: PASSED, resume: false });
  await sender.ask({ do: 'hold', ...load, port, count: WARM_UP });
}

/** Collections and compiled code add some hundred kilobytes of noise per process to these figures. */
async function pairs(): Promise<void> {
  heading('memory of settled pairs (first / second: the provider whose domains send / the other)');
  const rows: string[][] = [];
  for (const proof of ['certificate', 'dialback'] as const) rows.push(...(await pairMemory(dns, proof, 0)));
  console.log('Bytes per further pair, without the trace that is kept in memory:');
  table([['', 'heap', 'RSS', 'sockets'], ...rows]);
}

/** New processes each time: how much freed memory a server has retained differs from run to run. */
async function serversOnce(figures: Map<string, number[]>): Promise<void> {
  const servers = await startAll();
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  try {
    for (const server of servers) {
      const port = server.ports.s2s;
      await warmUp(sender, port);
      const before = server.rssBytes();
      await sender.ask({ do: 'hold', ...load, port, count: STREAMS });
      const known = figures.get(server.name) ?? [];
      figures.set(server.name, [...known, (server.rssBytes() - before) / KIB / STREAMS]);
    }
  } finally {
    sender.stop();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function heapOnce(): Promise<number> {
  const manager = startWorker<ProviderCommand, ProviderAnswer>('provider', ['--expose-gc']);
  const sender = startWorker<SenderCommand, SenderAnswer>('sender');
  const hosts = { [HOST]: authority.issue({ dnsNames: [HOST] }) };
  const { port } = await manager.ask({ do: 'start', hosts, caPem: authority.certPem, dns: dns.address, bidi: true });
  await warmUp(sender, port);
  const before = await manager.ask({ do: 'measure' });
  await sender.ask({ do: 'hold', ...load, port, count: STREAMS });
  const after = await manager.ask({ do: 'measure' });
  for (const worker of [manager, sender]) worker.stop();
  return (after.heapBytes - before.heapBytes) / KIB / STREAMS;
}

async function streams(): Promise<void> {
  heading('memory of idle authenticated streams');
  const figures = new Map<string, number[]>();
  for (let run = 0; run < RUNS; run += 1) await serversOnce(figures);
  const shown = (values: readonly number[]): string => values.map((value) => value.toFixed(1)).join(' ');
  const rows = [...figures].map(([name, values]) => [name, median(values).toFixed(1), shown(values)]);
  console.log(`${whole(STREAMS)} streams on top of ${whole(WARM_UP)}; resident KiB per stream:`);
  table([['', 'median', 'runs'], ...rows]);
  console.log(`Of ours, on the heap of JavaScript: ${(await heapOnce()).toFixed(1)} KiB per stream.\n`);
}

const dns = await startDnsServer();
if (process.env['ONLY'] !== 'pairs') await streams();
await pairs();
await dns.close();
process.exit(0);
