/** Colours on a terminal. */
export type Tint = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';
export type Paint = (tint: Tint, text: string) => string;

const CODES: Readonly<Record<Tint, number>> = { bold: 1, dim: 2, green: 32, red: 31, yellow: 33, cyan: 36 };

export const makePaint = (coloured: boolean): Paint =>
  coloured ? (tint, text) => `\u001b[${CODES[tint]}m${text}\u001b[0m` : (_tint, text) => text;

/** Plain unless the output is a terminal and `NO_COLOR` is not set. */
export const paintFor = ({ isTTY }: { readonly isTTY: boolean }): Paint =>
  makePaint(isTTY && (process.env['NO_COLOR'] ?? '') === '');
