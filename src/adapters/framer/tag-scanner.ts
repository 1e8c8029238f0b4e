/**
 * Reads start tags in one pass over contiguous bytes, without allocating; results stay in fields until the next tag.
 */
import {
  characterLength,
  CLASS as CLASS_,
  codePoint,
  isNameCharacter,
  isXmlCharacter,
  NAME_CHAR as NAME_CHAR_,
  NAME_START as NAME_START_,
  NO_VIEW,
  SPACE as SPACE_,
  VALUE_STOP as VALUE_STOP_,
  valueRunEnd,
} from './characters.ts';
import {
  BAD_NAME,
  BAD_REFERENCE,
  BAD_TAG,
  BAD_VALUE,
  DUPLICATE_ATTRIBUTE,
  ENTITY,
  NAME_TOO_LONG,
  NOT_A_CHARACTER,
  TOO_MANY_ATTRIBUTES,
} from './problems.ts';
// Imported bindings would be read from their module cells at every byte; local ones are not.
const CLASS = CLASS_;
const NAME_CHAR = NAME_CHAR_;
const NAME_START = NAME_START_;
const SPACE = SPACE_;
const VALUE_STOP = VALUE_STOP_;

/** Numbers kept per attribute. */
const SLOTS = 6;

/** Returned in place of a position when the bytes end too early; problems are negative. */
export const INCOMPLETE = 0;

/** Length of the reference to a predefined entity at `at` (XML 1.0 §4.6), or 0 when there is none. */
function predefinedLength(bytes: Buffer, at: number, end: number): number {
  if (at + 3 >= end) return 0;
  const b1 = bytes[at + 1] as number;
  const b2 = bytes[at + 2] as number;
  const b3 = bytes[at + 3] as number;
  if ((b1 === 0x6c || b1 === 0x67) && b2 === 0x74) return b3 === 0x3b ? 4 : 0; // lt, gt
  if (at + 4 >= end) return 0;
  const b4 = bytes[at + 4] as number;
  if (b1 === 0x61 && b2 === 0x6d && b3 === 0x70) return b4 === 0x3b ? 5 : 0; // amp
  if (at + 5 >= end || bytes[at + 5] !== 0x3b) return 0;
  if (b1 === 0x61) return b2 === 0x70 && b3 === 0x6f && b4 === 0x73 ? 6 : 0; // apos
  return b1 === 0x71 && b2 === 0x75 && b3 === 0x6f && b4 === 0x74 ? 6 : 0; // quot
}

/**
 * The position after the reference whose `&` is at `at` (XML 1.0 §4.1, §4.6; RFC 6120 §11.1), INCOMPLETE or a problem.
 */
export function referenceEnd(bytes: Buffer, at: number, end: number, maxBytes: number): number {
  const predefined = predefinedLength(bytes, at, end);
  if (predefined > 0) return at + predefined;
  let i = at + 1;
  while (i < end && ((CLASS[bytes[i] as number] as number) & NAME_CHAR || bytes[i] === 0x23)) i++;
  // The number of leading zeros is unlimited, so the length is bounded here.
  if (i - at > maxBytes) return NAME_TOO_LONG;
  if (i >= end) return INCOMPLETE;
  if (bytes[i] === 0x3b) {
    const name = bytes.toString('latin1', at + 1, i);
    const [, decimal, hex] = /^#(?:([0-9]+)|x([0-9a-fA-F]+))$/.exec(name) ?? [];
    if (decimal !== undefined) return isXmlCharacter(Number(decimal)) ? i + 1 : NOT_A_CHARACTER;
    if (hex !== undefined) return isXmlCharacter(parseInt(hex, 16)) ? i + 1 : NOT_A_CHARACTER;
    return /^[A-Za-z_][^#]*$/.test(name) ? ENTITY : BAD_REFERENCE;
  }
  if ((bytes[i] as number) < 0x80) return BAD_REFERENCE;
  const length = characterLength(bytes, i, end);
  // With a non-ASCII character it can only be the name of an entity, which is refused without reading it to its end.
  return length <= 0 ? length : ENTITY;
}

/** Result arrays by maximum attribute count. All streams share them: a result is not used once another tag is read. */
const rooms = new Map<number, Int32Array>();

function slotsFor(maxAttributes: number): Int32Array {
  const known = rooms.get(maxAttributes);
  if (known !== undefined) return known;
  const made = new Int32Array(maxAttributes * SLOTS);
  rooms.set(maxAttributes, made);
  return made;
}

export class TagScanner {
  readonly #maxAttributes: number;
  readonly #maxNameBytes: number;

  /** A view of the bytes being scanned. */
  view: DataView = NO_VIEW;

  nameEnd = 0;
  /** Position of the colon in the element's name; 0 when it has no prefix. */
  nameColon = 0;
  selfClosing = false;

  /** Number of attributes, namespace declarations included; their positions refer to the bytes scanned. */
  count = 0;
  readonly #slots: Int32Array;

  /** Index of the attribute `xmlns`, or -1. */
  defaultDeclaration = -1;
  /** How many attributes are `xmlns:…`, and how many have another prefix. */
  prefixDeclarations = 0;
  prefixedAttributes = 0;

  #colon = 0;
  #plain = 1;

  constructor(maxAttributes: number, maxNameBytes: number) {
    this.#maxAttributes = maxAttributes;
    this.#maxNameBytes = maxNameBytes;
    this.#slots = slotsFor(maxAttributes);
  }

  /** Where the attribute's name begins and ends, and where its colon is (0: none). */
  nameStart(index: number): number {
    return this.#slots[index * SLOTS] as number;
  }

  nameEndOf(index: number): number {
    return this.#slots[index * SLOTS + 1] as number;
  }

  colon(index: number): number {
    return this.#slots[index * SLOTS + 2] as number;
  }

  /** Where its value begins and ends, without the quotes. */
  valueStart(index: number): number {
    return this.#slots[index * SLOTS + 3] as number;
  }

  valueEnd(index: number): number {
    return this.#slots[index * SLOTS + 4] as number;
  }

  /** Whether the value equals its bytes: it has no reference and no white space other than blanks. */
  isPlain(index: number): boolean {
    return this.#slots[index * SLOTS + 5] === 1;
  }

  /** Reads the start tag that begins at `start`: the position after its `>`, {@link INCOMPLETE} or a problem. */
  scan(bytes: Buffer, start: number, end: number): number {
    const { view } = this;
    const slots = this.#slots;
    this.count = 0;
    this.selfClosing = false;
    this.defaultDeclaration = -1;
    this.prefixDeclarations = 0;
    this.prefixedAttributes = 0;
    let i = this.#name(bytes, start + 1, end);
    if (i <= 0) return i;
    this.nameEnd = i;
    this.nameColon = this.#colon;
    let seen = 0; // one bit per hash of a name: only a bit seen twice requires comparisons
    for (;;) {
      const before = i;
      if (i < end && bytes[i] === 0x20) i++;
      if (i >= end) return INCOMPLETE;
      let next = bytes[i] as number;
      while (next <= 0x20 && ((CLASS[next] as number) & SPACE) !== 0) {
        if (++i >= end) return INCOMPLETE;
        next = bytes[i] as number;
      }
      if (next === 0x3e) return i + 1;
      if (next === 0x2f) {
        if (i + 1 >= end) return INCOMPLETE;
        this.selfClosing = true;
        return bytes[i + 1] === 0x3e ? i + 2 : BAD_TAG;
      }
      if (i === before) return next < 0x80 ? BAD_TAG : BAD_NAME;

      // A plain name, `=`, and a value that equals its bytes are read right here; other cases have their own functions.
      let nameEnd = i;
      let colon = 0;
      if (((CLASS[next] as number) & NAME_START) !== 0) {
        do nameEnd++;
        while (nameEnd < end && ((CLASS[bytes[nameEnd] as number] as number) & NAME_CHAR) !== 0);
      }
      if (nameEnd + 1 >= end || bytes[nameEnd] !== 0x3d || nameEnd === i || nameEnd - i > this.#maxNameBytes) {
        nameEnd = this.#anyName(bytes, i, end);
        if (nameEnd <= 0) return nameEnd;
        colon = this.#colon;
      }
      if (this.count === this.#maxAttributes) return TOO_MANY_ATTRIBUTES;
      const quote = nameEnd + 1 < end && bytes[nameEnd] === 0x3d ? (bytes[nameEnd + 1] as number) : 0;
      const valueStart = quote === 0x27 || quote === 0x22 ? nameEnd + 2 : this.#equals(bytes, nameEnd, end);
      if (valueStart <= 0) return valueStart;
      let valueEnd = valueRunEnd(view, valueStart, end);
      let plain = 1;
      if (valueEnd >= end || bytes[valueEnd] !== bytes[valueStart - 1]) {
        valueEnd = this.#value(bytes, valueStart, end);
        if (valueEnd <= 0) return valueEnd;
        plain = this.#plain;
      }

      const hash = 1 << ((nameEnd - i) * 7 + next + (bytes[nameEnd - 1] as number) * 3);
      if ((seen & hash) !== 0 && this.#standsAlready(bytes, i, nameEnd)) return DUPLICATE_ATTRIBUTE;
      seen |= hash;
      const at = this.count++ * SLOTS;
      slots[at] = i;
      slots[at + 1] = nameEnd;
      slots[at + 2] = colon;
      slots[at + 3] = valueStart;
      slots[at + 4] = valueEnd;
      slots[at + 5] = plain;
      if (colon !== 0 || next === 0x78) this.#noteNamespace(bytes, i, nameEnd, colon);
      i = valueEnd + 1;
    }
  }

  /** Counts the last attribute, if it declares a namespace or has a prefix. */
  #noteNamespace(bytes: Buffer, start: number, end: number, colon: number): void {
    const isDeclaration =
      (end - start === 5 || colon - start === 5) &&
      bytes[start] === 0x78 &&
      bytes[start + 1] === 0x6d &&
      bytes[start + 2] === 0x6c &&
      bytes[start + 3] === 0x6e &&
      bytes[start + 4] === 0x73;
    if (isDeclaration && colon === 0) this.defaultDeclaration = this.count - 1;
    else if (isDeclaration) this.prefixDeclarations++;
    else if (colon !== 0) this.prefixedAttributes++;
  }

  #standsAlready(bytes: Buffer, start: number, end: number): boolean {
    for (let index = 0; index < this.count; index++) {
      const otherStart = this.nameStart(index);
      const otherEnd = this.nameEndOf(index);
      if (otherEnd - otherStart === end - start && bytes.compare(bytes, start, end, otherStart, otherEnd) === 0)
        return true;
    }
    return false;
  }

  /** From the end of an attribute's name to the first byte of its value. */
  #equals(bytes: Buffer, at: number, end: number): number {
    let i = at;
    while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    if (i >= end) return INCOMPLETE;
    if (bytes[i] !== 0x3d) return BAD_TAG;
    i++;
    while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    if (i >= end) return INCOMPLETE;
    return bytes[i] === 0x27 || bytes[i] === 0x22 ? i + 1 : BAD_VALUE;
  }

  /** From the first byte of an attribute's value to its closing quote. */
  #value(bytes: Buffer, at: number, end: number): number {
    const quote = bytes[at - 1] as number;
    let plain = 1;
    let i = at;
    for (;;) {
      i = valueRunEnd(this.view, i, end);
      if (i > end - 4) while (i < end && ((CLASS[bytes[i] as number] as number) & VALUE_STOP) === 0) i++;
      if (i >= end) return INCOMPLETE;
      const stop = bytes[i] as number;
      if (stop === quote) break;
      if (stop >= 0x80) {
        const length = characterLength(bytes, i, end);
        if (length <= 0) return length;
        i += length;
      } else if (stop === 0x26) {
        i = referenceEnd(bytes, i, end, this.#maxNameBytes);
        if (i <= 0) return i;
        plain = 0;
      } else if (((CLASS[stop] as number) & SPACE) !== 0) {
        plain = 0;
        i++;
      } else if (stop === 0x3c) {
        return BAD_VALUE;
      } else if (stop < 0x20) {
        return NOT_A_CHARACTER;
      } else {
        i++;
      }
    }
    this.#plain = plain;
    return i;
  }

  /** The end of the QName at `at` (Namespaces in XML 1.0 §4); its colon goes to `#colon`. */
  #name(bytes: Buffer, at: number, end: number): number {
    let i = at;
    if (i < end && ((CLASS[bytes[i] as number] as number) & NAME_START) !== 0) {
      do i++;
      while (i < end && ((CLASS[bytes[i] as number] as number) & NAME_CHAR) !== 0);
      if (i < end && i - at <= this.#maxNameBytes) {
        const next = bytes[i] as number;
        if (next !== 0x3a && next < 0x80) {
          this.#colon = 0;
          return i;
        }
      }
    }
    return this.#anyName(bytes, at, end);
  }

  /** The same for names that have a colon or characters beyond ASCII, or are malformed. */
  #anyName(bytes: Buffer, at: number, end: number): number {
    const last = Math.min(end, at + this.#maxNameBytes + 1);
    let i = at;
    let atStart = true;
    this.#colon = 0;
    while (i < last) {
      const next = bytes[i] as number;
      if (next === 0x3a) {
        if (atStart || this.#colon !== 0) return BAD_NAME;
        this.#colon = i++;
        atStart = true;
        continue;
      }
      if (next < 0x80) {
        if (((CLASS[next] as number) & (atStart ? NAME_START : NAME_CHAR)) === 0) return atStart ? BAD_NAME : i;
        i++;
      } else {
        const length = characterLength(bytes, i, end);
        if (length <= 0) return length;
        if (!isNameCharacter(codePoint(bytes, i, length), atStart)) return BAD_NAME;
        i += length;
      }
      atStart = false;
    }
    return i - at > this.#maxNameBytes ? NAME_TOO_LONG : INCOMPLETE;
  }
}
