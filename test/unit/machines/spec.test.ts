/** machines/SPEC.md says what the machines are. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { specFile, withTables } from '../../support/spec-tables.ts';

const text = readFileSync(specFile, 'utf8');

test('the tables of SPEC.md are as new as the machines', () => {
  assert.equal(text, withTables(text), 'node --import tsx test/support/spec-tables.ts');
});

test('SPEC.md names no test that is not there', () => {
  const names = [...text.matchAll(/\btest\/(?:unit|property|model)\/[\w/-]+/g)].map(([name]) => name);
  assert.ok(names.length > 5);
  for (const name of new Set(names)) {
    const path = new URL(`../../../${name}.test.ts`, import.meta.url);
    assert.ok(name.endsWith('/') || existsSync(path), name);
  }
});
