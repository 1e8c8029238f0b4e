/** Colour for stdout; none when stdout does not show colours. */
export type Tint = 'bold' | 'dim' | 'green' | 'red' | 'cyan';
export type Paint = (tint: Tint, text: string) => string;

const CODES: Readonly<Record<Tint, number>> = { bold: 1, dim: 2, green: 32, red: 31, cyan: 36 };

export const makePaint = (coloured: boolean): Paint =>
  coloured ? (tint, text) => `\u001b[${CODES[tint]}m${text}\u001b[0m` : (_tint, text) => text;
