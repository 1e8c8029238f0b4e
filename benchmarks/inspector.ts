/**
 * What an open page of the inspector costs a manager with 10,000 waiting pairs, each for a different remote domain:
 * user time per stanza with and without the page, alternating; and how quickly each request of the page is answered
 * meanwhile.
 *
 * Run: npm run build && node --import tsx benchmarks/inspector.ts
 */
import type * as Library from '../src/index.ts';
import type { Inspector as InspectorOf } from '../src/inspector/server.ts';
import { createCertificateAuthority } from '../src/simulation/certificate-authority.ts';
import { cpuSeconds, heading, quantile, quartiles, table, whole } from './support/figures.ts';
import type { PageAnswer, PageCommand } from './support/page.ts';
import type { SenderAnswer, SenderCommand } from './support/sender.ts';
import { startWorker } from './support/workers.ts';

const PAIRS = 10_000;
const ROUNDS = Number(process.env['ROUNDS'] ?? 8);
/**
 * Some tenths of a second. A turn consists of many of these, so that it measures a page that stays open, not its
 * opening.
 */
const MESSAGES = 60_000;
const TURN_MS = 15_000;
/** How long the idle manager is measured. */
const IDLE_MS = 5_000;
/** How often each request is made while stanzas pass, after the first time. */
const LATER = 8;
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
/** Long timers never fire, so that the pairs keep waiting during the measurement. */
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

/** Resolves when the name of every pair is being looked up. */
function wait(): Promise<void> {
  let left = PAIRS;
  const waiting = new Promise<void>((resolve) => {
    const watching = manager.records$.subscribe((record) => {
      if (record.kind !== 'born' || record.machine !== 'resolution' || --left > 0) return;
      watching.unsubscribe();
      resolve();
    });
  });
  for (let i = 0; i < PAIRS; i += 1)
    void manager.send(xml('message', { from: `romeo@${HOST}`, to: `juliet@d${i}.example` }));
  return waiting;
}
/** Seconds of processor time per second while no stanza passes. */
async function idle(): Promise<number> {
  const [fromMs, before] = [performance.now(), cpuSeconds(process.pid)];
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS)); // a fixed span: its processor time is what is measured
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
  /** User time per stanza, in microseconds. */
  const cost = async (): Promise<number> => {
    arrived = 0;
    const all = new Promise<void>((resolve) => (counted = resolve));
    const before = process.cpuUsage();
    await Promise.all([sender.ask({ do: 'send', count: MESSAGES, stanza }), all]);
    return process.cpuUsage(before).user / MESSAGES;
  };
  await wait();
  await cost(); // warm-up
  const pair = `${HOST}>d5000.example`;
  const paths = [
    'overview',
    ...['pair', 'peer', 'stream', 'proved'].map((kind) => `rows?kind=${kind}&limit=100`),
    'rows?kind=pair&filter=d99',
    `actor?id=pair:${pair}`,
    `ladder?id=pair:${pair}`,
    'history?domain=d5000.example',
    `explain?pair=${pair}`,
  ];
  const answers: string[][] = [['answers while stanzas pass', 'first', 'median', 'nine of ten', 'slowest']];
  for (const path of paths) {
    const asking = { isOver: false };
    const asked = page.ask({ do: 'ask', url: `${inspector.url}api/${path}`, times: LATER + 1 });
    void asked.finally(() => (asking.isOver = true));
    while (!asking.isOver) await cost();
    const [first = NaN, ...later] = (await asked).tookMs;
    const at = (part: number): string => `${whole(quantile(later, part))} ms`;
    answers.push([path, `${whole(first)} ms`, at(0.5), at(0.9), at(1)]);
  }
  table(answers);

  const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
  const [alone, watched, ratios]: [number[], number[], number[]] = [[], [], []];
  const tookMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const turn = async (): Promise<number> => {
      const costs: number[] = [];
      const untilMs = performance.now() + TURN_MS;
      while (performance.now() < untilMs) costs.push(await cost());
      return sum(costs) / costs.length;
    };
    const closed = async (): Promise<void> => void alone.push(await turn());
    const open = async (): Promise<void> => {
      await page.ask({ do: 'open', url: inspector.url });
      watched.push(await turn());
      tookMs.push(...(await page.ask({ do: 'close' })).tookMs);
    };
    // The second one finds the machine in another condition, so each of the two goes second half of the time.
    for (const one of round % 2 === 0 ? [closed, open] : [open, closed]) await one();
    ratios.push((watched.at(-1) ?? NaN) / (alone.at(-1) ?? NaN));
  }
  console.log(
    `pairs that still wait: ${whole(manager.snapshot().actors.pairs)}; ${ROUNDS} rounds of two turns of ${TURN_MS / 1_000} s`,
  );
  table([
    ['user time of a stanza, µs', 'median', 'quartiles', 'mean'],
    ...[['without a page', alone] as const, ['with a page', watched] as const].map(([name, values]) => {
      const [low, middle, high] = quartiles(values);
      const mean = sum(values) / values.length;
      return [name, middle.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`, mean.toFixed(2)];
    }),
  ]);
  const percent = (value: number): string => `${(100 * (value - 1)).toFixed(1)} %`;
  const [low, middle, high] = quartiles(ratios);
  console.log(`more with a page, by rounds: median ${percent(middle)}, quartiles ${percent(low)} to ${percent(high)}`);
  console.log(`more with a page, of all turns together: ${percent(sum(watched) / sum(alone))}`);
  const at = (part: number): string => `${whole(quantile(tookMs, part))} ms`;
  console.log(`${tookMs.length} answers to the open page: median ${at(0.5)}, nine of ten ${at(0.9)}, slowest ${at(1)}`);
  const quiet = await idle();
  await page.ask({ do: 'open', url: inspector.url });
  const looked = await idle();
  await page.ask({ do: 'close' });
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
  console.log(`processor time while no stanza passes: ${share(quiet)}, with a page ${share(looked)}`);
} finally {
  sender.stop();
  page.stop();
}
process.exit(0);
