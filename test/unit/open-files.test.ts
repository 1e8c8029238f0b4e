import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { tooFewFiles } from '../../src/cli/open-files.ts';

test('a daemon that may open fewer files than two addresses may take is told so, with how to raise it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-limits-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const told = (most: string): string | null => {
    const file = join(folder, 'limits');
    const line = `Max open files            ${most}                 ${most}                 files     \n`;
    writeFileSync(file, `Limit                     Soft Limit           Hard Limit           Units     \n${line}`);
    return tooFewFiles(file);
  };
  assert.match(told('1024') ?? '', /may open 1024 files .*LimitNOFILE/);
  assert.equal(told(String(2 * limits.streamsPerAddress)), null);
  assert.equal(told('unlimited'), null);
  assert.equal(tooFewFiles(join(folder, 'missing')), null);
});
