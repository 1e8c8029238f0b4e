/**
 * Fast recognition of common stanzas: a WebAssembly module (source: assembly/recogniser.ts) runs over their bytes
 * sixteen at a time and leaves everything uncommon to the reader. All streams share its memory, so nothing is kept in
 * it: a stream that finds that another one has used it copies its bytes in again.
 */
import { NS } from '../../protocol/namespaces.ts';
import type { StanzaKind } from '../../protocol/stanza.ts';
import { viewOf } from './characters.ts';
import type { FramerLimits } from './contract.ts';
import { RECOGNISER_MODULE } from './recogniser-module.ts';

/** The part of WebAssembly used here; Node has it, but Node's types lack it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly recognise: (
    start: number,
    end: number,
    maxDepth: number,
    maxAttributes: number,
    maxNameBytes: number,
  ) => number;
}

// Layout of its memory, as in assembly/recogniser.ts; results by index.
const KIND = 0;
const TO = 1;
const TO_END = 2;
const FROM = 3;
const FROM_END = 4;
const NAME_END = 5;
const IS_CUT = 6;
const NAMESPACES = 3072;
const NAMESPACE_BYTES = 64;
const INPUT = 4096;
const INPUT_BYTES = 65_536;
/** Up to this many bytes are copied in four at a time: a native call costs more than it saves. */
const BY_HAND_BYTES = 128;

/** An incomplete stanza is examined from its beginning up to this size and this often; then the reader takes over. */
const LARGEST_CUT_BYTES = 2048;
const MOST_LOOKS = 8;

const KINDS: readonly StanzaKind[] = ['message', 'presence', 'iq'];

// A cast, since exports have no types; it must match the exports of assembly/recogniser.ts.
const { memory, recognise } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(RECOGNISER_MODULE, 'base64')))
  .exports as Exports;
const results = new Int32Array(memory.buffer, 0, IS_CUT + 1);
const input = Buffer.from(memory.buffer, INPUT, INPUT_BYTES + 1);
const inputView = viewOf(input);
[NS.xml, NS.xmlns, NS.server, NS.client, NS.component].forEach((name, index) => {
  Buffer.from(memory.buffer, NAMESPACES + index * NAMESPACE_BYTES, 1)[0] = name.length;
  Buffer.from(memory.buffer, NAMESPACES + index * NAMESPACE_BYTES + 1, name.length).write(name);
});
/** How often bytes were copied in, by any stream. */
let loads = 0;

export class Recogniser {
  readonly #limits: FramerLimits;
  /**
   * The load that copied our bytes in; the offset from memory positions to positions in them; the end of those loaded.
   */
  #load = -1;
  #ahead = 0;
  #loadedTo = 0;

  /** How often the current stanza was examined. */
  #looks = 0;
  /** Whether everything received of it so far is the beginning of a common stanza. */
  isCut = false;
  /** If so, the length of `<` and the stanza's name, once its start tag is complete; else 0. */
  cutNameBytes = 0;

  constructor(limits: FramerLimits) {
    this.#limits = limits;
  }

  /** Called before other bytes are read; bytes appended to the same ones do not count as other bytes. */
  forget(): void {
    this.#load = -1;
  }

  /** Another first-level element comes next. */
  next(): void {
    this.#looks = 0;
    this.isCut = false;
    this.cutNameBytes = 0;
  }

  /**
   * The position after the stanza whose `<` is at `at`, if it is common and not larger than `limit`; otherwise 0, and
   * `isCut` may be set. The bytes end at `end`; `view` is a view of them.
   */
  find(bytes: Buffer, view: DataView, at: number, end: number, limit: number): number {
    this.isCut = false;
    this.cutNameBytes = 0;
    if (this.#looks >= MOST_LOOKS) return 0;
    const after = this.#find(bytes, view, at, end);
    if (after > 0) return after - at <= limit ? after : 0;
    this.isCut = results[IS_CUT] === 1 && this.#loadedTo === end && end - at <= Math.min(LARGEST_CUT_BYTES, limit);
    if (this.isCut && results[NAME_END] !== 0) this.cutNameBytes = (results[NAME_END] as number) + this.#ahead - at;
    this.#looks = this.isCut ? this.#looks + 1 : MOST_LOOKS;
    return 0;
  }

  // Properties of the stanza found; positions are 0 when there is no such attribute:

  get kind(): StanzaKind {
    return KINDS[results[KIND] as number] as StanzaKind;
  }

  get to(): number {
    return results[TO] === 0 ? 0 : (results[TO] as number) + this.#ahead;
  }

  get toEnd(): number {
    return (results[TO_END] as number) + this.#ahead;
  }

  get from(): number {
    return results[FROM] === 0 ? 0 : (results[FROM] as number) + this.#ahead;
  }

  get fromEnd(): number {
    return (results[FROM_END] as number) + this.#ahead;
  }

  #find(bytes: Buffer, view: DataView, at: number, end: number): number {
    const isThere = this.#load === loads && at <= this.#loadedTo;
    if (!isThere || this.#loadedTo < end) this.#bring(bytes, view, isThere ? this.#loadedTo : at, end);
    const after = this.#recognise(at);
    if (after > 0 || this.#loadedTo === end || at === this.#ahead + INPUT) return after;
    this.#load = -1;
    this.#bring(bytes, view, at, end);
    return this.#recognise(at);
  }

  /** Copies bytes in, after those already loaded or in their place, as far as there is room. */
  #bring(bytes: Buffer, view: DataView, at: number, end: number): void {
    if (this.#load !== loads || at !== this.#loadedTo) {
      this.#ahead = at - INPUT;
      this.#load = ++loads;
    }
    const to = at - this.#ahead - INPUT;
    const length = Math.min(end - at, INPUT_BYTES - to);
    if (length <= BY_HAND_BYTES) {
      let i = 0;
      for (; i <= length - 4; i += 4) inputView.setInt32(to + i, view.getInt32(at + i, true), true);
      for (; i < length; i++) input[to + i] = bytes[at + i] as number;
    } else {
      bytes.copy(input, to, at, at + length);
    }
    input[to + length] = 0; // stops every run
    this.#loadedTo = at + length;
  }

  #recognise(at: number): number {
    const { depth, attributes, nameBytes } = this.#limits;
    const after = recognise(at - this.#ahead, this.#loadedTo - this.#ahead, depth, attributes, nameBytes);
    return after === 0 ? 0 : after + this.#ahead;
  }
}
