/** Waiting stanzas: one bounded queue per domain pair (XEP-0220 §2.1.1), and one list of all of them, oldest first. */
import type { Stanza } from '../protocol/stanza.ts';
import type { Settle } from './types.ts';

export interface WaitingStanza {
  readonly stanza: Stanza;
  readonly settle: Settle | null;
  readonly sinceMs: number;
  readonly queue: PairQueue;
  /** The next stanza of its pair. */
  behind: WaitingStanza | null;
  /** Its neighbours by age, across all pairs. */
  older: WaitingStanza | null;
  newer: WaitingStanza | null;
}

/** The stanzas of one pair that no stream could take yet. A queue exists only while it holds something. */
export interface PairQueue {
  readonly local: string;
  readonly remote: string;
  stanzas: number;
  bytes: number;
  head: WaitingStanza | null;
  tail: WaitingStanza | null;
  /** The control plane has been asked for a route and has not answered. */
  routeWanted: boolean;
  /** A stanza found no room in it since it was last flushed. */
  overflowed: boolean;
  /** The queues that wait for room in the buffer of the same stream, this one among them; null without a stream. */
  line: Set<PairQueue> | null;
}

export interface QueueBounds {
  /** Stanzas per pair. */
  readonly queueStanzas: number;
  /** Bytes per pair. */
  readonly queueBytes: number;
}

export class PairQueues {
  readonly #bounds: QueueBounds;
  /** By our domain, then by the remote one. Our domains are few, so that their maps are kept. */
  readonly #queues = new Map<string, Map<string, PairQueue>>();
  #oldest: WaitingStanza | null = null;
  #newest: WaitingStanza | null = null;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** The stanza that has waited longest, across all pairs. */
  get oldest(): WaitingStanza | null {
    return this.#oldest;
  }

  find(local: string, remote: string): PairQueue | null {
    return this.#queues.get(local)?.get(remote) ?? null;
  }

  /** Whether one more stanza of `bytes` would exceed a bound. */
  isFull(queue: PairQueue | null, bytes: number): boolean {
    const { queueStanzas, queueBytes } = this.#bounds;
    return (queue?.stanzas ?? 0) + 1 > queueStanzas || (queue?.bytes ?? 0) + bytes > queueBytes;
  }

  /** Whether the queue is above `share` of one of its bounds. */
  isAbove(queue: PairQueue, share: number): boolean {
    return queue.stanzas > this.#bounds.queueStanzas * share || queue.bytes > this.#bounds.queueBytes * share;
  }

  /** A queue for a pair that has none; {@link push} has to follow. */
  create(local: string, remote: string): PairQueue {
    const queue: PairQueue = {
      local,
      remote,
      stanzas: 0,
      bytes: 0,
      head: null,
      tail: null,
      routeWanted: false,
      overflowed: false,
      line: null,
    };
    const remotes = this.#queues.get(local);
    if (remotes === undefined) this.#queues.set(local, new Map([[remote, queue]]));
    else remotes.set(remote, queue);
    return queue;
  }

  push(queue: PairQueue, stanza: Stanza, settle: Settle | null, nowMs: number): void {
    const older = this.#newest;
    // A waiting stanza must not keep the whole chunk alive in which it arrived: the bound is one of memory.
    const waiting: WaitingStanza = {
      stanza: stanza.detached(),
      settle,
      sinceMs: nowMs,
      queue,
      behind: null,
      older,
      newer: null,
    };
    if (queue.tail === null) queue.head = waiting;
    else queue.tail.behind = waiting;
    queue.tail = waiting;
    queue.stanzas += 1;
    queue.bytes += stanza.bytes.length;
    if (older === null) this.#oldest = waiting;
    else older.newer = waiting;
    this.#newest = waiting;
  }

  /** Takes the first stanza of a pair; taking the last one removes the queue. */
  shift(queue: PairQueue): WaitingStanza | null {
    const first = queue.head;
    if (first === null) return null;
    queue.head = first.behind;
    if (queue.head === null) queue.tail = null;
    queue.stanzas -= 1;
    queue.bytes -= first.stanza.bytes.length;
    if (first.older === null) this.#oldest = first.newer;
    else first.older.newer = first.newer;
    if (first.newer === null) this.#newest = first.older;
    else first.newer.older = first.older;
    if (queue.head === null) this.#queues.get(queue.local)?.delete(queue.remote);
    return first;
  }

  *rows(): Generator<PairQueue> {
    for (const remotes of this.#queues.values()) yield* remotes.values();
  }
}
