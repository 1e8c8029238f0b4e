/** The width of a text, without a browser to measure it: this makes the picture the same on every computer. */

/**
 * Widths of characters in thousandths of the font size, in DejaVu Sans: the widest of the fonts in which pictures are
 * shown, so that a text fits its box in all of them.
 */
const WIDTHS: Readonly<Record<number, string>> = {
  278: "ijl'",
  318: ' ,.·’IJ',
  361: '/:;\\|f-',
  411: '()[]t!r',
  525: '"*_`§–“”szL',
  592: '?ckvxyF',
  635: 'PTYaeohnubdgpqSE$0123456789{}',
  698: 'KAVXZBRC',
  770: 'UNHDG&OQ',
  863: 'w#+<=>^~→×≥M',
};
/** The width of characters that are not in the table. */
const WIDEST = 1_000;
/** How much wider the same text is in bold. */
const BOLD = 1.12;

const widthOfCharacter = new Map(
  Object.entries(WIDTHS).flatMap(([width, characters]) =>
    Array.from(characters, (one) => [one, Number(width)] as const),
  ),
);

export interface Font {
  /** In pixels. */
  readonly size: number;
  readonly bold: boolean;
}

/** In pixels, rounded up. */
export function widthOf(text: string, { size, bold }: Font): number {
  let thousandths = 0;
  for (const character of text) thousandths += widthOfCharacter.get(character) ?? WIDEST;
  return Math.ceil((thousandths * size * (bold ? BOLD : 1)) / 1_000);
}

export const widestOf = (lines: readonly string[], font: Font): number =>
  Math.max(0, ...lines.map((line) => widthOf(line, font)));

/** Breaks a text into lines at its spaces; a word that is too wide for a line gets its own. */
export function wrap(text: string, font: Font, maxWidth: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer, font) > maxWidth) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}
