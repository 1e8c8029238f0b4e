/** What others write, as a person can see it: on a terminal, in a log, in JSON. */

/** Controls, ends of lines, marks and overrides of direction, halves of pairs, and whatever else has no shape of its own. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text from peers cannot break the line, steer the terminal, nor show another order or another name than there is. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, '\ufffd');
}

/** JSON, in which what cannot be seen is escaped: a person may look at it, too. */
export const jsonLine = (value: object): string =>
  JSON.stringify(value).replace(INVISIBLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
