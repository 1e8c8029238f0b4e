/** The examples, each as a user runs it: by node, alone, importing the package by its name. The tiny server is in test/interop. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const example = async (name: string): Promise<string> => {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 60_000 });
  return stdout;
};

test('embed.mjs: a message goes from one manager to the other', async () => {
  assert.match(await example('embed.mjs'), /^juliet@capulet\.example\/balcony: Wherefore art thou\?$/m);
});

test('component/run.mjs: a component behind the daemon answers a server elsewhere (XEP-0114, XEP-0288)', async () => {
  const printed = await example('component/run.mjs');
  assert.match(printed, /^component: echo\.capulet\.example is attached$/m);
  assert.match(printed, /^montague\.example: anybody@echo\.capulet\.example answered "Echo, where art thou\?"$/m);
});
