/**
 * The way out: the stream that serves a pair, or the pair's queue until one does and has room (invariants S2, S7, L1).
 */
import type { Clock } from '../ports.ts';
import type { StanzaErrorCondition } from '../protocol/conditions.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { BackPressure } from './back-pressure.ts';
import type { Later } from './later.ts';
import { PairQueues, type PairQueue, type QueueBounds, type WaitingStanza } from './pair-queues.ts';
import type { Counters, Returns } from './returns.ts';
import { RecentCount } from './recent-count.ts';
import type { Numbers, Pair } from './tables/pair-set.ts';
import { NO_PAIRS, RouteTable, type Served } from './tables/route-table.ts';
import type { Delivery, Inlet, QueueEdge, RouterEvents, Settle, StreamId, StreamOutlet } from './types.ts';
import type { Writer } from './writer.ts';

export interface OutgoingParts extends QueueBounds {
  readonly queueAgeMs: number;
  readonly clock: Clock;
  readonly events: RouterEvents;
  readonly writer: Writer;
  readonly pressure: BackPressure;
  readonly later: Later;
  readonly returns: Returns;
  readonly counters: Counters;
  readonly numbers: Numbers;
  /** Receives stanza errors for local senders. */
  readonly answer: (reply: Stanza) => void;
}

interface StreamRow {
  readonly stream: StreamId;
  readonly outlet: StreamOutlet;
  readonly inlet: Inlet;
  /** Queues of pairs that this stream serves, waiting for room in its buffer. */
  readonly waiting: Set<PairQueue>;
  flushing: boolean;
  /** The two possible outcomes of stanzas written to it, shared so that none is created per stanza. */
  readonly sent: Delivery;
  readonly unknown: Delivery;
  readonly recent: RecentCount;
  /** Stanzas known not to have been flushed, because a caller waited for their outcome. */
  unflushed: number;
  /** The number of recently written stanzas at the time of withdrawal. */
  lately: number;
  /** The far end has read everything that was written. */
  finished: boolean;
  /** Recently sent stanzas have been added to the counter of unknown stanzas. */
  counted: boolean;
}

/**
 * A sender is held when a queue is half full, and released below a quarter: this leaves room for stanzas under way and
 * prevents rapid toggling.
 */
const HOLD_SHARE = 1 / 2;
const RELEASE_SHARE = 1 / 4;
/**
 * A kernel retransmits for minutes, but a peer that was alive half a minute ago has received what was sent before then.
 */
const UNKNOWN_WINDOW_MS = 15_000;

/** Whether a stanza may be sent on it at once, ahead of none that wait. */
const hasRoom = ({ outlet, waiting, flushing }: StreamRow): boolean =>
  waiting.size === 0 && !flushing && outlet.writable;

export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #routes: RouteTable;
  readonly #queues: PairQueues;
  readonly #streams = new Map<StreamId, StreamRow>();
  /** Streams that nothing more is written to, and for whose last stanzas the outcome is not known yet. */
  readonly #withdrawn = new Map<StreamId, StreamRow>();
  #lastRow: StreamRow | null = null;
  #ageTimer: unknown = null;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    this.#routes = new RouteTable(parts.numbers);
    this.#queues = new PairQueues(parts);
  }

  // ——— streams

  addStream(stream: StreamId, outlet: StreamOutlet, inlet: Inlet): void {
    if (this.#streams.has(stream)) throw new TypeError(`stream ${stream} is in the tables already`);
    this.#streams.set(stream, {
      stream,
      outlet,
      inlet,
      waiting: new Set(),
      flushing: false,
      sent: { outcome: 'sent', stream },
      unknown: { outcome: 'unknown', stream },
      recent: new RecentCount(this.#parts.clock, UNKNOWN_WINDOW_MS),
      unflushed: 0,
      lately: 0,
      finished: false,
      counted: false,
    });
  }

  hasStream(stream: StreamId): boolean {
    return this.#streams.has(stream);
  }

  /** The far end has read everything that was written to the stream. */
  finished(stream: StreamId): void {
    const row = this.#streams.get(stream) ?? this.#withdrawn.get(stream);
    if (row !== undefined) row.finished = true;
  }

  /**
   * The number of a withdrawn stream's stanzas that were written recently or are known not to have been flushed;
   * counted once.
   */
  end(stream: StreamId): number {
    const row = this.#withdrawn.get(stream);
    if (row === undefined) return 0;
    this.#withdrawn.delete(stream);
    this.#routes.forget(stream);
    const unknown = Math.max(row.finished ? 0 : row.lately, row.unflushed);
    this.#parts.counters.unknown += unknown - row.unflushed;
    row.counted = true;
    return unknown;
  }

  inletOf(stream: StreamId): Inlet | null {
    return this.#rowOf(stream)?.inlet ?? null;
  }

  withdrawStream(stream: StreamId): Served {
    const row = this.#streams.get(stream);
    if (row === undefined) return NO_PAIRS;
    const { pressure } = this.#parts;
    this.#streams.delete(stream);
    this.#withdrawn.set(stream, row);
    row.lately = row.recent.count;
    this.#lastRow = null;
    const pairs = this.#routes.withdraw(stream);
    for (const queue of row.waiting) {
      queue.line = null;
      this.#wantRouteLater(queue);
    }
    row.waiting.clear();
    pressure.release(row.outlet);
    return pairs;
  }

  drained(stream: StreamId): void {
    const row = this.#streams.get(stream);
    if (row === undefined) return;
    this.#flush(row);
    if (row.outlet.writable) this.#parts.pressure.release(row.outlet);
  }

  // ——— routes

  setRoute(local: string, remote: string, stream: StreamId): void {
    const queue = this.#unroute(local, remote);
    const row = this.#rowOf(stream);
    if (row === null) {
      if (queue !== null) this.#wantRouteLater(queue); // the stream ended before this call arrived
      return;
    }
    this.#routes.set(local, remote, stream);
    if (queue === null) return;
    queue.routeWanted = false;
    queue.overflowed = false;
    this.#tell(queue, 'flushed', queue.stanzas, null);
    this.#standInLine(queue, row);
    this.#flush(row);
  }

  routeOf(local: string, remote: string): StreamId | null {
    return this.#routes.find(local, remote);
  }

  /** Withdraws the routes of all pairs of one domain that the stream serves. */
  withdrawDomain(stream: StreamId, end: keyof Pair, domain: string): void {
    for (const { local, remote } of this.#routes.of(stream, end, domain)) this.withdrawRoute(local, remote);
  }

  withdrawRoute(local: string, remote: string): void {
    const queue = this.#unroute(local, remote);
    if (queue !== null) this.#wantRouteLater(queue);
  }

  returnQueue(local: string, remote: string, why: Fault, condition: StanzaErrorCondition): number {
    const queue = this.#queues.find(local, remote);
    if (queue === null) return 0;
    queue.routeWanted = false; // the request is answered
    const count = queue.stanzas; // inlets resumed by this may add more, which must not be returned
    this.#tell(queue, 'returned', count, why);
    for (let i = 0; i < count; i += 1) this.#returnFirst(queue, why, condition);
    return count;
  }

  /** Returns all waiting stanzas. */
  close(why: Fault, condition: StanzaErrorCondition): void {
    for (const { local, remote } of [...this.#queues.rows()]) this.returnQueue(local, remote, why, condition);
  }

  queueRows(): Iterable<PairQueue> {
    return this.#queues.rows();
  }

  get routes(): number {
    return this.#routes.size;
  }

  routeRows(): Iterable<Pair & { stream: StreamId }> {
    return this.#routes.rows();
  }

  // ——— stanzas

  /** Sends on the stream that serves the pair, or queues for it; returns false if none does. */
  trySend(from: string, to: string, stanza: Stanza, inlet: Inlet | null, settle: Settle | null): boolean {
    const row = this.#serving(this.#routes.find(from, to));
    if (row === null) return false;
    if (hasRoom(row)) this.#sendOn(row, stanza, inlet, settle);
    else this.#enqueueOn(row, from, to, stanza, inlet, settle);
    return true;
  }

  /** The same, by the numbers of the domains. */
  trySendBetween(from: number, to: number, stanza: Stanza, inlet: Inlet | null, settle: Settle | null): boolean {
    const row = this.#serving(this.#routes.findNumbers(from, to));
    if (row === null) return false;
    const { locals, remotes } = this.#parts.numbers;
    if (hasRoom(row)) this.#sendOn(row, stanza, inlet, settle);
    else this.#enqueueOn(row, locals.nameOf(from), remotes.nameOf(to), stanza, inlet, settle);
    return true;
  }

  /** Queues a stanza for which there is no stream behind the others of its pair, and asks for one. */
  enqueue(from: string, to: string, stanza: Stanza, inlet: Inlet | null, settle: Settle | null): void {
    const queue = this.#push(from, to, stanza, inlet, settle);
    if (queue === null || queue.routeWanted) return;
    queue.routeWanted = true;
    this.#tell(queue, 'waiting', queue.stanzas, null);
    this.#parts.events.routeWanted(from, to);
  }

  #serving(stream: StreamId | null): StreamRow | null {
    return stream === null ? null : this.#rowOf(stream);
  }

  #sendOn(row: StreamRow, stanza: Stanza, inlet: Inlet | null, settle: Settle | null): void {
    this.#send(row, stanza, settle);
    this.#holdIfFull(row, inlet);
  }

  /** Queues a stanza that the stream cannot take at once. */
  #enqueueOn(
    row: StreamRow,
    from: string,
    to: string,
    stanza: Stanza,
    inlet: Inlet | null,
    settle: Settle | null,
  ): void {
    const queue = this.#push(from, to, stanza, inlet, settle);
    if (queue === null) return;
    this.#standInLine(queue, row);
    this.#flush(row);
    this.#holdIfFull(row, inlet);
  }

  /** Adds to the queue of the pair; gives the stanza back and returns null if that is full. */
  #push(from: string, to: string, stanza: Stanza, inlet: Inlet | null, settle: Settle | null): PairQueue | null {
    const { clock, counters, pressure, queueAgeMs } = this.#parts;
    const before = this.#queues.find(from, to);
    if (this.#queues.isFull(before, stanza.bytes.length)) {
      if (before !== null && inlet !== null) pressure.hold(inlet, before);
      const why = fault('queue', 'queue-full', 'local', `too much waits for a stream from ${from} to ${to}`);
      if (before?.overflowed === false) {
        before.overflowed = true;
        this.#tell(before, 'full', before.stanzas, why);
      }
      this.#parts.returns.giveBack(stanza, why, 'resource-constraint', settle, this.#parts.answer);
      return null;
    }
    const queue = before ?? this.#queues.create(from, to);
    this.#queues.push(queue, stanza, settle, clock.now());
    counters.queued += 1;
    this.#ageTimer ??= clock.setTimeout(this.#returnAged, queueAgeMs);
    if (inlet !== null && this.#queues.isAbove(queue, HOLD_SHARE)) pressure.hold(inlet, queue);
    return queue;
  }

  #standInLine(queue: PairQueue, row: StreamRow): void {
    row.waiting.add(queue);
    queue.line = row.waiting;
  }

  #tell({ local, remote }: PairQueue, change: QueueEdge['change'], stanzas: number, why: Fault | null): void {
    this.#parts.events.queueChanged?.({ local, remote, change, stanzas, fault: why });
  }

  #send(row: StreamRow, stanza: Stanza, settle: Settle | null): void {
    if (settle === null) this.#parts.writer.write(row.outlet, stanza);
    else this.#parts.writer.write(row.outlet, stanza, (handedOver) => this.#settleWritten(row, settle, handedOver));
    this.#parts.counters.sent += 1;
    row.recent.add();
  }

  /** Also for withdrawn streams: one that closes cleanly still flushes its buffer. */
  #settleWritten(row: StreamRow, settle: Settle, handedOver: boolean): void {
    if (!handedOver) {
      row.unflushed += 1;
      if (!row.counted) this.#parts.counters.unknown += 1;
    }
    this.#parts.later.add(() => settle(handedOver ? row.sent : row.unknown));
  }

  #holdIfFull({ outlet }: StreamRow, inlet: Inlet | null): void {
    if (inlet !== null && !outlet.writable) this.#parts.pressure.hold(inlet, outlet);
  }

  #rowOf(stream: StreamId): StreamRow | null {
    if (this.#lastRow?.stream === stream) return this.#lastRow;
    const row = this.#streams.get(stream);
    if (row === undefined) return null;
    this.#lastRow = row;
    return row;
  }

  // ——— waiting stanzas

  /** Sends the stanzas that wait for this stream's buffer, pair after pair, while it has room. */
  #flush(row: StreamRow): void {
    if (row.flushing || row.waiting.size === 0) return;
    row.flushing = true; // stanzas that arrive meanwhile go behind (S7)
    this.#parts.writer.batch(() => {
      for (const queue of row.waiting) {
        while (row.outlet.writable) {
          const waiting = this.#take(queue);
          if (waiting === null) break;
          this.#send(row, waiting.stanza, waiting.settle);
        }
        if (row.outlet.writable) continue;
        if (row.waiting.delete(queue)) row.waiting.add(queue); // the next flush begins with another pair
        break;
      }
    });
    row.flushing = false;
  }

  /** Takes the first waiting stanza, and releases the queue's senders once there is room. */
  #take(queue: PairQueue): WaitingStanza | null {
    const waiting = this.#queues.shift(queue);
    if (waiting === null) return null;
    const isEmpty = queue.head === null;
    if (isEmpty) this.#forgetEmpty(queue);
    if (isEmpty || !this.#queues.isAbove(queue, RELEASE_SHARE)) this.#parts.pressure.release(queue);
    return waiting;
  }

  #forgetEmpty(queue: PairQueue): void {
    queue.line?.delete(queue);
    if (this.#queues.oldest !== null || this.#ageTimer === null) return;
    this.#parts.clock.clearTimeout(this.#ageTimer);
    this.#ageTimer = null;
  }

  #returnFirst(queue: PairQueue, why: Fault, condition: StanzaErrorCondition): void {
    const waiting = this.#take(queue);
    if (waiting === null) return;
    this.#parts.returns.giveBack(waiting.stanza, why, condition, waiting.settle, this.#parts.answer);
  }

  readonly #returnAged = (): void => {
    this.#ageTimer = null;
    const { clock, queueAgeMs } = this.#parts;
    const bornBefore = clock.now() - queueAgeMs;
    let oldest = this.#queues.oldest;
    const returned = new Map<PairQueue, { stanzas: number; fault: Fault }>();
    while (oldest !== null && oldest.sinceMs <= bornBefore) {
      const { queue } = oldest;
      const { local, remote } = queue;
      const why = fault('queue', 'queue-age', 'peer', `no stream from ${local} to ${remote} within ${queueAgeMs} ms`);
      this.#returnFirst(queue, why, 'remote-server-timeout');
      returned.set(queue, { stanzas: (returned.get(queue)?.stanzas ?? 0) + 1, fault: why });
      oldest = this.#queues.oldest;
    }
    for (const [queue, { stanzas, fault: why }] of returned) this.#tell(queue, 'returned', stanzas, why);
    if (oldest !== null) this.#ageTimer ??= clock.setTimeout(this.#returnAged, oldest.sinceMs - bornBefore);
  };

  /** Removes the pair's route, and returns the queue that is now without one. */
  #unroute(local: string, remote: string): PairQueue | null {
    const queue = this.#queues.find(local, remote);
    queue?.line?.delete(queue);
    if (queue !== null) queue.line = null;
    this.#routes.delete(local, remote);
    return queue;
  }

  #wantRouteLater(queue: PairQueue): void {
    queue.routeWanted = false;
    this.#parts.later.add(() => {
      const { local, remote } = queue;
      if (queue.head === null || queue.routeWanted || this.#routes.find(local, remote) !== null) return;
      queue.routeWanted = true;
      this.#tell(queue, 'waiting', queue.stanzas, null);
      this.#parts.events.routeWanted(local, remote);
    });
  }
}
