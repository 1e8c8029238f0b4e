/**
 * What an open page of the inspector costs a manager that has 10,000 pairs waiting, each for a remote domain of its own: stanzas
 * per second of processor time with the page and without, in turns; and how soon the page is answered.
 *
 * Run: npm run build && node --import tsx benchmarks/inspector.ts
 */
import type * as Library from '../src/index.ts';
import type { Inspector as InspectorOf } from '../src/inspector/server.ts';
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import { cpuSeconds, heading, median, ratio, rounds, table, whole } from './support/figures.ts';
import type { PageAnswer, PageCommand } from './support/page.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { startWorker } from './support/workers.ts';

const PAIRS = 10_000;
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const MESSAGES = 150_000;
const IDLE_MS = 5_000;
const SETTLED_MS = 2_000;
const DEADLINES_MS = 5_000;
const [HOST, PEER] = ['host.example', 'peer.example'];

const built = (file: string): Promise<unknown> => import(new URL(`../dist/src/${file}`, import.meta.url).href);
const { ConnectionManager, createNodePorts, xml } = (await built('index.js')) as typeof Library;
const { Inspector } = (await built('inspector/server.js')) as { Inspector: typeof InspectorOf };

const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const issue = (name: string) => authority.issue({ dnsNames: [name], eku: ['serverAuth', 'clientAuth'] });
const hosts = { [HOST]: issue(HOST) };
const ports = createNodePorts({ hosts, trust: { system: false, anchors: [authority.certPem] } });
const never = (): Promise<never> => new Promise(() => undefined);
const resolver = { validates: false, srv: never, tlsa: never, addresses: never };
const listen = [{ address: '127.0.0.1', port: 0, tls: 'detect' as const }];
/** No deadline of theirs passes, so that they wait on while it is measured. */
const clock: typeof ports.clock = {
  now: () => ports.clock.now(),
  setTimeout: (run, ms) => (ms >= DEADLINES_MS ? null : ports.clock.setTimeout(run, ms)),
  clearTimeout: (timer) => {
    if (timer !== null) ports.clock.clearTimeout(timer);
  },
};
const manager = new ConnectionManager({ hosts, listen }, { ...ports, clock, resolver });
let arrived = 0;
let counted = (): void => undefined;
manager.stanzas$.subscribe(({ type }) => {
  if (type === 'error') return;
  arrived += 1;
  if (arrived === MESSAGES) counted();
});
await manager.start();
const inspector = await Inspector.start(
  { address: '127.0.0.1', port: 0, token: null },
  {
    view: () => manager.view(),
    traceLines: () => [],
    live: {
      records$: manager.records$,
      partiesOf: (stream) => manager.partiesOf(stream),
      commands: manager,
      tell: () => undefined,
    },
  },
);

const wait = async (): Promise<void> => {
  for (let i = 0; i < PAIRS; i += 1)
    void manager.send(xml('message', { from: `romeo@${HOST}`, to: `juliet@d${i}.example` }));
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
};
/** Seconds of processor time per second, while no stanza passes. */
async function idle(): Promise<number> {
  const [fromMs, before] = [performance.now(), cpuSeconds(process.pid)];
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return (1_000 * (cpuSeconds(process.pid) - before)) / (performance.now() - fromMs);
}

heading(`an open page of the inspector, ${whole(PAIRS)} pairs waiting`);
const sender = startWorker<SenderCommand, SenderAnswer>('sender');
const page = startWorker<PageCommand, PageAnswer>('page');
try {
  const { cert, key } = issue(PEER);
  const port = manager.listening[0]?.port ?? 0;
  await sender.ask({ do: 'open', port, from: PEER, to: HOST, cert, key });
  const stanza = `<message from='romeo@${PEER}/a' to='juliet@${HOST}/b' type='chat' id='m1'><body>${'x'.repeat(220)}</body></message>`;
  const rate = async (): Promise<number> => {
    arrived = 0;
    const all = new Promise<void>((resolve) => (counted = resolve));
    const before = cpuSeconds(process.pid);
    await Promise.all([sender.ask({ do: 'send', count: MESSAGES, stanza }), all]);
    return MESSAGES / (cpuSeconds(process.pid) - before);
  };
  await wait();
  await rate(); // warms up
  await page.ask({ do: 'open', url: inspector.url });
  await rate();
  await page.ask({ do: 'close' });
  const alone: number[] = [];
  const watched: number[] = [];
  const tookMs: number[] = [];
  const least: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await rate());
    await page.ask({ do: 'open', url: inspector.url });
    watched.push(await rate());
    least.push(manager.snapshot().actors.pairs);
    tookMs.push(...(await page.ask({ do: 'close' })).tookMs);
  }
  console.log(`pairs that waited still at the end of each round: ${rounds(least)}`);
  table([
    ['', 'stanzas/CPU s', 'of that without', 'rounds'],
    ['without a page', whole(median(alone)), '', rounds(alone)],
    ['with a page', whole(median(watched)), ratio(median(watched) / median(alone)), rounds(watched)],
  ]);
  const quiet = await idle();
  await page.ask({ do: 'open', url: inspector.url });
  const looked = await idle();
  await page.ask({ do: 'close' });
  console.log(
    `processor time while no stanza passes: ${(100 * quiet).toFixed(1)} %, with a page ${(100 * looked).toFixed(1)} %`,
  );
  const sorted = tookMs.sort((one, other) => one - other);
  const at = (part: number): string => `${whole(sorted[Math.floor((sorted.length - 1) * part)] ?? NaN)} ms`;
  console.log(
    `${sorted.length} answers while stanzas pass: median ${at(0.5)}, nine of ten ${at(0.9)}, slowest ${at(1)}`,
  );
} finally {
  sender.stop();
  page.stop();
}
process.exit(0);
