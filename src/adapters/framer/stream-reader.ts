/**
 * The grammar of a stream: prolog, header, first-level elements and their content, read from contiguous bytes up to the
 * next item to report. Markup that continues after the last byte is read again from its beginning, so the caller keeps
 * the bytes of an element together.
 */
import { isUtf8 } from 'node:buffer';
import {
  characterLength,
  CLASS as CLASS_,
  NAME_START,
  SPACE as SPACE_,
  TEXT_STOP as TEXT_STOP_,
  textRunEnd,
  utf8RunEnd,
} from './characters.ts';
import type { FramerLimits } from './contract.ts';
import { ElementScope } from './element-scope.ts';
import { OpenNames } from './open-names.ts';
import {
  BAD_MARKUP,
  BEFORE_HEADER,
  BYTE_ORDER_MARK,
  CDATA_END,
  NOT_A_CHARACTER,
  RESTRICTED,
  STREAM_TEXT,
  TOO_DEEP,
  TOO_LARGE,
} from './problems.ts';
import { ABSENT, xmlDeclarationEnd } from './prolog.ts';
import { Recogniser } from './recogniser.ts';
import { TagMemo } from './tag-memo.ts';
import { INCOMPLETE as INCOMPLETE_, referenceEnd, TagScanner } from './tag-scanner.ts';
// Imported bindings would be read from their module cells at every byte; local ones are not.
const CLASS = CLASS_;
const SPACE = SPACE_;
const TEXT_STOP = TEXT_STOP_;
const INCOMPLETE = INCOMPLETE_;

const LESS = 0x3c;
const GREATER = 0x3e;
const SLASH = 0x2f;
const BRACKET = 0x5d;
const AMPERSAND = 0x26;
const EXCLAMATION = 0x21;
const QUESTION = 0x3f;
const XML = '<?xml';
const CDATA = '<![CDATA[';
const COMMENT = '<!--';
const DOCTYPE = '<!DOCTYPE';
/** Most bytes that may stay unread while they cannot end a first-level element. */
const UNREAD_BYTES = 2048;
/** For less text than this, a native check costs more than it saves. */
const SHORT_TEXT_BYTES = 24;

/** Whether an incomplete tag or XML declaration begins at `at`; all other markup is an error there. */
function isCutTag(bytes: Buffer, at: number, end: number): boolean {
  if (at + 1 >= end || bytes[at] !== LESS) return false;
  const next = bytes[at + 1] as number;
  return ((CLASS[next] as number) & NAME_START) !== 0 || (next === QUESTION && end - at > XML.length);
}

export type Found = 'nothing' | 'header' | 'element' | 'end' | 'whitespace';

export class StreamReader {
  readonly scope: ElementScope;
  /** Largest first-level element, or header plus everything before it, in bytes. */
  elementLimit: number;
  /** What the last call of `next` found; after `nothing`, more bytes are needed. */
  found: Found = 'nothing';
  /** Where the current first-level element or the prolog begins. */
  from = 0;

  readonly #limits: FramerLimits;
  readonly #tag: TagScanner;
  readonly #names: OpenNames;
  readonly #recogniser: Recogniser;
  #memo = new TagMemo();
  #atStart = true;
  #inCdata = false;
  /** The end of the bytes being read, and how far they are known to be UTF-8. */
  #end = 0;
  #utf8End = -1;
  /** How far an incomplete tag has been searched for its end, counted from `from` (0: not read yet). */
  #searched = 0;
  /** The quote that was open where the search ended (0: none). */
  #quote = 0;

  constructor(limits: FramerLimits) {
    this.#limits = limits;
    this.elementLimit = limits.elementBytes;
    this.#tag = new TagScanner(limits.attributes, limits.nameBytes);
    this.#names = new OpenNames(limits.depth);
    this.#recogniser = new Recogniser(limits);
    this.scope = new ElementScope(this.#tag);
  }

  /** Number of open elements, the stream included. */
  get depth(): number {
    return this.#names.depth;
  }

  /** Expects a prolog next. */
  restart(): void {
    this.#names.depth = 0;
    this.#memo = new TagMemo();
    this.#atStart = true;
    this.#inCdata = false;
    this.#nextElement();
  }

  #nextElement(): void {
    this.#searched = 0;
    this.#recogniser.next();
  }

  /**
   * How far bytes that were read up to `at` and end at `end` may grow before they must be read, as long as none comes
   * that may end the header or a first-level element: until then there is nothing to report. 0 when new bytes must be
   * read at once.
   */
  waitsUntil(bytes: Buffer, at: number, end: number): number {
    if (this.#names.depth < 2 && !isCutTag(bytes, at, end)) return 0;
    return Math.min((this.#recogniser.isCut ? end : at) + UNREAD_BYTES, this.from + this.elementLimit);
  }

  /** The byte before a `>` that ends the current first-level element, unless white space is there; 0: it may be any. */
  lastNameByte(bytes: Buffer): number {
    const nameEnd = this.#names.depth > 1 ? this.#names.firstLevelEnd : this.#recogniser.cutNameBytes;
    return nameEnd === 0 ? 0 : (bytes[this.from + nameEnd - 1] as number);
  }

  /** Sets the bytes that `next` reads; called whenever they have changed. */
  look(view: DataView, end: number): void {
    if (view !== this.#tag.view) this.#recogniser.forget();
    this.#tag.view = view;
    this.#end = end;
    this.#utf8End = -1;
  }

  /** Reads on from `at`. Returns the position after what was found, or how far bytes could be read, or a problem. */
  next(bytes: Buffer, at: number): number {
    this.found = 'nothing';
    const { depth } = this.#names;
    if (depth > 1) return this.#content(bytes, at);
    const after = depth === 1 ? this.#between(bytes, at) : this.#prolog(bytes, at);
    return after >= 0 && this.#names.depth > 1 ? this.#content(bytes, after) : after;
  }

  /** The position up to which bytes may be read before the current element is too large. */
  #window(): number {
    return Math.min(this.#end, this.from + this.elementLimit);
  }

  /** Stops at `at` until more bytes come, unless the element is too large by then. */
  #wait(at: number): number {
    return this.#end > this.from + this.elementLimit ? TOO_LARGE : at;
  }

  /** Before the stream header: an XML declaration, white space. */
  #prolog(bytes: Buffer, at: number): number {
    if (this.#atStart) this.from = at;
    const end = this.#window();
    let i = at;
    if (this.#atStart) {
      const after = xmlDeclarationEnd(bytes, at, end);
      if (after === INCOMPLETE) return this.#wait(at);
      if (after < 0) return after;
      this.#atStart = false;
      if (after !== ABSENT) i = after;
    }
    while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    if (i >= end) return this.#wait(i);
    const next = bytes[i] as number;
    if (next === LESS) return this.#markup(bytes, i, end);
    return next >= 0xfe ? BYTE_ORDER_MARK : this.#strayText(bytes, i, end, BEFORE_HEADER);
  }

  /** Between first-level elements. */
  #between(bytes: Buffer, at: number): number {
    let i = at;
    while (i < this.#end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    this.from = i;
    if (i > at) {
      this.found = 'whitespace';
      return i;
    }
    const end = this.#window();
    if (bytes[i] !== LESS) return this.#strayText(bytes, i, end, STREAM_TEXT);
    if (this.scope.holdsStanzas) {
      const recogniser = this.#recogniser;
      const after = recogniser.find(bytes, this.#tag.view, i, this.#end, this.elementLimit);
      if (recogniser.isCut) return i;
      if (after > 0) {
        this.scope.enterRecognised(bytes, i, recogniser);
        this.found = 'element';
        this.#nextElement();
        return after;
      }
    }
    return this.#markup(bytes, i, end);
  }

  #strayText(bytes: Buffer, at: number, end: number, problem: number): number {
    const next = bytes[at] as number;
    if (next < 0x80) return next < 0x20 ? NOT_A_CHARACTER : problem;
    const length = characterLength(bytes, at, end);
    if (length === INCOMPLETE) return this.#wait(at);
    return length < 0 ? length : problem;
  }

  /** Inside a first-level element, up to its end or the end of the bytes. */
  #content(bytes: Buffer, at: number): number {
    const end = this.#window();
    const { view } = this.#tag;
    let inCdata = this.#inCdata;
    let i = at;
    for (;;) {
      i = textRunEnd(view, i, end);
      if (i > end - 4) while (i < end && ((CLASS[bytes[i] as number] as number) & TEXT_STOP) === 0) i++;
      if (i >= end) return this.#wait(i);
      const stop = bytes[i] as number;
      if (stop === LESS && !inCdata) {
        let after = this.#innerTagEnd(bytes, i, end);
        if (after <= 0) {
          after = this.#markup(bytes, i, end);
          if (after <= i || this.#names.depth <= 1) return after;
          inCdata = this.#inCdata;
        }
        i = after;
      } else if (stop === GREATER) {
        const endsCdata = bytes[i - 1] === BRACKET && bytes[i - 2] === BRACKET;
        if (endsCdata && !inCdata) return CDATA_END;
        if (endsCdata) this.#inCdata = inCdata = false;
        i++;
      } else if (stop >= 0x80) {
        i = utf8RunEnd(bytes, view, i, this.#knownUtf8End(bytes, i, end));
        if (i >= end || (bytes[i] as number) < 0x80) continue;
        const length = characterLength(bytes, i, end);
        if (length <= 0) return length < 0 ? length : this.#wait(i);
        i += length;
      } else if (stop < 0x20) {
        if (((CLASS[stop] as number) & SPACE) === 0) return NOT_A_CHARACTER;
        i++;
      } else if (stop === AMPERSAND && !inCdata) {
        const after = referenceEnd(bytes, i, end, this.#limits.nameBytes);
        if (after <= 0) return after < 0 ? after : this.#wait(i);
        i = after;
      } else {
        i++;
      }
    }
  }

  /** How far the bytes are known to be UTF-8: checked once for all of them, at the first non-ASCII character. */
  #knownUtf8End(bytes: Buffer, at: number, end: number): number {
    if (this.#utf8End < 0) {
      if (end - at < SHORT_TEXT_BYTES) return 0;
      let last = end - 1; // the last character may continue in later bytes
      while (last > at && ((bytes[last] as number) & 0xc0) === 0x80) last--;
      this.#utf8End = isUtf8(bytes.subarray(at, last)) ? last : 0;
    }
    return this.#utf8End;
  }

  /** At a `<`: the position after the markup, `at` when it is incomplete, or a problem. */
  #markup(bytes: Buffer, at: number, end: number): number {
    if (at + 1 >= end) return this.#wait(at);
    const next = bytes[at + 1] as number;
    if (next === QUESTION) return RESTRICTED;
    if (next === EXCLAMATION) return this.#declarationOrCdata(bytes, at, end);
    if (!this.#mayEnd(bytes)) return this.#wait(at);
    const { depth } = this.#names;
    const after = this.#tagEnd(bytes, at, end);
    if (after < 0) return after;
    if (after === INCOMPLETE) {
      this.#searched = at + 1 - this.from;
      this.#quote = 0;
      this.#mayEnd(bytes);
      return this.#wait(at);
    }
    if (depth === 0) this.found = 'header';
    else if (this.#names.depth === 0) this.found = 'end';
    else if (this.#names.depth === 1) this.found = 'element';
    if (this.found === 'element') this.#nextElement();
    return after;
  }

  #declarationOrCdata(bytes: Buffer, at: number, end: number): number {
    const start = bytes.toString('latin1', at, Math.min(end, at + CDATA.length));
    if (start === CDATA) {
      if (this.#names.depth < 2) return this.#names.depth === 0 ? BEFORE_HEADER : STREAM_TEXT;
      this.#inCdata = true;
      return at + CDATA.length;
    }
    if (start.startsWith(COMMENT) || start === DOCTYPE) return RESTRICTED;
    return [CDATA, COMMENT, DOCTYPE].some((markup) => markup.startsWith(start)) ? this.#wait(at) : BAD_MARKUP;
  }

  /**
   * Whether a tag may end in the available bytes. A tag that was read and was incomplete is read again only when a `>`
   * outside quotes has come, so its cost does not depend on how small the pieces are.
   */
  #mayEnd(bytes: Buffer): boolean {
    if (this.#searched === 0) return true;
    const end = this.#end;
    let quote = this.#quote;
    let ends = end > this.from + this.elementLimit; // then it is read to find the problem
    for (let i = this.from + this.#searched; i < end && !ends; i++) {
      const next = bytes[i] as number;
      if (quote === 0) {
        if (next === GREATER) ends = true;
        else if (next === 0x22 || next === 0x27) quote = next;
      } else if (next === quote) quote = 0;
    }
    this.#quote = quote;
    this.#searched = ends ? 0 : end - this.from;
    return ends;
  }

  /** The short path past a tag inside a first-level element; 0 when the long path must be taken. */
  #innerTagEnd(bytes: Buffer, at: number, end: number): number {
    const names = this.#names;
    if (at + 1 >= end) return 0;
    if (bytes[at + 1] === SLASH) {
      if (names.depth === 2) return 0;
      const after = names.close(bytes, at, end, this.from);
      if (after > 0) this.scope.leave(names.depth + 1);
      return after;
    }
    const known = names.depth < this.#limits.depth ? this.#memo.find(bytes, this.#tag.view, at, end) : null;
    if (known === null) return 0;
    if (!known.selfClosing) names.push(bytes, at + 1, at + 1 + known.nameLength, this.from);
    return at + known.length;
  }

  /** Reads the tag at `at`. Returns the position after it, INCOMPLETE or a problem. */
  #tagEnd(bytes: Buffer, at: number, end: number): number {
    const names = this.#names;
    if (bytes[at + 1] === SLASH) {
      const after = names.close(bytes, at, end, this.from);
      if (after > 0) this.scope.leave(names.depth + 1);
      return after;
    }
    const after = this.#tag.scan(bytes, at, end);
    if (after <= 0) return after;
    const depth = names.depth + 1;
    if (depth > this.#limits.depth) return TOO_DEEP;
    const problem = depth > 2 ? this.scope.enter(bytes, at, depth) : this.scope.enterFirst(bytes, at, depth);
    if (problem < 0) return problem;
    const { selfClosing, nameEnd } = this.#tag;
    if (depth > 2 && this.scope.isSelfEvident(bytes)) this.#memo.remember(bytes, at, after, nameEnd, selfClosing);
    if (selfClosing) this.scope.leave(depth);
    else names.push(bytes, at + 1, nameEnd, this.from);
    return after;
  }
}
