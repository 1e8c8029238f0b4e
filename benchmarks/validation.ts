/**
 * What validated names cost this process: 10,000 queries of each kind to libunbound, for names in its cache, 100 at a
 * time; the memory that remains afterwards, and the longest time that the event loop was blocked. The zones are those
 * of the tests, signed and served here. Limits: memory does not grow, and the event loop is never blocked for more than
 * 20 ms. Where other processes use the processors too, part of a block is due to them, so the limit applies to the
 * processor time of the main thread within one event loop turn.
 *
 * Run: node --expose-gc --import tsx benchmarks/validation.ts
 */
import { setMaxListeners } from 'node:events';
import { openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { createValidatingResolver } from '../src/adapters/dns/validating-resolver.ts';
import { startDnssecWorld, worldMissing } from '../test/support/dnssec-world.ts';
import { heading, table, whole } from './support/figures.ts';

const QUESTIONS = 10_000;
const PARALLEL = 100;
const ROUNDS = 3;
const BAR_MS = 20;
/**
 * What the measurement itself and compiled code leave in the heap per round; leaked answers would be a hundred times
 * that.
 */
const BAR_HEAP_BYTES = 256 * 1_024;
const KIB = 1_024;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run it with --expose-gc');
if (worldMissing !== null) throw new Error(worldMissing);

interface Memory {
  readonly heap: number;
  readonly external: number;
  readonly rss: number;
}

async function settledMemory(): Promise<Memory> {
  // Objects whose finalizers free C memory are released one collection later.
  for (let i = 0; i < 4; i += 1) {
    await collect?.({ type: 'major', execution: 'async' });
    await turn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, rss };
}

heading('validated names through libunbound');
const world = await startDnssecWorld();

interface Stops {
  /** As perf_hooks reports it, whatever the cause. */
  readonly stopMs: number;
  /** Processor time of the main thread in the event loop turn that took the most. */
  readonly turnMs: number;
}

const delays = monitorEventLoopDelay({ resolution: 1 });
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const line = Buffer.alloc(128);

/** Processor time of the main thread so far, in ms (sched-stats of the kernel's documentation). */
function processorMs(): number {
  const length = readSync(schedule, line, 0, line.length, 0);
  return Number(line.toString('latin1', 0, length).split(' ')[0]) / 1e6;
}

async function longestStops(work: () => Promise<unknown>): Promise<Stops> {
  let [isOver, turnMs] = [false, 0];
  const watch = async (): Promise<void> => {
    for (let at = processorMs(); !isOver;) {
      await turn();
      const now = processorMs();
      turnMs = Math.max(turnMs, now - at);
      at = now;
    }
  };
  delays.reset();
  delays.enable();
  const watching = watch();
  await work();
  isOver = true;
  await watching;
  delays.disable();
  return { stopMs: delays.max / 1e6, turnMs };
}

const create = (): ReturnType<typeof createValidatingResolver> =>
  createValidatingResolver({ stubs: world.stubs, trustAnchors: [world.anchor], rootAnchorFiles: [] });
const never = new AbortController().signal;
setMaxListeners(0, never);
let resolver = create();
let cancelled = false;

const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
  'SRV, secure': () => resolver.srv('_xmpp-server._tcp.good.example', never),
  'addresses, secure (two questions)': () => resolver.addresses('xmpp.good.example', never),
  'addresses, by an alias (two questions)': () => resolver.addresses('long.good.example', never),
  'TLSA, secure': () => resolver.tlsa('_5269._tcp.xmpp.good.example', never),
  'TLSA, a set of 40': () => resolver.tlsa('_5269._tcp.many.good.example', never),
  'TLSA, none, proved': () => resolver.tlsa('_1._tcp.xmpp.good.example', never),
  'TLSA, bogus': () => resolver.tlsa('_5269._tcp.xmpp.late.example', never),
  'SRV, each second one cancelled': () => {
    const controller = new AbortController();
    const answer = resolver.srv('_xmpp-server._tcp.good.example', controller.signal);
    cancelled = !cancelled;
    if (cancelled) setTimeout(() => controller.abort(), Math.random() * 4);
    return answer;
  },
};

async function ask(kind: () => Promise<unknown>): Promise<void> {
  let left = QUESTIONS;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await kind();
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
}

const rows: string[][] = [
  ['10,000 questions', 'ms', 'heap KiB', 'external KiB', 'RSS KiB', 'longest stop ms', 'processor ms'],
];
const shown = ({ stopMs, turnMs }: Stops): string[] => [stopMs.toFixed(1), turnMs.toFixed(1)];
const broken: string[] = [];
try {
  for (const [name, kind] of Object.entries(kinds)) {
    await ask(kind); // code is compiled during use, and libunbound has cached the answers from here on
    let before = await settledMemory();
    const grown: number[] = [];
    const longest: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedAt = performance.now();
      const stops = await longestStops(() => ask(kind));
      longest.push(stops.turnMs);
      const ms = performance.now() - startedAt;
      const after = await settledMemory();
      const growth = (what: keyof Memory): string => whole((after[what] - before[what]) / KIB);
      rows.push([name, whole(ms), growth('heap'), growth('external'), growth('rss'), ...shown(stops)]);
      grown.push(after.heap - before.heap);
      before = after;
    }
    // A leak shows in every round, and so does a block caused by us, while one caused by the machine may occur once.
    if (Math.min(...grown) > BAR_HEAP_BYTES) broken.push(`${name}: memory grows`);
    if (Math.min(...longest) > BAR_MS) broken.push(`${name}: the event loop is blocked`);
  }
  rows.push(['nothing, for a second', '', '', '', '', ...shown(await longestStops(() => pause(1_000)))]);
  const closing = await longestStops(async () => {
    resolver.close();
    await pause(1_500); // a poll that waits in Node's thread pool returns within a second
  });
  const opening = await longestStops(async () => {
    resolver = create();
    await resolver.srv('_xmpp-server._tcp.hashed.example', never);
  });
  rows.push(['closing', '', '', '', '', ...shown(closing)]);
  rows.push(['opening, and the first question', '', '', '', '', ...shown(opening)]);
} finally {
  resolver.close();
  await world.stop();
}
table(rows);
console.log(broken.length === 0 ? `held: no growth, no stop longer than ${BAR_MS} ms` : broken.join('\n'));
process.exitCode = broken.length === 0 ? 0 : 1;
