/**
 * The interop matrix: one cell per feature, server and direction; a feature that a server lacks gets a cell with the
 * reason.
 */

export type Column = `${'Prosody' | 'ejabberd'}, ${'we initiate' | 'we receive'}`;

const COLUMNS: readonly Column[] = [
  'Prosody, we initiate',
  'Prosody, we receive',
  'ejabberd, we initiate',
  'ejabberd, we receive',
];

/** One per file; printed when its tests have ended. */
export class Matrix {
  readonly #rows: readonly string[];
  readonly #cells = new Map<string, string>();
  readonly #notes: string[] = [];

  constructor(rows: readonly string[]) {
    this.#rows = rows;
  }

  /** Runs the claim of the cell; it holds if nothing is thrown. */
  async cell(row: string, column: Column, claim: () => Promise<void>): Promise<void> {
    this.#put(row, column, 'FAILED');
    await claim();
    this.#put(row, column, '✓');
  }

  /** Marks a cell that is impossible, with the reason. */
  cannot(row: string, column: Column, reason: string): void {
    const known = this.#notes.indexOf(reason);
    const note = known === -1 ? this.#notes.push(reason) : known + 1;
    this.#put(row, column, `– [${note}]`);
  }

  /** Cells without a result. */
  get empty(): readonly string[] {
    return this.#rows.flatMap((row) =>
      COLUMNS.filter((column) => !this.#cells.has(key(row, column))).map((column) => key(row, column)),
    );
  }

  toString(): string {
    const table = [
      ['', ...COLUMNS],
      ...this.#rows.map((row) => [row, ...COLUMNS.map((column) => this.#cells.get(key(row, column)) ?? 'not run')]),
    ];
    const widths = table[0]!.map((_, index) => Math.max(...table.map((line) => line[index]!.length)));
    const lines = table.map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    );
    return [...lines, '', ...this.#notes.map((reason, index) => `[${index + 1}] ${reason}`)].join('\n');
  }

  #put(row: string, column: Column, text: string): void {
    if (!this.#rows.includes(row)) throw new TypeError(`not a row of this matrix: ${row}`);
    this.#cells.set(key(row, column), text);
  }
}

const key = (row: string, column: Column): string => `${row}: ${column}`;
