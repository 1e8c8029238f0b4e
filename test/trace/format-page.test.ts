/** docs/trace-format.md names every field that a reader accepts, under its kind, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { elementFields } from '../../src/trace/check-element.ts';
import { commonFields, innerFields, recordFields } from '../../src/trace/check-record.ts';

const page = readFileSync(new URL('../../docs/trace-format.md', import.meta.url), 'utf8');

interface Table {
  /** The first cell of the header row. */
  readonly head: string;
  readonly rows: readonly (readonly [first: string, second: string])[];
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

const tablesIn = (section: string): Table[] =>
  section.split(/\n{2,}/).flatMap((block) => {
    if (!block.startsWith('|')) return [];
    const [head = [], , ...rows] = block.trimEnd().split('\n').map(cellsOf);
    return [{ head: head[0] ?? '', rows: rows.map(([first = '', second = '']) => [first, second] as const) }];
  });

const namesIn = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
const firstOf = ({ rows }: Table): string[] => rows.flatMap(([first]) => namesIn(first));

const [before = '', ...parts] = page.split(/^### /m);
const kinds = new Map(parts.map((part) => [namesIn(part.split('\n')[0] ?? '')[0] ?? '', tablesIn(part)]));
const tableOf = (kind: string, head: string): Table =>
  kinds.get(kind)?.find((table) => table.head === head) ?? assert.fail(`${kind} has a table of ${head}`);

test('every kind of record has its section, and no other', () => {
  assert.deepEqual([...kinds.keys()].sort(), Object.keys(recordFields).sort());
});

test('what every record has is named', () => {
  const common = tablesIn(before).find(({ head }) => head === 'field');
  assert.deepEqual(firstOf(common ?? assert.fail('a table')).sort(), [...Object.keys(commonFields), 'kind'].sort());
});

for (const [kind, fields] of Object.entries(recordFields))
  test(`${kind}: its fields are named, and no other`, () => {
    assert.deepEqual(firstOf(tableOf(kind, 'field')).sort(), Object.keys(fields).sort());
  });

for (const [name, fields] of Object.entries(innerFields))
  test(`the fields of ${name} are named, and no other`, () => {
    const kind = name === 'entered' ? 'snapshot' : 'attempt';
    assert.deepEqual(firstOf(tableOf(kind, `of \`${name}\``)).sort(), Object.keys(fields).sort());
  });

test('the kinds of element are named with what stands beside them, and no other', () => {
  const { rows } = tableOf('wire', '`kind` of the element');
  const named = new Map(rows.flatMap(([first, second]) => namesIn(first).map((kind) => [kind, second] as const)));
  assert.deepEqual([...named.keys()].sort(), Object.keys(elementFields).sort());
  for (const [kind, fields] of Object.entries(elementFields)) {
    const told = named.get(kind)?.replace('as `result`', '`from`, `to`, `key`, `answer`') ?? '';
    // Names in brackets, and after "else", are values and parts of a field.
    const own = namesIn(told.replace(/\([^)]*\)/g, '').replace(/, else its .*$/, ''));
    assert.deepEqual(own.sort(), Object.keys(fields).sort(), kind);
  }
});
