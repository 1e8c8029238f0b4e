/** Text from others made safe to read: on a terminal, in a log, in JSON. */

/**
 * Control characters, line separators, direction marks and overrides, lone surrogates, and everything else without a
 * visible shape.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Makes text from peers unable to break the line, control the terminal, or display another order or another name than
 * it has.
 */
export function visible(text: string): string {
  return text.replace(INVISIBLE, '\ufffd');
}

/** JSON in which invisible characters are escaped: people may read it, too. */
export const jsonLine = (value: object): string =>
  JSON.stringify(value).replace(INVISIBLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
