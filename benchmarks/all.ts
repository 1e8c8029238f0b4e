/**
 * All benchmarks, one after the other, each in its own process, on the built package: the figures that README shows.
 * Takes half an hour on two otherwise idle cores. Exits with 1 if one of them could not be finished.
 *
 * Run: npm run bench [NAME …]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ALL = [
  'messages',
  'streams',
  'latency',
  'pairs',
  'million',
  'scale',
  'memory',
  'framer',
  'router',
  'tables',
  'validation',
  'trace',
  'inspector',
];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${ALL.join(', ')}`);
  process.exit(2);
}
const unfinished: string[] = [];
for (const name of chosen.length > 0 ? chosen : ALL) {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) unfinished.push(name);
}
if (unfinished.length > 0) {
  console.error(`not finished: ${unfinished.join(', ')}`);
  process.exit(1);
}
