/**
 * Compiles recogniser.ts to WebAssembly and writes it, as base64, to the file that the framer imports. With `--check`
 * it only compares: exits with 1 if the checked-in file is not what the source compiles to, with 2 if the compiler is
 * not installed.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const SOURCE = new URL('recogniser.ts', import.meta.url);
const TARGET = new URL('../src/adapters/framer/recogniser-module.ts', import.meta.url);

const compiler = await import('assemblyscript/asc').catch(() => null);
if (compiler === null) {
  console.error('assemblyscript is not installed');
  process.exit(2);
}
const { error, binary, stderr } = await compiler.compileString(readFileSync(SOURCE, 'utf8'), {
  optimizeLevel: 3,
  converge: true,
  noAssert: true,
  runtime: 'stub',
  enable: ['simd'],
  use: ['abort='],
  initialMemory: 2,
  maximumMemory: 2,
});
if (error !== null || binary === null) {
  console.error(stderr.toString());
  process.exit(1);
}
const lines = [];
const base64 = Buffer.from(binary).toString('base64');
for (let at = 0; at < base64.length; at += 100) lines.push(`  '${base64.slice(at, at + 100)}'`);
const text = `/** Compiled from assembly/recogniser.ts by \`node assembly/build.js\`; not to be edited. */
export const RECOGNISER_MODULE =
${lines.join(' +\n')};
`;
if (!process.argv.includes('--check')) writeFileSync(TARGET, text);
else if (readFileSync(TARGET, 'utf8') !== text) {
  console.error('recogniser-module.ts is not what recogniser.ts compiles to: run node assembly/build.js');
  process.exit(1);
}
