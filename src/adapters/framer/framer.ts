/**
 * The framer finds the borders of first-level elements in the bytes of an XML stream (RFC 6120 §4.2) and checks on the
 * way that everything is well-formed, namespace-well-formed and within what XMPP allows (§11). Stanzas are not made into
 * trees. How it works and what was measured: docs/adr/framer.md.
 */
import { isUtf8 } from 'node:buffer';
import { fault } from '../../protocol/faults.ts';
import {
  characterLength,
  CLASS as CLASS_,
  SPACE as SPACE_,
  TEXT_STOP as TEXT_STOP_,
  textRunEnd,
  UTF8_STOP as UTF8_STOP_,
  viewOf,
} from './characters.ts';
import { defaultFramerLimits, type FramerHandler, type FramerLimits } from './contract.ts';
import { ElementScope } from './element-scope.ts';
import { HeldBytes } from './held-bytes.ts';
import { OpenNames } from './open-names.ts';
import {
  BAD_MARKUP,
  BAD_TAG,
  BEFORE_HEADER,
  BYTE_ORDER_MARK,
  CDATA_END,
  NAME_TOO_LONG,
  NOT_A_CHARACTER,
  PROBLEMS,
  RESTRICTED,
  STREAM_TEXT,
  TOO_DEEP,
  TOO_LARGE,
  TOO_MANY_ATTRIBUTES,
} from './problems.ts';
import { ABSENT, xmlDeclarationEnd } from './prolog.ts';
import { TagMemo } from './tag-memo.ts';
import { INCOMPLETE as INCOMPLETE_, referenceEnd, TagScanner } from './tag-scanner.ts';
// Imported bindings are read from their cells at every byte; local ones are not.
const CLASS = CLASS_;
const SPACE = SPACE_;
const TEXT_STOP = TEXT_STOP_;
const UTF8_STOP = UTF8_STOP_;
const INCOMPLETE = INCOMPLETE_;

export { defaultFramerLimits, type FramerHandler, type FramerLimits, type StreamTag } from './contract.ts';

type State = 'open' | 'halted' | 'over';

const LESS = 0x3c;
const GREATER = 0x3e;
const SLASH = 0x2f;
const BRACKET = 0x5d;
const AMPERSAND = 0x26;
const EXCLAMATION = 0x21;
const QUESTION = 0x3f;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = viewOf(NO_BYTES);
const CDATA = '<![CDATA[';
const COMMENT = '<!--';
const DOCTYPE = '<!DOCTYPE';

/** Bytes of one XML stream in, first-level elements out. After a fault, or the closing tag, bytes are ignored. */
export class Framer {
  readonly #handler: FramerHandler;
  readonly #limits: FramerLimits;
  readonly #tag: TagScanner;
  readonly #names: OpenNames;
  readonly #scope: ElementScope;
  #memo = new TagMemo();
  #elementLimit: number;
  #state: State = 'open';
  #atStart = true;
  #inCdata = false;

  /** The part of the current element that came in earlier chunks, and where the rest of it begins in this chunk. */
  readonly #held = new HeldBytes();
  #from = 0;
  /** What cannot be judged before more bytes come: half a character, a reference, a border of CDATA. */
  #carry: Buffer = NO_BYTES;
  /** Where in what is held a tag begins whose end has not come (-1 none), and the quote it is in (0 none). */
  #openTag = -1;
  #openQuote = 0;
  #needsMore = false;
  #utf8End = -1;
  #bytesAfterHalt = 0;

  constructor(handler: FramerHandler, limits: Partial<FramerLimits> = {}) {
    this.#handler = handler;
    this.#limits = { ...defaultFramerLimits, ...limits };
    this.#elementLimit = this.#limits.elementBytes;
    this.#tag = new TagScanner(this.#limits.attributes, this.#limits.nameBytes);
    this.#names = new OpenNames(this.#limits.depth);
    this.#scope = new ElementScope(this.#tag);
  }

  /** Bytes held that are not yet part of a delivered element; after `halt`, those that followed. */
  get pendingBytes(): number {
    return this.#state === 'halted' ? this.#bytesAfterHalt : this.#held.length + this.#carry.length;
  }

  /** Sets `elementBytes`, for the current element and those after it. */
  setElementLimit(bytes: number): void {
    this.#elementLimit = bytes;
  }

  /**
   * A new stream header comes next (RFC 6120 §4.3.3); when called from a callback, in the rest of the chunk. Bytes that came
   * after `halt` are dropped: nothing read before TLS is used after it (S5).
   */
  restart(): void {
    this.#state = 'open';
    this.#atStart = true;
    this.#names.depth = 0;
    this.#memo = new TagMemo();
    this.#bytesAfterHalt = 0;
    this.#forget();
  }

  /** Stops at once: what follows, in this chunk and later, is counted and not read, until `restart`. */
  halt(): void {
    if (this.#state === 'open') this.#state = 'halted';
  }

  /** Reads a chunk; it may be kept, so its bytes must not change afterwards. */
  push(chunk: Buffer): void {
    if (this.#is('halted')) this.#bytesAfterHalt += chunk.length;
    if (!this.#is('open')) return;
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#carry = NO_BYTES;
    this.#tag.view = viewOf(bytes);
    this.#utf8End = -1;
    this.#from = 0;
    this.#needsMore = false;
    let i = this.#openTag < 0 ? 0 : this.#finishTag(bytes);
    while (i >= 0 && i < bytes.length && this.#reading()) {
      if (this.#names.depth > 1) i = this.#content(bytes, i);
      else if (this.#names.depth === 1) i = this.#between(bytes, i);
      else i = this.#prolog(bytes, i);
    }
    this.#tag.view = NO_VIEW;
    if (i < 0) this.#fail(i);
    else if (this.#is('halted')) this.#bytesAfterHalt = bytes.length - i;
    else if (this.#is('open')) this.#keep(bytes, i);
  }

  // A callback may change the state at any time, which narrowing of the field would not see.
  #is(state: State): boolean {
    return this.#state === state;
  }

  #reading(): boolean {
    return this.#state === 'open' && !this.#needsMore;
  }

  /** How far this chunk may be read before the current element is too large. */
  #window(bytes: Buffer): number {
    return Math.min(bytes.length, this.#from + this.#elementLimit - this.#held.length);
  }

  /** Before the stream header: an XML declaration, white space. */
  #prolog(bytes: Buffer, at: number): number {
    if (this.#atStart) this.#from = at;
    const end = this.#window(bytes);
    let i = at;
    if (this.#atStart) {
      const after = xmlDeclarationEnd(bytes, at, end);
      if (after === INCOMPLETE) return this.#wait(bytes, at, end);
      if (after < 0) return after;
      this.#atStart = false;
      if (after !== ABSENT) return after;
    }
    while (i < end && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    if (i >= end) return this.#wait(bytes, i, end);
    const next = bytes[i] as number;
    if (next === LESS) return this.#markup(bytes, i, end);
    return next >= 0xfe ? BYTE_ORDER_MARK : this.#strayText(bytes, i, end, BEFORE_HEADER);
  }

  /** Between first-level elements. */
  #between(bytes: Buffer, at: number): number {
    let i = at;
    while (i < bytes.length && ((CLASS[bytes[i] as number] as number) & SPACE) !== 0) i++;
    this.#from = i;
    if (i > at) {
      this.#handler.whitespace?.();
      return i;
    }
    const end = this.#window(bytes);
    return bytes[i] === LESS ? this.#markup(bytes, i, end) : this.#strayText(bytes, i, end, STREAM_TEXT);
  }

  #strayText(bytes: Buffer, at: number, end: number, problem: number): number {
    const next = bytes[at] as number;
    if (next < 0x80) return next < 0x20 ? NOT_A_CHARACTER : problem;
    const length = characterLength(bytes, at, end);
    if (length === INCOMPLETE) return this.#wait(bytes, at, end);
    return length < 0 ? length : problem;
  }

  /** Inside a first-level element, up to its end or the end of what there is. */
  #content(bytes: Buffer, at: number): number {
    const end = this.#window(bytes);
    const { view } = this.#tag;
    let inCdata = this.#inCdata;
    let i = at;
    for (;;) {
      i = textRunEnd(view, i, end);
      for (let seen = 1; i < end && ((CLASS[bytes[i] as number] as number) & TEXT_STOP) === 0; seen++) {
        i++;
        if ((seen & 3) === 0) i = textRunEnd(view, i, end);
      }
      if (i >= end) return this.#waitInText(bytes, at, end);
      const stop = bytes[i] as number;
      if (stop === LESS && !inCdata) {
        const inner = this.#innerTagEnd(bytes, i, end);
        if (inner > 0) {
          i = inner;
          continue;
        }
        i = this.#markup(bytes, i, end);
        if (i < 0 || this.#names.depth <= 1 || this.#needsMore) return i;
        inCdata = this.#inCdata;
      } else if (stop === GREATER) {
        const endsCdata = i > 1 && bytes[i - 1] === BRACKET && bytes[i - 2] === BRACKET;
        if (endsCdata && !inCdata) return CDATA_END;
        if (endsCdata) this.#inCdata = inCdata = false;
        i++;
      } else if (stop >= 0x80) {
        const known = this.#knownUtf8End(bytes, i);
        while (i < known && ((CLASS[bytes[i] as number] as number) & UTF8_STOP) === 0) i++;
        if (i >= end || (bytes[i] as number) < 0x80) continue;
        const length = characterLength(bytes, i, end);
        if (length <= 0) return length < 0 ? length : this.#wait(bytes, i, end);
        i += length;
      } else if (stop < 0x20) {
        return NOT_A_CHARACTER;
      } else if (stop === AMPERSAND && !inCdata) {
        const after = referenceEnd(bytes, i, end, this.#limits.nameBytes);
        if (after <= 0) return after < 0 ? after : this.#wait(bytes, i, end);
        i = after;
      } else {
        i++;
      }
    }
  }

  /** How far the chunk is known to be UTF-8: asked once per chunk, by its first character beyond ASCII. */
  #knownUtf8End(bytes: Buffer, at: number): number {
    if (this.#utf8End < 0) {
      let last = bytes.length - 1; // the last character may go on in the next chunk
      while (last > at && ((bytes[last] as number) & 0xc0) === 0x80) last--;
      this.#utf8End = isUtf8(bytes.subarray(at, last)) ? last : 0;
    }
    return this.#utf8End;
  }

  /** At a `<`: the position after the markup, after its callbacks, or a problem. */
  #markup(bytes: Buffer, at: number, end: number): number {
    if (at + 1 >= end) return this.#wait(bytes, at, end);
    const next = bytes[at + 1] as number;
    if (next === QUESTION) return RESTRICTED;
    if (next === EXCLAMATION) return this.#declarationOrCdata(bytes, at, end);
    const after = this.#tagEnd(bytes, at, end);
    if (after < 0) return after;
    if (after === INCOMPLETE) {
      this.#openTag = this.#held.length + at - this.#from;
      this.#openQuote = 0;
      this.#tagBorder(bytes, at, end);
      return this.#wait(bytes, at, end);
    }
    this.#tagRead(bytes, after);
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
    return [CDATA, COMMENT, DOCTYPE].some((markup) => markup.startsWith(start))
      ? this.#wait(bytes, at, end)
      : BAD_MARKUP;
  }

  /** The short way past tags inside a first-level element; 0 when the long way must be taken. */
  #innerTagEnd(bytes: Buffer, at: number, end: number): number {
    const names = this.#names;
    if (at + 1 >= end) return 0;
    if (bytes[at + 1] === SLASH) {
      if (names.depth === 2) return 0;
      const after = names.close(bytes, at, end);
      if (after > 0) this.#scope.leave(names.depth + 1);
      return after;
    }
    const known = names.depth < this.#limits.depth ? this.#memo.find(bytes, this.#tag.view, at, end) : null;
    if (known === null) return 0;
    if (!known.selfClosing) names.push(bytes, at + 1, at + 1 + known.nameLength);
    return at + known.length;
  }

  /** Reads the tag at `at`: the position after it, INCOMPLETE or a problem. */
  #tagEnd(bytes: Buffer, at: number, end: number): number {
    const names = this.#names;
    if (bytes[at + 1] === SLASH) {
      const after = names.close(bytes, at, end);
      if (after > 0) this.#scope.leave(names.depth + 1);
      return after;
    }
    const after = this.#tag.scan(bytes, at, end);
    if (after <= 0) return after;
    const depth = names.depth + 1;
    if (depth > this.#limits.depth) return TOO_DEEP;
    const problem = depth > 2 ? this.#scope.enter(bytes, at, depth) : this.#scope.enterFirst(bytes, at, depth);
    if (problem < 0) return problem;
    const { selfClosing, nameEnd } = this.#tag;
    if (depth > 2 && this.#scope.isSelfEvident(bytes)) this.#memo.remember(bytes, at, after, nameEnd, selfClosing);
    if (selfClosing) this.#scope.leave(depth);
    else names.push(bytes, at + 1, nameEnd);
    return after;
  }

  /** A tag has been read up to `at`: tells what it opened or closed. */
  #tagRead(bytes: Buffer, at: number): void {
    const depth = this.#names.depth;
    if (depth > 1) return;
    const header = this.#scope.takeHeader();
    if (header !== null) {
      const { selfClosing } = this.#tag;
      this.#forget();
      this.#handler.streamOpened(header);
      if (!selfClosing || !this.#is('open')) return;
    }
    if (header !== null || depth === 0) {
      this.#state = 'over';
      this.#forget();
      this.#handler.streamClosed();
      return;
    }
    const element = this.#take(bytes, at);
    const stanza = this.#scope.stanza(element);
    if (stanza !== null) this.#handler.stanza(stanza);
    else this.#handler.element(this.#scope.element(element));
  }

  /** The bytes of the first-level element that ends at `at`. */
  #take(bytes: Buffer, at: number): Buffer {
    if (this.#held.length === 0) return bytes.subarray(this.#from, at);
    this.#held.append(bytes, this.#from, at);
    return this.#held.take();
  }

  /** Stops until more bytes come; those from `at` on are carried over, unless the element is too large by then. */
  #wait(bytes: Buffer, at: number, end: number): number {
    if (end < bytes.length) return TOO_LARGE;
    this.#needsMore = true;
    return at;
  }

  /** The same at the end of text, of which up to two brackets may begin `]]>`. */
  #waitInText(bytes: Buffer, at: number, end: number): number {
    let i = end;
    while (i > at && end - i < 2 && bytes[i - 1] === BRACKET) i--;
    return this.#wait(bytes, i, end);
  }

  /** Keeps what belongs to an element or tag that goes on in the next chunk; `at` is how far this one was read. */
  #keep(bytes: Buffer, at: number): void {
    if (this.#openTag >= 0) {
      this.#held.append(bytes, this.#from, bytes.length);
    } else {
      if (this.#names.depth !== 1) this.#held.append(bytes, this.#from, at);
      this.#carry = bytes.subarray(at);
    }
  }

  /** Where the open tag ends: the position of its `>`, or `end`. */
  #tagBorder(bytes: Buffer, at: number, end: number): number {
    let quote = this.#openQuote;
    let i = at;
    for (; i < end; i++) {
      const next = bytes[i] as number;
      if (quote === 0 ? next === 0x22 || next === 0x27 : next === quote) quote = quote === 0 ? next : 0;
      else if (quote === 0 && next === GREATER) break;
    }
    this.#openQuote = quote;
    return i;
  }

  /** Goes on with a tag that began in an earlier chunk; it is read once its end is there, so that no byte is read twice. */
  #finishTag(bytes: Buffer): number {
    const end = this.#window(bytes);
    const border = this.#tagBorder(bytes, 0, end);
    if (border === bytes.length) return bytes.length;
    const after = border < end ? border + 1 : end;
    this.#held.append(bytes, 0, after);
    this.#from = after;
    const { view } = this.#tag;
    this.#tag.view = viewOf(this.#held.store);
    const tagEnd = this.#tagEnd(this.#held.store, this.#openTag, this.#held.length);
    this.#tag.view = view;
    this.#openTag = -1;
    if (tagEnd < 0) return tagEnd;
    if (tagEnd !== this.#held.length) return border < end ? BAD_TAG : TOO_LARGE;
    this.#tagRead(bytes, after);
    return after;
  }

  #forget(): void {
    this.#held.clear();
    this.#openTag = -1;
    this.#inCdata = false;
  }

  #fail(problem: number): void {
    const [condition, text] = PROBLEMS[problem] ?? ['internal-server-error', ''];
    const { depth, attributes, nameBytes } = this.#limits;
    const limit: Record<number, number> = {
      [TOO_LARGE]: this.#elementLimit,
      [TOO_DEEP]: depth,
      [TOO_MANY_ATTRIBUTES]: attributes,
      [NAME_TOO_LONG]: nameBytes,
    };
    this.#state = 'over';
    this.#forget();
    this.#handler.fault(fault('xml', condition, 'peer', text.replace('#', String(limit[problem]))));
  }
}
