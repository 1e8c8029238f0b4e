/**
 * `/api/live`: notifies a page of the actors that have moved, and shows it elements on the wire as they pass. Without
 * clients it subscribes to nothing; a slow reader misses some elements and is told how many.
 */
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import type { RecordOf, TraceRecord } from '../trace/record.ts';
import type { Live } from './inspected.ts';
import { passes, shown, streamOf, type WireFilter, wireFilterIn, type WireShown } from './wire-filter.ts';

/** Least time between two messages of a kind, in milliseconds. */
const TICK_MS = 250;
/** Most actors named in one tick; beyond that, the page reloads everything that it shows. */
const MOST_CHANGED = 200;
/** Elements for one client within a tick, and their total size in bytes of XML; more than anybody reads. */
const MOST_WATCHED = 500;
const MOST_WATCHED_BYTES = 128 * 1_024;
/** Unread bytes of a client; beyond that it misses elements, and then whole ticks. */
const MOST_UNREAD = 1_024 * 1_024;

interface Client {
  readonly socket: WebSocket;
  /** Null when it watches no elements. */
  filter: WireFilter | null;
  watched: WireShown[];
  watchedBytes: number;
  dropped: number;
  /** It missed a tick: anything may have changed. */
  isBehind: boolean;
}

export class LiveSocket {
  readonly #live: Live;
  readonly #clients = new Set<Client>();
  #listening: Subscription | null = null;
  #changed = new Set<string>();
  #atMs = 0;
  #tick: NodeJS.Timeout | null = null;

  constructor(live: Live) {
    this.#live = live;
  }

  take(socket: WebSocket): void {
    const client: Client = { socket, filter: null, watched: [], watchedBytes: 0, dropped: 0, isBehind: false };
    this.#clients.add(client);
    this.#listening ??= this.#live.records$.subscribe((record) => this.#recorded(record));
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const problem = isBinary ? 'expected JSON as text' : obey(client, data.toString());
      if (problem !== null) socket.close(1008, problem);
    });
    socket.on('close', () => {
      this.#clients.delete(client);
      if (this.#clients.size === 0) this.#rest();
    });
  }

  #rest(): void {
    this.#listening?.unsubscribe();
    this.#listening = null;
    if (this.#tick !== null) clearTimeout(this.#tick);
    this.#tick = null;
    this.#changed.clear();
  }

  /** Called in every negotiation, so it does little. */
  #recorded(record: TraceRecord): void {
    const { actor, atMs } = record;
    this.#atMs = atMs;
    if (actor !== '' && this.#changed.size <= MOST_CHANGED) {
      const slash = actor.indexOf('/');
      this.#changed.add(slash < 0 ? actor : actor.slice(0, slash));
    }
    if (record.kind === 'wire') this.#watch(record);
    this.#tick ??= setTimeout(() => this.#tell(), TICK_MS);
  }

  #watch(record: RecordOf<'wire'>): void {
    for (const client of this.#clients) {
      if (client.filter === null) continue;
      const parties = this.#live.partiesOf(streamOf(record));
      if (!passes(client.filter, record, parties)) continue;
      const isRoom = client.watched.length < MOST_WATCHED && client.watchedBytes < MOST_WATCHED_BYTES;
      if (isRoom) client.watched.push(shown(record, parties));
      else client.dropped += 1;
      client.watchedBytes += record.bytes ?? 0;
    }
  }

  #tell(): void {
    this.#tick = null;
    const actors = this.#changed.size > MOST_CHANGED ? null : [...this.#changed];
    this.#changed.clear();
    for (const client of this.#clients) {
      this.#tellElements(client);
      this.#tellChanges(client, actors);
    }
  }

  #tellChanges(client: Client, actors: readonly string[] | null): void {
    if (actors?.length === 0 && !client.isBehind) return;
    const wasBehind = client.isBehind;
    client.isBehind = client.socket.bufferedAmount > MOST_UNREAD;
    if (!client.isBehind) say(client, { type: 'changed', atMs: this.#atMs, actors: wasBehind ? null : actors });
  }

  #tellElements(client: Client): void {
    const { watched, socket } = client;
    client.watched = [];
    client.watchedBytes = 0;
    if (socket.bufferedAmount > MOST_UNREAD) {
      client.dropped += watched.length;
      return;
    }
    if (watched.length > 0) say(client, { type: 'wire', records: watched });
    if (client.dropped === 0) return;
    say(client, { type: 'dropped', records: client.dropped });
    client.dropped = 0;
  }
}

const say = ({ socket }: Client, message: object): void => socket.send(JSON.stringify(message));

/** Returns what is wrong with the message, or null. */
function obey(client: Client, text: string): string | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return 'expected JSON';
  }
  if (typeof message !== 'object' || message === null) return 'expected an object';
  const { type, filter } = message as { readonly type?: unknown; readonly filter?: unknown }; // checked below
  if (type === 'unwatch') {
    client.filter = null;
    return null;
  }
  if (type !== 'watch') return '"type": expected watch or unwatch';
  const wanted = wireFilterIn(filter);
  if (typeof wanted === 'string') return wanted;
  client.filter = wanted;
  return null;
}
