/** Queries through c-ares: bounded in number and in time, each on a channel of its own. */
import { Resolver as CaresResolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock, LookUpOptions } from '../../ports.ts';

export interface QueryOptions {
  readonly servers: readonly string[];
  readonly timeoutMs: number;
  readonly tries: number;
  readonly maxQueries: number;
  readonly maxWaiting: number;
  readonly clock: Clock;
}

/** On whose behalf it is asked. */
export type Purpose = NonNullable<LookUpOptions['purpose']>;

export type Outcome<Found> =
  | { readonly kind: 'found'; readonly found: readonly Found[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

export class Queries {
  readonly #options: QueryOptions;
  readonly #slots: Slots;
  /** Part of them: what is asked on behalf of verification goes through both, so that the rest is always there for our own. */
  readonly #slotsForVerification: Slots;
  readonly #channels: Channels;

  /** @throws TypeError when a server is not an address with an optional port. */
  constructor(options: QueryOptions) {
    this.#options = options;
    const { maxQueries, maxWaiting } = options;
    this.#slots = createSlots(maxQueries, maxWaiting);
    this.#slotsForVerification = createSlots(Math.max(1, Math.floor(maxQueries / 2)), maxWaiting);
    this.#channels = new Channels(options);
  }

  /** One query; it ends when its time is over or `signal` fires, and then at once. */
  ask<Found>(
    query: (cares: CaresResolver) => Promise<Found[]>,
    signal: AbortSignal,
    purpose: Purpose,
  ): Promise<Outcome<Found>> {
    return this.bounded(
      async (stop) => {
        const channel = this.#channels.take();
        const cancel = (): void => channel.cares.cancel(); // and with it everything on the channel
        stop.addEventListener('abort', cancel, { once: true });
        try {
          const found = await query(channel.cares);
          if (!stop.aborted) this.#channels.giveBack(channel);
          return found;
        } catch (thrown) {
          if (!stop.aborted && isAbsence(thrown)) this.#channels.giveBack(channel);
          throw thrown;
        } finally {
          stop.removeEventListener('abort', cancel);
        }
      },
      signal,
      purpose,
    );
  }

  /** Work that waits for a slot, and ends in time. */
  async bounded<Found>(
    look: (stop: AbortSignal) => Promise<readonly Found[]>,
    signal: AbortSignal,
    purpose: Purpose,
  ): Promise<Outcome<Found>> {
    const { clock, timeoutMs } = this.#options;
    const gates = purpose === 'verification' ? [this.#slotsForVerification, this.#slots] : [this.#slots];
    if (gates.some(({ full }) => full)) return { kind: 'failed', reason: 'too many look-ups wait already' };
    const limit = followSignal(signal);
    const timer = clock.setTimeout(() => limit.abort(`no answer within ${timeoutMs} ms`), timeoutMs);
    const taken: (() => void)[] = [];
    try {
      for (const gate of gates) {
        const release = await gate.take(limit.signal);
        if (release === null) return { kind: 'failed', reason: String(limit.signal.reason) };
        taken.push(release);
      }
      return { kind: 'found', found: await look(limit.signal) };
    } catch (thrown) {
      if (limit.signal.aborted) return { kind: 'failed', reason: String(limit.signal.reason) };
      return failedQuery(thrown);
    } finally {
      clock.clearTimeout(timer);
      limit.unfollow();
      for (const release of taken) release();
    }
  }
}

interface Channel {
  readonly cares: CaresResolver;
  readonly madeAtMs: number;
}

/** With the servers of the system, a channel knows those of when it was made. */
const CHANNEL_AGE_MS = 60_000;

/**
 * Channels that have nothing to do. To make one costs more than a query on it; each has at most one query at a time, since
 * cancelling a channel cancels all that is on it. One whose query failed is not used again: c-ares holds grudges.
 */
class Channels {
  readonly #idle: Channel[] = [];
  readonly #servers: readonly string[];
  readonly #settings: { readonly timeout: number; readonly tries: number };
  readonly #clock: Clock;

  constructor({ servers, timeoutMs, tries, clock }: QueryOptions) {
    this.#servers = servers.map(toCaresServer);
    // c-ares goes round all servers and doubles its patience each round; all rounds have to fit into timeoutMs.
    const rounds = Math.max(1, servers.length) * (2 ** tries - 1);
    this.#settings = { timeout: Math.max(1, Math.floor(timeoutMs / rounds)), tries };
    this.#clock = clock;
  }

  take(): Channel {
    const madeAtMs = this.#clock.now();
    for (;;) {
      const channel = this.#idle.pop();
      if (channel === undefined) break;
      if (Math.abs(madeAtMs - channel.madeAtMs) < CHANNEL_AGE_MS) return channel;
    }
    const cares = new CaresResolver(this.#settings);
    if (this.#servers.length > 0) cares.setServers(this.#servers);
    return { cares, madeAtMs };
  }

  giveBack(channel: Channel): void {
    this.#idle.push(channel); // never more than there are slots
  }
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);

/** NXDOMAIN or NODATA: an answer too. */
const isAbsence = (thrown: unknown): boolean => ['ENOTFOUND', 'ENODATA'].includes(codeOf(thrown));

function failedQuery(thrown: unknown): Outcome<never> {
  if (isAbsence(thrown)) return { kind: 'absent' };
  const code = codeOf(thrown);
  return { kind: 'failed', reason: CARES_REASONS[code] ?? code };
}

const CARES_REASONS: Readonly<Record<string, string>> = {
  ESERVFAIL: 'SERVFAIL',
  EREFUSED: 'REFUSED',
  ENOTIMP: 'NOTIMP',
  EFORMERR: 'FORMERR',
  ETIMEOUT: 'TIMEOUT: no server answered',
  ECONNREFUSED: 'no server could be reached',
  EBADRESP: 'a server answered what is no DNS message',
  EBADNAME: 'not a name that DNS can hold',
};

/** `192.0.2.1@53` and its kin, in the form that c-ares takes. */
function toCaresServer(server: string): string {
  const [, host = server, port = '53'] = isIP(server) ? [] : (/^(.+?)(?:[@:](\d{1,5}))?$/.exec(server) ?? []);
  const address = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  const family = isIP(address);
  if (family === 0 || Number(port) === 0 || Number(port) > 65_535) {
    throw new TypeError(`not the address of a name server: ${server}`);
  }
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface Follower {
  readonly signal: AbortSignal;
  abort(why: string): void;
  unfollow(): void;
}

/** An abort controller that also follows `signal`, until `unfollow`: outer signals may live for days. */
export function followSignal(signal: AbortSignal): Follower {
  const controller = new AbortController();
  const follow = () => controller.abort('cancelled');
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (why: string) => controller.abort(why),
    unfollow: () => signal.removeEventListener('abort', follow),
  };
}

/** Settles when `work` does, or rejects when `stop` fires; for work that cannot be cancelled. */
export function abandonable<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    stop.addEventListener('abort', () => reject(new Error(String(stop.reason))), { once: true });
    work.then(resolve, reject);
  });
}

type Slots = ReturnType<typeof createSlots>;

/** A counting semaphore, first come first served. */
function createSlots(size: number, maxWaiting: number) {
  let free = size;
  const waiting = new Set<() => void>();
  const release = () => {
    free += 1;
    const [next] = waiting;
    next?.();
  };
  return {
    get full(): boolean {
      return free === 0 && waiting.size >= maxWaiting;
    },
    /** Answers the release of a slot, or null if `signal` came first. */
    take: (signal: AbortSignal): Promise<(() => void) | null> =>
      new Promise((resolve) => {
        const giveUp = () => {
          waiting.delete(enter);
          resolve(null);
        };
        const enter = () => {
          waiting.delete(enter);
          signal.removeEventListener('abort', giveUp);
          free -= 1;
          resolve(release);
        };
        if (signal.aborted) {
          resolve(null);
        } else if (free > 0) {
          enter();
        } else {
          waiting.add(enter);
          signal.addEventListener('abort', giveUp, { once: true });
        }
      }),
  };
}
