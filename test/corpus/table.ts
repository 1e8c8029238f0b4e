/** The corpus as a table: one case per row, its explanation, and whether that is right. */
import type { Row } from './case.ts';

const WIDTHS = [34, 30, 8, 60, 60, 7] as const;

/** A case without a row, and why. */
export interface Absent {
  readonly name: string;
  readonly section: string;
  readonly why: string;
}

/** @param cases the number of all cases, with and without rows */
export function printed(rows: readonly Row[], absent: readonly Absent[], cases: number): string {
  const lines = [cells('case', 'state', 'mover', 'cause', 'fix', 'verdict'), rule];
  let section = '';
  for (const { name, section: of, told, wrong } of rows) {
    if (of !== section) lines.push(`\n# ${of}`);
    section = of;
    const { state, mover, cause, fix, diagnosis } = told;
    const where = `${state.replaceAll('.', '. ')} [${diagnosis}]`;
    lines.push(cells(name, where, mover ?? '', cause, fix, wrong.length === 0 ? 'right' : 'WRONG'), '');
    lines.push(...wrong.map((what) => `  !! ${what}`));
  }
  const right = rows.filter(({ wrong }) => wrong.length === 0).length;
  lines.push(...absent.map(({ section: of, name, why }) => `NOT PLAYED  ${of}: ${name}: ${why}`));
  lines.push(`${cases - absent.length} of ${cases} cases were played; ${right} of ${rows.length} rows are right`);
  return lines.join('\n');
}

const rule = WIDTHS.map((width) => '-'.repeat(width)).join('  ');

function cells(...texts: readonly string[]): string {
  const columns = texts.map((text, index) => wrapped(text, WIDTHS[index] ?? 10));
  const height = Math.max(...columns.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    columns
      .map((column, index) => (column[line] ?? '').padEnd(WIDTHS[index] ?? 10))
      .join('  ')
      .trimEnd(),
  ).join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (line.length + 1 + word.length <= width) lines[last] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'g')) ?? ['']);
}
