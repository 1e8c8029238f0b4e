/**
 * The framer finds the boundaries of first-level elements in the bytes of an XML stream (RFC 6120 §4.2). It also checks
 * that everything is well-formed, namespace-well-formed and allowed in XMPP (§11). Stanzas are not parsed into trees.
 * Design and measurements: docs/adr/framer.md.
 */
import { fault } from '../../protocol/faults.ts';
import { NO_VIEW, viewOf } from './characters.ts';
import { defaultFramerLimits, type FramerHandler, type FramerLimits } from './contract.ts';
import { HeldBytes } from './held-bytes.ts';
import { NAME_TOO_LONG, PROBLEMS, TOO_DEEP, TOO_LARGE, TOO_MANY_ATTRIBUTES } from './problems.ts';
import { StreamReader } from './stream-reader.ts';

export { defaultFramerLimits, type FramerHandler, type FramerLimits, type StreamTag } from './contract.ts';

type State = 'open' | 'halted' | 'over';

/** Bytes of a chunk that are first appended to an incomplete element; later portions are as large as what is held. */
const POURED_BYTES = 1024;
/** Chunks up to this size take a short path when they cannot end anything. */
const TINY_BYTES = 64;

/** Bytes of one XML stream in, first-level elements out. After a fault, or the closing tag, bytes are ignored. */
export class Framer {
  readonly #handler: FramerHandler;
  readonly #limits: FramerLimits;
  readonly #reader: StreamReader;
  #state: State = 'open';
  /** The part of the current element that came in earlier chunks, and how far it has been read. */
  readonly #held = new HeldBytes();
  #readTo = 0;
  /**
   * The position up to which bytes may be appended unread, as long as they cannot end anything; and the byte that
   * precedes a `>` that could.
   */
  #waitsUntil = 0;
  #lastNameByte = 0;
  #bytesAfterHalt = 0;

  constructor(handler: FramerHandler, limits: Partial<FramerLimits> = {}) {
    this.#handler = handler;
    this.#limits = { ...defaultFramerLimits, ...limits };
    this.#reader = new StreamReader(this.#limits);
  }

  /** Number of bytes held that are not yet part of a delivered element; after `halt`, of bytes received since. */
  get pendingBytes(): number {
    return this.#state === 'halted' ? this.#bytesAfterHalt : this.#held.length;
  }

  /** Sets `elementBytes`, for the current element and those after it. */
  setElementLimit(bytes: number): void {
    this.#reader.elementLimit = bytes;
    this.#waitsUntil = 0;
  }

  /**
   * Expects a new stream header (RFC 6120 §4.3.3); when called from a callback, in the rest of the chunk. Bytes
   * received after `halt` are dropped: nothing read before TLS is used after it (S5).
   */
  restart(): void {
    this.#state = 'open';
    this.#bytesAfterHalt = 0;
    this.#waitsUntil = 0;
    this.#held.clear();
    this.#reader.restart();
  }

  /** Stops at once: until `restart`, the following bytes of this and later chunks are counted but not read. */
  halt(): void {
    if (this.#state === 'open') this.#state = 'halted';
    this.#waitsUntil = 0;
  }

  /** Reads a chunk. Elements wholly inside it are delivered as parts of it: its bytes must not change afterwards. */
  push(chunk: Buffer): void {
    const { length } = chunk;
    const held = this.#held;
    const isShort = length <= TINY_BYTES && held.end + length <= this.#waitsUntil;
    if (!isShort) this.#read(chunk, false);
    // The short path for a few bytes that cannot end anything: they are appended to the bytes held.
    else if (held.lay(chunk, this.#lastNameByte)) this.#read(chunk, true);
    else held.hold(length);
  }

  #read(chunk: Buffer, isLaid: boolean): void {
    let at = 0;
    if ((this.#held.length > 0 || chunk.length <= TINY_BYTES) && this.#is('open')) at = this.#readHeld(chunk, isLaid);
    if (at >= 0 && at < chunk.length && this.#is('open')) at = this.#readChunk(chunk, at);
    if (at < 0) this.#fail(at);
    else if (this.#is('halted')) this.#bytesAfterHalt += chunk.length - at;
    this.#settle();
  }

  // A callback may change the state at any time, which TypeScript's narrowing of the field would miss.
  #is(state: State): boolean {
    return this.#state === state;
  }

  #settle(): void {
    const { bytes, end, length } = this.#held;
    const waits = length > 0 && this.#is('open');
    if (waits) this.#lastNameByte = this.#reader.lastNameByte(bytes);
    else this.#reader.look(NO_VIEW, 0); // the chunk is not kept alive
    this.#waitsUntil = waits ? Math.min(this.#reader.waitsUntil(bytes, this.#readTo, end), bytes.length) : 0;
  }

  /**
   * Appends bytes of the chunk to those held, if any, and reads them, until an element ends and the rest can be read in
   * place. Returns how much of the chunk is done, or a problem.
   */
  #readHeld(chunk: Buffer, isLaid: boolean): number {
    const held = this.#held;
    const reader = this.#reader;
    if (held.length === 0) this.#readTo = held.from;
    let at = 0;
    while (at < chunk.length) {
      const end = Math.min(chunk.length, at + Math.max(POURED_BYTES, held.length));
      const from = held.from;
      if (isLaid) held.hold(end);
      else held.append(chunk, at, end);
      this.#readTo += held.from - from;
      reader.from = held.from;
      const { bytes } = held;
      const ahead = end - held.end; // offset from a position in the bytes held to the one in the chunk
      at = end;
      reader.look(held.view, held.end);
      for (;;) {
        const readTo = reader.next(bytes, this.#readTo);
        if (readTo < 0) return readTo;
        this.#readTo = readTo;
        if (reader.found === 'nothing') break;
        this.#tell(bytes, readTo);
        // The callback may have restarted the stream and so cleared the bytes held.
        const goesOn = end === chunk.length && held.length > 0 && this.#is('open');
        if (!goesOn || !held.drop(readTo)) {
          held.clear();
          return readTo + ahead;
        }
      }
    }
    return chunk.length;
  }

  /** Reads elements that begin in the chunk and holds an incomplete one. Returns how far it read, or a problem. */
  #readChunk(chunk: Buffer, at: number): number {
    const held = this.#held;
    const reader = this.#reader;
    reader.from = at;
    reader.look(viewOf(chunk), chunk.length);
    let i = at;
    while (i < chunk.length) {
      i = reader.next(chunk, i);
      if (i < 0) return i;
      if (reader.found === 'nothing') {
        const read = i - reader.from;
        held.append(chunk, reader.from, chunk.length);
        reader.from = held.from;
        this.#readTo = held.from + read;
        return chunk.length;
      }
      this.#tell(chunk, i);
      if (!this.#is('open')) return i;
    }
    return i;
  }

  /** Reports what the reader has found, which ends at `end`. */
  #tell(bytes: Buffer, end: number): void {
    const { found, from, depth, scope } = this.#reader;
    if (found === 'element') {
      const element = this.#take(bytes, end);
      const stanza = scope.stanza(element);
      if (stanza !== null) this.#handler.stanza(stanza);
      else this.#handler.element(scope.element(element), element.length);
    } else if (found === 'whitespace') {
      this.#handler.whitespace?.();
    } else {
      const header = scope.takeHeader();
      if (header !== null) this.#handler.streamOpened(header, end - from);
      if (depth > 0 || !this.#is('open')) return;
      this.#state = 'over';
      this.#handler.streamClosed();
    }
  }

  /** The bytes of the first-level element that ends at `end`. */
  #take(bytes: Buffer, end: number): Buffer {
    return this.#held.length === 0 ? bytes.subarray(this.#reader.from, end) : this.#held.take(end);
  }

  #fail(problem: number): void {
    const [condition, text] = PROBLEMS[problem] ?? ['internal-server-error', ''];
    const { depth, attributes, nameBytes } = this.#limits;
    const limit: Record<number, number> = {
      [TOO_LARGE]: this.#reader.elementLimit,
      [TOO_DEEP]: depth,
      [TOO_MANY_ATTRIBUTES]: attributes,
      [NAME_TOO_LONG]: nameBytes,
    };
    this.#state = 'over';
    this.#held.clear();
    this.#handler.fault(fault('xml', condition, 'peer', text.replace('#', String(limit[problem]))));
  }
}
