/**
 * Bytes that one end of an in-memory connection has written and the link has no room for yet: the link is its kernel
 * buffer.
 */
import type { Flushed } from '../ports.ts';

interface Piece {
  readonly bytes: Buffer;
  readonly awaiting: readonly Flushed[];
}

export class SendQueue {
  #pieces: Piece[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  push(bytes: Buffer, awaiting: readonly Flushed[]): void {
    this.#pieces.push({ bytes, awaiting });
    this.#bytes += bytes.length;
  }

  /** Passes up to `room` bytes of the first piece to `link`; with its last byte, calls those who wait for it. */
  take(room: number, link: (bytes: Buffer) => void): void {
    const first = this.#pieces[0];
    if (first === undefined) return;
    const bytes = first.bytes.subarray(0, room);
    const isWhole = bytes.length === first.bytes.length;
    if (isWhole) this.#pieces.shift();
    else this.#pieces[0] = { ...first, bytes: first.bytes.subarray(room) };
    this.#bytes -= bytes.length;
    link(bytes);
    if (isWhole) tell(first.awaiting, true);
  }

  /** Drops everything, and returns the callbacks that waited for it. */
  clear(): Flushed[] {
    const awaiting = this.#pieces.flatMap((piece) => piece.awaiting);
    this.#pieces = [];
    this.#bytes = 0;
    return awaiting;
  }
}

export function tell(awaiting: readonly Flushed[], handedOver: boolean): void {
  for (const flushed of awaiting) flushed(handedOver);
}
