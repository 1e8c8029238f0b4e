/** `/stately`: shows our actors in Stately's inspector; with `?domain=…`, only those that concern this domain. */
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import type { TraceRecord } from '../trace/record.ts';
import type { ActorView } from '../trace/view/view.ts';
import type { Inspected, Live } from './inspected.ts';
import {
  droppedRecords,
  eventsOf,
  isShown,
  type ShownRecord,
  ourselves,
  standing,
  type StatelyEvent,
} from './stately-events.ts';

/** Time between two batches, in milliseconds. */
const TICK_MS = 250;
/** Most records in a batch; Stately's inspector draws each of them. */
const MOST_RECORDS = 1_000;
/** Most actors sent at first: each comes with its chart. */
const MOST_AT_FIRST = 100;
/** Unread bytes of a client; beyond that it misses records. */
const MOST_UNREAD = 4 * 1_024 * 1_024;

export function showToStately(socket: WebSocket, inspected: Inspected, live: Live, query: URLSearchParams): void {
  const client = new StatelyClient(socket, inspected, live, (query.get('domain') ?? '').trim().toLowerCase());
  socket.on('close', () => client.stop());
}

class StatelyClient {
  readonly #socket: WebSocket;
  readonly #inspected: Inspected;
  readonly #live: Live;
  readonly #domain: string;
  readonly #listening: Subscription;
  #records: ShownRecord[] = [];
  #dropped = 0;
  #tick: NodeJS.Timeout | null = null;

  constructor(socket: WebSocket, inspected: Inspected, live: Live, domain: string) {
    this.#socket = socket;
    this.#inspected = inspected;
    this.#live = live;
    this.#domain = domain;
    this.#tellStanding();
    this.#listening = live.records$.subscribe((record) => this.#recorded(record));
  }

  stop(): void {
    this.#listening.unsubscribe();
    if (this.#tick !== null) clearTimeout(this.#tick);
  }

  #tellStanding(): void {
    const { actors, atMs } = this.#inspected.view();
    this.#say(ourselves(atMs));
    let told = 0;
    for (const id of actors.keys()) {
      if (told >= MOST_AT_FIRST) break;
      const actor = this.#concerns(id) ? actors.get(id) : undefined;
      if (actor?.ended !== null) continue;
      this.#say(standing(actor, atMs));
      told += 1;
    }
  }

  #recorded(record: TraceRecord): void {
    if (!isShown(record) || !this.#concerns(record.actor)) return;
    if (this.#records.length < MOST_RECORDS) this.#records.push(record);
    else this.#dropped += 1;
    this.#tick ??= setTimeout(() => this.#tell(), TICK_MS);
  }

  #concerns(id: string): boolean {
    if (this.#domain === '' || id.includes(this.#domain)) return true;
    const stream = /^stream:(\d+)/.exec(id)?.[1];
    const parties = stream === undefined ? null : this.#live.partiesOf(Number(stream));
    return parties !== null && [parties.local, parties.remote].some((one) => one.includes(this.#domain));
  }

  #tell(): void {
    this.#tick = null;
    const records = this.#records;
    this.#records = [];
    if (this.#socket.bufferedAmount > MOST_UNREAD) {
      this.#dropped += records.length;
      return;
    }
    const { actors, atMs } = this.#inspected.view();
    const last = new Map(records.map((record) => [record.actor, record]));
    for (const record of records) {
      // Only the last record of an actor in the batch gets its context: before that, the context was different.
      const actor: ActorView | undefined = last.get(record.actor) === record ? actors.get(record.actor) : undefined;
      for (const event of eventsOf(record, actor)) this.#say(event);
    }
    if (this.#dropped > 0) this.#say(droppedRecords(this.#dropped, atMs));
    this.#dropped = 0;
  }

  #say(event: StatelyEvent): void {
    this.#socket.send(JSON.stringify(event));
  }
}
