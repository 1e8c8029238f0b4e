/** Plain DNS through c-ares, each query on a channel of its own: no answer is ever secure or bogus. */
import { Resolver as CaresResolver } from 'node:dns/promises';
import type { Clock } from '../../ports.ts';
import type { NameSource, Outcome } from './outcome.ts';
import { parseServer } from './server-address.ts';

export interface CaresOptions {
  readonly servers: readonly string[];
  readonly timeoutMs: number;
  readonly tries: number;
  readonly clock: Clock;
}

/** c-ares in Node gives no TTL with SRV records. This one is short: deployed ones are 5 minutes to a day. */
export const SRV_TTL_SECONDS = 30;
/** For negative answers: Node does not give the SOA, whose minimum RFC 2308 §5 asks for. */
const NEGATIVE_TTL_SECONDS = 30;

/** @throws TypeError when a server is not an address with an optional port. */
export function createCaresSource(options: CaresOptions): NameSource {
  const channels = new Channels(options);

  async function ask<Found>(
    query: (cares: CaresResolver) => Promise<Found[]>,
    ttlOf: (found: readonly Found[]) => number,
    stop: AbortSignal,
  ): Promise<Outcome<Found>> {
    const channel = channels.take();
    const cancel = (): void => channel.cares.cancel(); // cancels everything on the channel
    stop.addEventListener('abort', cancel, { once: true });
    try {
      const found = await query(channel.cares);
      if (!stop.aborted) channels.giveBack(channel);
      return { kind: 'found', found, secure: false, ttlSeconds: ttlOf(found), canonicalName: null };
    } catch (thrown) {
      if (stop.aborted) return { kind: 'failed', reason: String(stop.reason) };
      if (isAbsence(thrown)) channels.giveBack(channel);
      return failedQuery(thrown);
    } finally {
      stop.removeEventListener('abort', cancel);
    }
  }

  return {
    tlsa: null,
    srv: (name, stop) =>
      ask(
        (cares) => cares.resolveSrv(name).then((all) => all.map(({ name: target, ...rest }) => ({ target, ...rest }))),
        () => SRV_TTL_SECONDS,
        stop,
      ),
    addresses: async (host, family, stop) => {
      const outcome = await ask(
        (cares) => (family === 4 ? cares.resolve4(host, { ttl: true }) : cares.resolve6(host, { ttl: true })),
        (found) => Math.min(...found.map(({ ttl }) => ttl)),
        stop,
      );
      return outcome.kind === 'found' ? { ...outcome, found: outcome.found.map(({ address }) => address) } : outcome;
    },
  };
}

interface Channel {
  readonly cares: CaresResolver;
  readonly madeAtMs: number;
}

/** Age after which a channel is not reused: it knows the system's servers as of its creation. */
const CHANNEL_AGE_MS = 60_000;

/**
 * Idle channels, since creating one costs more than a query on it. Each has at most one query at a time, because
 * cancelling a channel cancels everything on it. One whose query failed is not reused: c-ares remembers failed servers.
 */
class Channels {
  readonly #idle: Channel[] = [];
  readonly #servers: readonly string[];
  readonly #settings: { readonly timeout: number; readonly tries: number };
  readonly #clock: Clock;

  constructor({ servers, timeoutMs, tries, clock }: CaresOptions) {
    this.#servers = servers.map(toCaresServer);
    // c-ares tries all servers in rounds, and doubles its timeout each round; all rounds have to fit into timeoutMs.
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
    this.#idle.push(channel); // never more of them than slots
  }
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);

/** NXDOMAIN or NODATA, which are answers too. */
const isAbsence = (thrown: unknown): boolean => ['ENOTFOUND', 'ENODATA'].includes(codeOf(thrown));

function failedQuery(thrown: unknown): Outcome<never> {
  if (isAbsence(thrown)) return { kind: 'absent', secure: false, ttlSeconds: NEGATIVE_TTL_SECONDS };
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

/** The form that c-ares accepts. */
function toCaresServer(server: string): string {
  const { address, family, port } = parseServer(server);
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
