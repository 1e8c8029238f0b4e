/**
 * Start tags that recur byte for byte: `<body>`, `<active xmlns='…'/>`. A tag once found well-formed, without prefixes
 * and in no content namespace, need not be read a second time, only compared.
 */
const SLOTS = 64;
const LONGEST_BYTES = 96;
const SHORTEST_BYTES = 5;
/** A taken slot is given to another tag only once per this many misses, so that rare tags do not evict common ones. */
const MISSES = 8;

interface KnownTag {
  /** Length of the tag, from `<` to `>`. */
  readonly length: number;
  readonly bytes: DataView;
  readonly nameLength: number;
  readonly selfClosing: boolean;
}

export class TagMemo {
  readonly #known = new Array<KnownTag | null>(SLOTS).fill(null);
  #misses = 0;

  /** The tag at `at`, if it is known; `view` is a view of the same bytes. The last four may be compared twice. */
  find(bytes: Buffer, view: DataView, at: number, end: number): KnownTag | null {
    if (at + SHORTEST_BYTES > end) return null;
    const known = this.#known[slotOf(bytes, at)] as KnownTag | null;
    if (known === null || at + known.length > end) return null;
    const tag = known.bytes;
    const last = known.length - 4;
    if (tag.getInt32(last, true) !== view.getInt32(at + last, true)) return null;
    for (let i = 0; i < last; i += 4) if (tag.getInt32(i, true) !== view.getInt32(at + i, true)) return null;
    return known;
  }

  remember(bytes: Buffer, at: number, after: number, nameEnd: number, selfClosing: boolean): void {
    if (after - at > LONGEST_BYTES || after - at < SHORTEST_BYTES) return;
    const slot = slotOf(bytes, at);
    if (this.#known[slot] !== null && this.#misses++ % MISSES !== 0) return;
    const copy = new Uint8Array(after - at);
    copy.set(bytes.subarray(at, after));
    this.#known[slot] = {
      length: copy.length,
      bytes: new DataView(copy.buffer),
      nameLength: nameEnd - at - 1,
      selfClosing,
    };
  }
}

function slotOf(bytes: Buffer, at: number): number {
  const mixed = (bytes[at + 1] as number) * 5 + (bytes[at + 2] as number) * 3 + (bytes[at + 3] as number) * 7;
  return (mixed + (bytes[at + 4] as number)) & (SLOTS - 1);
}
