/**
 * Recognises stanzas of the usual form in one pass over their bytes, sixteen at a time. AssemblyScript: it is compiled
 * to WebAssembly by `node assembly/build.js`, never run as TypeScript.
 *
 * It knows only what needs no closer look: no prefix except that of `xml:lang`, no CDATA, no character reference, and
 * no white space in tags except one space before an attribute. Everything else, well-formed or not, is left to the
 * reader in src/adapters/framer, which knows the whole grammar and can say what is wrong. That reader also accepts
 * everything that is recognised here.
 *
 * A byte of 0 follows the bytes that are read. Every scan stops there, so none has to check where the bytes end.
 */

/**
 * Memory layout: results, open names, attributes of the current tag, namespaces that need the full reader, and the
 * bytes.
 */
const KIND: usize = 0;
const TO: usize = 4;
const FROM: usize = 12;
const NAME_END: usize = 20;
const IS_CUT: usize = 24;
const NAMES: usize = 64;
const MOST_DEPTH: usize = 128;
const ATTRIBUTES: usize = 2048;
const MOST_ATTRIBUTES: usize = 32;
/** Entries of 64 bytes, of which the first byte is the length; 0 ends the list. */
const NAMESPACES: usize = 3072;

/** Names and attributes are pairs of position and length. */
const PAIR: usize = 8;

const TAB: u32 = 0x09;
const LINE_FEED: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const BLANK: u32 = 0x20;
const QUOTE: u32 = 0x22;
const AMPERSAND: u32 = 0x26;
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;
const SEMICOLON: u32 = 0x3b;
const LESS: u32 = 0x3c;
const EQUALS: u32 = 0x3d;
const GREATER: u32 = 0x3e;

function all(byte: u32): v128 {
  return i8x16.splat(<i8>byte);
}

function isNameStart(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte == 0x5f;
}

/**
 * The end of a run of ASCII NameChars without the colon. Each half of a byte selects a set of groups; the byte is a
 * NameChar if the two sets share a group.
 */
function nameEnd(start: usize): usize {
  let at = start;
  let others = 0;
  for (;;) {
    const bytes = v128.load(at);
    // Groups: 1 `-.`, 2 digits, 4 `A-O` and `a-o`, 8 `P-Z_`, 16 `p-z`.
    const low = i8x16.swizzle(
      i8x16(26, 30, 30, 30, 30, 30, 30, 30, 30, 30, 28, 4, 4, 5, 5, 12),
      v128.and(bytes, all(15)),
    );
    const high = i8x16.swizzle(i8x16(0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0), i8x16.shr_u(bytes, 4));
    others = i8x16.bitmask(i8x16.eq(v128.and(low, high), all(0)));
    if (others != 0) break;
    at += 16;
  }
  return at + <usize>ctz(others);
}

/** The first `quote`, `<`, `&` or control character. */
function valueEnd(start: usize, quote: u32): usize {
  const quotes = all(quote);
  let at = start;
  let stops = 0;
  for (;;) {
    const bytes = v128.load(at);
    const markup = v128.or(i8x16.eq(bytes, all(LESS)), i8x16.eq(bytes, all(AMPERSAND)));
    const others = v128.or(i8x16.eq(bytes, quotes), i8x16.lt_u(bytes, all(BLANK)));
    stops = i8x16.bitmask(v128.or(markup, others));
    if (stops != 0) break;
    at += 16;
  }
  return at + <usize>ctz(stops);
}

/** The first `<`, `>`, `&` or control character. */
function textEnd(start: usize): usize {
  let at = start;
  let stops = 0;
  for (;;) {
    const bytes = v128.load(at);
    const angles = i8x16.eq(v128.or(bytes, all(2)), all(GREATER));
    const others = v128.or(i8x16.eq(bytes, all(AMPERSAND)), i8x16.lt_u(bytes, all(BLANK)));
    stops = i8x16.bitmask(v128.or(angles, others));
    if (stops != 0) break;
    at += 16;
  }
  return at + <usize>ctz(stops);
}

function isSame(one: usize, other: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(one + i), v128.load(other + i))) != 0xffff) return false;
  }
  const equal = i8x16.bitmask(i8x16.eq(v128.load(one + i), v128.load(other + i)));
  return (~equal & ((1 << (<i32>(length - i))) - 1)) == 0;
}

/** Length of a reference to a predefined entity, or 0. */
function referenceLength(at: usize): usize {
  const word = load<u32>(at, 1);
  if ((word & 0xffffff) == 0x3b746c || (word & 0xffffff) == 0x3b7467) return 4; // lt; gt;
  if (word == 0x3b706d61) return 5; // amp;
  const isLong = word == 0x736f7061 || word == 0x746f7571; // apos quot
  return isLong && load<u8>(at, 5) == SEMICOLON ? 6 : 0;
}

/** Where it becomes clear that the reference at `at` is not predefined, or where the bytes end. */
function unknownReference(at: usize): usize {
  return nameEnd(at + 1);
}

/** Skips predefined references in a value: the position of its end, or of the first byte that cannot be recognised. */
function referencesEnd(start: usize, quote: u32): usize {
  let at = start;
  while (load<u8>(at) == AMPERSAND) {
    const length = referenceLength(at);
    if (length == 0) break;
    at = valueEnd(at + length, quote);
  }
  return at;
}

function isReserved(start: usize, length: usize): bool {
  if (length == 0) return true;
  const first = load<u8>(start);
  const last = load<u8>(start + length - 1);
  // Leading or trailing white space or non-ASCII characters could hide one of the reserved namespaces.
  if (first <= BLANK || first >= 0x80 || last <= BLANK || last >= 0x80) return true;
  for (let at = NAMESPACES; load<u8>(at) != 0; at += 64) {
    if (load<u8>(at) == length && isSame(at + 1, start, length)) return true;
  }
  return false;
}

function standsAlready(count: usize, start: usize, length: usize): bool {
  for (let at = ATTRIBUTES; at < ATTRIBUTES + count * PAIR; at += PAIR) {
    if (<usize>load<u32>(at, 4) == length && isSame(load<u32>(at), start, length)) return true;
  }
  return false;
}

/** 0 for message, 1 for presence, 2 for iq, -1 for anything else. */
function stanzaKind(name: usize, length: usize): i32 {
  const word = load<u32>(name);
  if (length == 7) return word == 0x7373656d && load<u32>(name, 3) == 0x65676173 ? 0 : -1;
  if (length == 8) return word == 0x73657270 && load<u32>(name, 4) == 0x65636e65 ? 1 : -1;
  return length == 2 && (word & 0xffff) == 0x7169 ? 2 : -1;
}

/** Set when a function returns 0: the position of the byte that is not recognised. */
let stopped: usize = 0;

function stopAt(at: usize): usize {
  stopped = at;
  return 0;
}

/** Reads the ` name='value'` attributes of a tag: the position after them, or 0. */
function attributesEnd(start: usize, isRoot: bool, most: usize, longest: usize): usize {
  let at = start;
  let count: usize = 0;
  let seen: u32 = 0; // one bit per hash of a name: only a bit seen twice requires comparisons
  while (load<u8>(at) == BLANK) {
    at++;
    const name = at;
    const first = load<u8>(name);
    if (!isNameStart(first)) break;
    at = nameEnd(name);
    if (at == name + 3 && load<u32>(name) == 0x3a6c6d78) {
      if (!isNameStart(load<u8>(at, 1))) return stopAt(at + 1); // xml:
      at = nameEnd(at + 1);
    }
    const length = at - name;
    const quote: u32 = load<u8>(at, 1);
    if (load<u8>(at) != EQUALS) return stopAt(at);
    if (quote != APOSTROPHE && quote != QUOTE) return stopAt(at + 1);
    if (length > longest || count == most || count == MOST_ATTRIBUTES) return stopAt(name);
    const value = at + 2;
    at = valueEnd(value, quote);
    const isPlain = load<u8>(at) == quote;
    if (!isPlain) {
      at = referencesEnd(at, quote);
      const stop: u32 = load<u8>(at);
      if (stop != quote) return stopAt(stop == AMPERSAND ? unknownReference(at) : at);
    }

    const bit: u32 = 1 << ((<u32>length * 7 + first + load<u8>(name + length - 1) * 3) & 31);
    if ((seen & bit) != 0 && standsAlready(count, name, length)) return stopAt(name);
    seen |= bit;
    store<u32>(ATTRIBUTES + count * PAIR, <u32>name);
    store<u32>(ATTRIBUTES + count * PAIR, <u32>length, 4);
    count++;
    if (length == 5 && load<u32>(name) == 0x6e6c6d78 && load<u8>(name, 4) == 0x73) {
      if (isRoot || !isPlain || isReserved(value, at - value)) return stopAt(name); // xmlns
    } else if (isRoot) {
      const isTo = length == 2 && load<u16>(name) == 0x6f74;
      const isFrom = length == 4 && load<u32>(name) == 0x6d6f7266;
      if (isTo || isFrom) {
        if (!isPlain) return stopAt(name);
        store<u32>(isTo ? TO : FROM, <u32>value);
        store<u32>(isTo ? TO : FROM, <u32>at, 4);
      }
    }
    at++;
  }
  return at;
}

/** Skips text, up to the next `<` or to a byte that cannot be recognised. */
function contentEnd(start: usize): usize {
  let at = start;
  for (;;) {
    at = textEnd(at);
    const stop = load<u8>(at);
    if (stop == LESS) break;
    if (stop == AMPERSAND) {
      const length = referenceLength(at);
      if (length == 0) break;
      at += length;
    } else if (stop == GREATER ? load<u16>(at - 2) != 0x5d5d : stop == LINE_FEED || stop == RETURN || stop == TAB) {
      at++;
    } else {
      break;
    }
  }
  return at;
}

/** Whether the bytes are UTF-8 (RFC 3629) and hold neither U+FFFE nor U+FFFF. */
function isText(start: usize, end: usize): bool {
  let at = start;
  while (at < end) {
    const beyond = i8x16.bitmask(v128.load(at));
    if (beyond == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(beyond);
    if (at >= end) return true;
    let first: u32 = load<u8>(at);
    while (first >= 0x80 && at < end) {
      const second: u32 = load<u8>(at, 1);
      if ((second & 0xc0) != 0x80 || first < 0xc2 || first > 0xf4) return false;
      if (first < 0xe0) {
        at += 2;
      } else {
        const third: u32 = load<u8>(at, 2);
        if ((third & 0xc0) != 0x80) return false;
        if (first < 0xf0) {
          if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return false;
          if (first == 0xef && second == 0xbf && third >= 0xbe) return false;
          at += 3;
        } else {
          if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return false;
          if ((load<u8>(at, 3) & 0xc0) != 0x80) return false;
          at += 4;
        }
      }
      first = load<u8>(at);
    }
  }
  return true;
}

/** The first byte of an end tag's name that differs from the name of the open element. */
function mismatch(at: usize, name: usize, length: usize): usize {
  let i: usize = 0;
  while (i < length && load<u8>(at + i) == load<u8>(name + i)) i++;
  return at + i;
}

/** Whether everything up to `end` is text; the last character may be incomplete. */
function isTextSoFar(start: usize, end: usize): bool {
  let last = end;
  while (last > start && (load<u8>(last - 1) & 0xc0) == 0x80) last--;
  if (last > start && load<u8>(last - 1) >= 0xc0) last--;
  return isText(start, last);
}

/**
 * Reads on from the `<` at `start`: the position after the stanza, or 0 with `stopped` at the byte that is not
 * recognised.
 */
function stanzaEnd(start: usize, maxDepth: usize, maxAttributes: usize, maxNameBytes: usize): usize {
  let depth: usize = 1;
  let at = start;
  do {
    const next: u32 = load<u8>(at, 1);
    if (next == SLASH) {
      const open = NAMES + depth * PAIR;
      const name: usize = load<u32>(open);
      const length: usize = load<u32>(open, 4);
      const after = at + 2 + length;
      if (!isSame(at + 2, name, length)) return stopAt(mismatch(at + 2, name, length));
      if (load<u8>(after) != GREATER) return stopAt(after);
      depth--;
      at = after + 1;
    } else {
      if (!isNameStart(next)) return stopAt(at + 1);
      const name = at + 1;
      const end = nameEnd(name);
      const length = end - name;
      if (length > maxNameBytes || depth >= maxDepth || depth >= MOST_DEPTH) return stopAt(at);
      if (load<u8>(end) == 0) return stopAt(end);
      if (depth == 1) {
        const kind = stanzaKind(name, length);
        if (kind < 0) return stopAt(at);
        store<i32>(KIND, kind);
      }
      const after = attributesEnd(end, depth == 1, maxAttributes, maxNameBytes);
      if (after == 0) return 0;
      if (load<u8>(after) == GREATER) {
        depth++;
        store<u32>(NAMES + depth * PAIR, <u32>name);
        store<u32>(NAMES + depth * PAIR, <u32>length, 4);
        at = after + 1;
        if (depth == 2) store<u32>(NAME_END, <u32>end);
      } else if (load<u8>(after) == SLASH) {
        if (load<u8>(after, 1) != GREATER) return stopAt(after + 1);
        at = after + 2;
      } else {
        return stopAt(after);
      }
    }
    if (depth > 1) {
      at = contentEnd(at);
      const stop: u32 = load<u8>(at);
      if (stop != LESS) return stopAt(stop == AMPERSAND ? unknownReference(at) : at);
    }
  } while (depth > 1);
  return at;
}

/**
 * Recognises the stanza whose `<` is at `start`: the position after it, or 0. In that case IS_CUT says whether
 * everything up to `end` is of the usual form, so that more bytes may complete it, and NAME_END is 0 if the root's
 * start tag is incomplete.
 */
export function recognise(start: usize, end: usize, maxDepth: usize, maxAttributes: usize, maxNameBytes: usize): usize {
  store<u64>(TO, 0);
  store<u64>(FROM, 0);
  store<u64>(NAME_END, 0);
  const after = stanzaEnd(start, maxDepth, maxAttributes, maxNameBytes);
  if (after != 0) return isText(start, after) ? after : 0;
  store<u32>(IS_CUT, stopped == end && isTextSoFar(start, end) ? 1 : 0);
  return 0;
}
