/** Everything that the README shows exists in the repository, and runs. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codeBlocks, linkedFiles, readme } from './readme.ts';

const root = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');

test('the embed is examples/embed.mjs, and has 20 lines of code', () => {
  const [embed = ''] = codeBlocks('js');
  assert.equal(embed, text('examples/embed.mjs'));
  const code = embed.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
  assert.ok(code.length <= 20, `${code.length} lines`);
});

test('the configuration is that of the component example', () => {
  assert.equal(codeBlocks('yaml')[0], text('examples/component/xmpp-dna.yaml'));
});

test('every npm script that it names exists', () => {
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Readonly<Record<string, string>> };
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  assert.ok(named.includes('demo') && named.includes('verify'));
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});

test('every file that it links exists', () => {
  assert.ok(linkedFiles().length > 20);
  assert.deepEqual(
    linkedFiles().filter((path) => !existsSync(new URL(path, root))),
    [],
  );
});

test('the packages that it says are installed are those that test/verify.sh installs', () => {
  const installed = /^packages=\((.*)\)$/m.exec(text('test/verify.sh'))?.[1]?.split(' ') ?? [];
  assert.ok(installed.length > 3);
  assert.deepEqual(
    installed.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
});
