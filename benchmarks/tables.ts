/**
 * The size and cost of the two tables of the data plane, for one pair, a million and a hundred million: resident bytes,
 * look-ups per second in random order, and the longest pause while they are filled, compared with maps keyed by both
 * domains.
 *
 * Run: node --expose-gc --import tsx benchmarks/tables.ts [DOMAINS, 10000]
 */
import { DomainNumbers } from '../src/routing/tables/domain-numbers.ts';
import { FactTable } from '../src/routing/tables/fact-table.ts';
import { RouteTable } from '../src/routing/tables/route-table.ts';
import { heading, table, whole } from './support/figures.ts';

const MOST = Number(process.argv[2] ?? 10_000);
const LOOKUPS = 2_000_000;
const BATCH = 100;

interface Tables {
  readonly add: (local: string, remote: string) => void;
  readonly holds: (local: string, remote: string) => boolean;
  readonly find: (local: string, remote: string) => boolean;
}

function packed(): Tables {
  const numbers = { locals: new DomainNumbers(), remotes: new DomainNumbers() };
  const [facts, routes] = [new FactTable(numbers), new RouteTable(numbers)];
  return {
    add: (local, remote) => {
      facts.admit(1, remote, local);
      routes.set(local, remote, 1);
    },
    holds: (local, remote) => facts.verdict(1, remote, local) === 'held',
    find: (local, remote) => routes.find(local, remote) === 1,
  };
}

function maps(): Tables {
  const [facts, routes] = [new Set<string>(), new Map<string, number>()];
  return {
    add: (local, remote) => {
      facts.add(`1 ${remote} ${local}`);
      routes.set(`${local} ${remote}`, 1);
    },
    holds: (local, remote) => facts.has(`1 ${remote} ${local}`),
    find: (local, remote) => routes.get(`${local} ${remote}`) === 1,
  };
}

const names = (count: number, end: string): string[] => Array.from({ length: count }, (_, i) => `d${i}.${end}.example`);

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** The pairs of `side` times `side` domains, in an order other than that of the numbers. */
function measured(kind: string, make: () => Tables, side: number): string[] {
  const [locals, remotes] = [names(side, 'a'), names(side, 'b')];
  const at = (all: readonly string[], i: number): string => all[i % side] ?? '';
  const before = resident();
  const tables = make();
  let longestMs = 0;
  let since = process.cpuUsage().user; // processor time: other processes on this machine are no pause of ours
  const start = process.cpuUsage();
  for (let i = 0; i < side; i += 1) {
    for (let j = 0; j < side; j += 1) {
      tables.add(at(locals, i + j), at(remotes, i + 2 * j)); // each pair once
      if (j % BATCH !== BATCH - 1) continue;
      const now = process.cpuUsage().user;
      longestMs = Math.max(longestMs, (now - since) / 1_000);
      since = now;
    }
  }
  const filling = process.cpuUsage(start);
  const bytes = (resident() - before) / side ** 2;
  const rate = (find: Tables['find']): string => {
    let found = 0;
    let random = 1;
    const looking = process.cpuUsage();
    for (let i = 0; i < LOOKUPS; i += 1) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      if (find(at(locals, random >>> 16), at(remotes, (random >>> 3) ^ i))) found += 1;
    }
    const { user } = process.cpuUsage(looking);
    if (found !== LOOKUPS) throw new Error(`only ${found} were found`);
    return (LOOKUPS / user).toFixed(1);
  };
  const perPair = (filling.user + filling.system) / side ** 2;
  return [
    `${whole(side ** 2)} pairs, ${kind}`,
    side > 1 ? bytes.toFixed(1) : '',
    side > 1 ? (perPair * 1_000).toFixed(0) : '',
    longestMs.toFixed(1),
    rate(tables.holds),
    rate(tables.find),
  ];
}

heading('tables of facts and routes');
const rows = [
  [
    '',
    'bytes a pair, both tables',
    'ns to add',
    'longest pause, ms (100 pairs)',
    'facts found a µs',
    'routes found a µs',
  ],
];
for (const side of [1, 1_000, MOST]) rows.push(measured('packed', packed, side));
for (const side of [1, 1_000]) rows.push(measured('maps', maps, side)); // last, because they leave the heap larger
table(rows);
