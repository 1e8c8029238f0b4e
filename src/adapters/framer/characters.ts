/** Characters of XML 1.0 (fifth edition) as bytes of UTF-8. */

/** The classes of a byte, as bits: one table look-up serves every context. */
export const NAME_START = 1; // ASCII NameStartChar without the colon
export const NAME_CHAR = 2; // ASCII NameChar without the colon
export const SPACE = 4;
export const TEXT_STOP = 8; // stops a fast run over character data, to be examined
export const VALUE_STOP = 16; // stops a fast run over an attribute value
export const UTF8_STOP = 32; // stops a run over text that is known to be UTF-8: 0xEF may begin U+FFFE or U+FFFF

export const CLASS = new Uint8Array(256);
{
  const add = (bit: number, characters: string): void => {
    for (const character of characters) CLASS[character.charCodeAt(0)] = (CLASS[character.charCodeAt(0)] ?? 0) | bit;
  };
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_';
  const controls = String.fromCharCode(...Array.from({ length: 32 }, (_, code) => code));
  const beyondAscii = String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code + 128));
  add(NAME_START | NAME_CHAR, letters);
  add(NAME_CHAR, '0123456789-.');
  add(SPACE, ' \t\r\n');
  add(TEXT_STOP, controls.replace(/[\t\r\n]/g, '') + beyondAscii + '<&>');
  add(UTF8_STOP, controls.replace(/[\t\r\n]/g, '') + '\u00ef<&>');
  add(VALUE_STOP, controls + beyondAscii + `<&'"`);
}

/**
 * Length in bytes of the non-ASCII character at `at`. 0 when the bytes up to `end` may be an incomplete character; -1
 * when they are not UTF-8 (RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF); -2 for U+FFFE and U+FFFF,
 * which XML does not allow.
 */
export function characterLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0xc2 || first > 0xf4) return -1;
  if (at + 1 >= end) return 0;
  const second = bytes[at + 1] as number;
  if ((second & 0xc0) !== 0x80) return -1;
  if (first < 0xe0) return 2;
  if (first < 0xf0) {
    if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return -1;
    if (at + 2 >= end) return 0;
    const third = bytes[at + 2] as number;
    if ((third & 0xc0) !== 0x80) return -1;
    return first === 0xef && second === 0xbf && third >= 0xbe ? -2 : 3;
  }
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return -1;
  if (at + 2 < end && ((bytes[at + 2] as number) & 0xc0) !== 0x80) return -1;
  if (at + 3 >= end) return 0;
  return ((bytes[at + 3] as number) & 0xc0) === 0x80 ? 4 : -1;
}

/** The code point of a character whose length was determined by {@link characterLength}. */
export function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let code = (bytes[at] as number) & (0x7f >> length);
  for (let i = at + 1; i < at + length; i++) code = (code << 6) | ((bytes[i] as number) & 0x3f);
  return code;
}

/** Char (XML 1.0 §2.2). */
export function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

/** NameStartChar beyond ASCII (XML 1.0 §2.3), as pairs of first and last. */
const START_RANGES = [
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x200c, 0x200d],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0x10000, 0xeffff],
] as const;

/** NameChar beyond ASCII that is not a NameStartChar. */
const FURTHER_RANGES = [
  [0xb7, 0xb7],
  [0x300, 0x36f],
  [0x203f, 0x2040],
] as const;

const within = (code: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([first, last]) => code >= first && code <= last);

export function isNameCharacter(code: number, atStart: boolean): boolean {
  return within(code, START_RANGES) || (!atStart && within(code, FURTHER_RANGES));
}

/** A view of the same bytes, for reading four at a time. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export const NO_BYTES: Buffer = Buffer.alloc(0);
export const NO_VIEW = viewOf(NO_BYTES);

/** The position of the first of the four bytes at `at` whose high bit is set in `stops`. */
const firstStop = (at: number, stops: number): number => at + ((31 - Math.clz32(stops & -stops)) >> 3);

/**
 * Runs over text from `at` towards `end`, four bytes at a time. Returns the position of a byte that may stop the run
 * (beyond ASCII, a control character, `<`, `>`, `&`), or of the last bytes when fewer than four are left. Each term
 * sets the high bit of a byte that stops; a borrow may set it for a later byte only when an earlier byte has already
 * stopped the run.
 */
export function textRunEnd(view: DataView, at: number, end: number): number {
  const last = end - 4;
  let i = at;
  while (i <= last) {
    const word = view.getInt32(i, true);
    const angle = (word | 0x02020202) ^ 0x3e3e3e3e;
    const ampersand = word ^ 0x26262626;
    const stops = (word | (word - 0x20202020) | (angle - 0x01010101) | (ampersand - 0x01010101)) & 0x80808080;
    if (stops !== 0) return firstStop(i, stops);
    i += 4;
  }
  return i;
}

/** The same for attribute values: stops at `<`, `&`, quotes (and `#`, harmlessly), control characters and non-ASCII. */
export function valueRunEnd(view: DataView, at: number, end: number): number {
  const last = end - 4;
  let i = at;
  while (i <= last) {
    const word = view.getInt32(i, true);
    const quote = (word | 0x05050505) ^ 0x27272727;
    const less = word ^ 0x3c3c3c3c;
    const stops = (word | (word - 0x20202020) | (quote - 0x01010101) | (less - 0x01010101)) & 0x80808080;
    if (stops !== 0) return firstStop(i, stops);
    i += 4;
  }
  return i;
}

/** The same for known UTF-8, up to `end` itself: beyond ASCII, only a byte that may begin U+FFFE stops it. */
export function utf8RunEnd(bytes: Buffer, view: DataView, at: number, end: number): number {
  const last = end - 4;
  let i = at;
  while (i <= last) {
    const word = view.getInt32(i, true);
    const angle = (word | 0x02020202) ^ 0x3e3e3e3e;
    const ampersand = word ^ 0x26262626;
    const ascii = ((word - 0x20202020) | (angle - 0x01010101) | (ampersand - 0x01010101)) & ~word;
    const mark = word ^ 0x6f6f6f6f ^ 0x80808080;
    const stops = (ascii | ((mark - 0x01010101) & ~mark)) & 0x80808080;
    if (stops !== 0) {
      i = firstStop(i, stops);
      if (((CLASS[bytes[i] as number] as number) & UTF8_STOP) !== 0) return i;
      i++;
    } else {
      i += 4;
    }
  }
  while (i < end && ((CLASS[bytes[i] as number] as number) & UTF8_STOP) === 0) i++;
  return i;
}
