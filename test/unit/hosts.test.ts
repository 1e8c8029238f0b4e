import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialOf } from '../../src/protocol/hosts.ts';

test('a domain without a certificate of its own shows that of its closest parent host, and never that of a stranger', () => {
  const hosts = new Map<string, string | null>([
    ['a.example', 'of a'],
    ['b.example', 'of b'],
    ['comp.b.example', null],
    ['deep.comp.b.example', null],
  ]);
  assert.equal(credentialOf(hosts, 'a.example'), 'of a');
  assert.equal(credentialOf(hosts, 'comp.b.example'), 'of b');
  assert.equal(credentialOf(hosts, 'deep.comp.b.example'), 'of b');
  assert.equal(credentialOf(hosts, 'c.example'), null);
});
