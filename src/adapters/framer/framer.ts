/**
 * The framer finds the borders of first-level elements in the bytes of an XML stream (RFC 6120 §4.2) and checks on the
 * way that everything is well-formed, namespace-well-formed and within what XMPP allows (§11). Stanzas are not made into
 * trees. How it works and what was measured: docs/adr/framer.md.
 */
import { fault } from '../../protocol/faults.ts';
import { NO_VIEW, viewOf } from './characters.ts';
import { defaultFramerLimits, type FramerHandler, type FramerLimits } from './contract.ts';
import { HeldBytes } from './held-bytes.ts';
import { NAME_TOO_LONG, PROBLEMS, TOO_DEEP, TOO_LARGE, TOO_MANY_ATTRIBUTES } from './problems.ts';
import { StreamReader } from './stream-reader.ts';

export { defaultFramerLimits, type FramerHandler, type FramerLimits, type StreamTag } from './contract.ts';

type State = 'open' | 'halted' | 'over';

/** So much of a chunk is put behind a cut element at first, and then as much as is held already. */
const POURED_BYTES = 1024;
/** Chunks up to this size take a short way when they can end nothing. */
const TINY_BYTES = 64;

/** Bytes of one XML stream in, first-level elements out. After a fault, or the closing tag, bytes are ignored. */
export class Framer {
  readonly #handler: FramerHandler;
  readonly #limits: FramerLimits;
  readonly #reader: StreamReader;
  #state: State = 'open';
  /** The current element as far as it has come in earlier chunks, and how far it has been read. */
  readonly #held = new HeldBytes();
  #readTo = 0;
  /** Up to here the bytes held may grow by others that can end nothing and need not be read; what may stand before the `>`. */
  #waitsUntil = 0;
  #lastNameByte = 0;
  #bytesAfterHalt = 0;

  constructor(handler: FramerHandler, limits: Partial<FramerLimits> = {}) {
    this.#handler = handler;
    this.#limits = { ...defaultFramerLimits, ...limits };
    this.#reader = new StreamReader(this.#limits);
  }

  /** Bytes held that are not yet part of a delivered element; after `halt`, those that followed. */
  get pendingBytes(): number {
    return this.#state === 'halted' ? this.#bytesAfterHalt : this.#held.length;
  }

  /** Sets `elementBytes`, for the current element and those after it. */
  setElementLimit(bytes: number): void {
    this.#reader.elementLimit = bytes;
    this.#waitsUntil = 0;
  }

  /**
   * A new stream header comes next (RFC 6120 §4.3.3); when called from a callback, in the rest of the chunk. Bytes that came
   * after `halt` are dropped: nothing read before TLS is used after it (S5).
   */
  restart(): void {
    this.#state = 'open';
    this.#bytesAfterHalt = 0;
    this.#waitsUntil = 0;
    this.#held.clear();
    this.#reader.restart();
  }

  /** Stops at once: what follows, in this chunk and later, is counted and not read, until `restart`. */
  halt(): void {
    if (this.#state === 'open') this.#state = 'halted';
    this.#waitsUntil = 0;
  }

  /** Reads a chunk; elements that it holds whole are handed over as parts of it, so its bytes must not change afterwards. */
  push(chunk: Buffer): void {
    const { length } = chunk;
    const held = this.#held;
    const isShort = length <= TINY_BYTES && held.end + length <= this.#waitsUntil;
    if (!isShort) this.#read(chunk, false);
    // The short way for a few bytes that can end nothing: they are put behind those held.
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

  // A callback may change the state at any time, which narrowing of the field would not see.
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
   * Puts bytes of the chunk behind those held, if any, and reads them, until an element ends and the rest can be read where it is:
   * how much of the chunk is done, or a problem.
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
      const ahead = end - held.end; // from a position among the bytes held to that in the chunk
      at = end;
      reader.look(held.view, held.end);
      for (;;) {
        const readTo = reader.next(bytes, this.#readTo);
        if (readTo < 0) return readTo;
        this.#readTo = readTo;
        if (reader.found === 'nothing') break;
        this.#tell(bytes, readTo);
        // The callback may have restarted the stream, and so have cleared what is held.
        const goesOn = end === chunk.length && held.length > 0 && this.#is('open');
        if (!goesOn || !held.drop(readTo)) {
          held.clear();
          return readTo + ahead;
        }
      }
    }
    return chunk.length;
  }

  /** Reads elements that begin in the chunk and keeps one that does not end in it: how far it went, or a problem. */
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

  /** Tells what the reader has found, which ends at `end`. */
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
