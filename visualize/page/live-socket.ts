/** What a daemon reports without being asked: that something changed, and the elements that are watched. */
import type { WatchedElement, WatchFilter, Watching } from './source.ts';

type Message =
  | { readonly type: 'changed'; readonly actors: readonly string[] | null }
  | { readonly type: 'wire'; readonly records: readonly WatchedElement[] }
  | { readonly type: 'dropped'; readonly records: number };

interface Watcher {
  readonly filter: WatchFilter;
  readonly hear: (elements: readonly WatchedElement[]) => void;
  readonly dropped: (records: number) => void;
}

/** Between one attempt to connect and the next, in milliseconds. */
const RETRY_MS = 3_000;
/**
 * Answers change with time alone, when somebody waits longer than usual; and the daemon may not send notifications at
 * all.
 */
const ANYWAY_MS = 3_000;

export class LiveSocket implements Watching {
  readonly #listeners = new Set<(actors: readonly string[] | null) => void>();
  readonly #anyway: number;
  #socket: WebSocket | null = null;
  #retry = 0;
  #watcher: Watcher | null = null;

  constructor() {
    this.#open();
    this.#anyway = window.setInterval(() => {
      if (document.visibilityState === 'visible') this.#tell(null);
    }, ANYWAY_MS);
  }

  onChanged(listener: (actors: readonly string[] | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch(filter: WatchFilter, hear: Watcher['hear'], dropped: Watcher['dropped']): () => void {
    const watcher = { filter, hear, dropped };
    this.#watcher = watcher;
    this.#send({ type: 'watch', filter });
    return () => {
      if (this.#watcher !== watcher) return;
      this.#watcher = null;
      this.#send({ type: 'unwatch' });
    };
  }

  close(): void {
    window.clearInterval(this.#anyway);
    window.clearTimeout(this.#retry);
    this.#listeners.clear();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #open(): void {
    const address = new URL('api/live', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    address.hash = '';
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (this.#watcher !== null) this.#send({ type: 'watch', filter: this.#watcher.filter });
      this.#tell(null);
    });
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Message));
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#retry = window.setTimeout(() => this.#open(), RETRY_MS);
    });
  }

  #take(message: Message): void {
    if (message.type === 'changed') this.#tell(message.actors);
    if (message.type === 'wire') this.#watcher?.hear(message.records);
    if (message.type === 'dropped') this.#watcher?.dropped(message.records);
  }

  #tell(actors: readonly string[] | null): void {
    for (const listener of this.#listeners) listener(actors);
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
