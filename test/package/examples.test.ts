/**
 * The examples, each run as a user would run it: by node, alone, importing the package by its name. The tiny server is
 * in test/interop.
 */
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

test('prooftypes/pinned-key.mjs: a key proves its domain, through a renewal too; another key does not (A13, RFC 7712 §7)', async () => {
  const printed = await example('prooftypes/pinned-key.mjs');
  for (const scene of ['the key', 'another certificate, the same key']) {
    assert.match(printed, new RegExp(`^${scene}: montague\\.example is proved by pinned-key$`, 'm'));
    assert.match(printed, new RegExp(`^${scene}: sent$`, 'm'));
  }
  assert.match(
    printed,
    /^another key: returned, prooftype: no-pin-matches \(peer\): pinned-key: its key is [0-9a-f]{64}$/m,
  );
});

test('prooftypes/shared-token.mjs: both ends are proved by a token, which is worth nothing to others (A13, RFC 7712 §7)', async () => {
  const printed = await example('prooftypes/shared-token.mjs');
  for (const domain of ['montague', 'capulet'])
    assert.match(
      printed,
      new RegExp(`^the token: ${domain}\\.example is proved by urn:example:dna:shared-token$`, 'm'),
    );
  assert.match(printed, /^the token: sent$/m);
  assert.match(printed, /^the token, replayed: returned, prooftype: no-token-matches \(peer\)/m);
  assert.doesNotMatch(printed, /^the token, replayed: .* is proved/m);
});
