/**
 * GET over HTTPS for URLs that untrusted peers choose: bounded in number, hops, time and bytes, without cookies or
 * credentials, and only to the public Internet unless the operator allows more (RFC 7711 §10).
 */
import type { Clock, LookUpOptions, Resolver } from '../../ports.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import { httpsUrl } from '../../protocol/https-url.ts';
import { systemClock } from '../clock.ts';
import { abandonable, BoundedWork, NotDone } from '../bounded.ts';
import { createResolver } from '../dns/resolver.ts';
import { connectTo, type ConnectionParts, webTrust } from './connection.ts';
import { exchange } from './exchange.ts';
import { HttpsError } from './failure.ts';
import { isPublicAddress } from './public-addresses.ts';

export interface HttpsOptions {
  /** Resolves addresses; a bogus answer leads to no connection (S4). @defaultValue plain DNS, as the system has it */
  readonly resolver?: Pick<Resolver, 'addresses'>;
  /** Trust the system's trust anchors. @defaultValue true */
  readonly system?: boolean;
  /** Additional trust anchors, as PEM bundles. @defaultValue none */
  readonly anchors?: readonly string[];
  /**
   * Whether to connect to private, loopback, link-local and other special addresses too; a function decides for each.
   * @defaultValue false
   */
  readonly allowPrivate?: boolean | ((address: string) => boolean);
  /** The port for URLs without one. @defaultValue 443 */
  readonly port?: number;
  /** Redirects followed for one URL. @defaultValue 5 */
  readonly maxRedirects?: number;
  /** @defaultValue 65536 */
  readonly maxBodyBytes?: number;
  /** Time limit for one turn, in milliseconds, including the wait for it. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** Turns at one time, each with one connection; at most half of them are for verification. @defaultValue 32 */
  readonly maxTurns?: number;
  /** Callers that may wait for a turn; further ones fail at once. @defaultValue 2000 */
  readonly maxWaiting?: number;
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
}

export interface HttpsAnswer {
  readonly status: number;
  /** Empty unless the status is a success. */
  readonly body: Uint8Array;
  /** The URL that answered, after redirects. */
  readonly url: string;
}

/** @throws HttpsError */
export type HttpsGet = (url: string) => Promise<HttpsAnswer>;

export interface HttpsClient {
  /**
   * Waits for a turn and runs `work`, whose GETs share the time limit of the turn; resolves to the result of `work`.
   * @throws HttpsError, and whatever `work` throws
   */
  turn<T>(work: (get: HttpsGet) => Promise<T>, signal: AbortSignal, options?: LookUpOptions): Promise<T>;
  /** Cancels the turns under way; later ones fail with `cancelled`. */
  close(): void;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @throws FaultError `pkix`, local, when the trust anchors cannot be read */
export function createHttpsClient(options: HttpsOptions = {}): HttpsClient {
  const { clock = systemClock, timeoutMs = 10_000, maxTurns = 32, maxWaiting = 2_000 } = options;
  const turns = new BoundedWork({ clock, timeoutMs, most: maxTurns, mostWaiting: maxWaiting });
  const fetchUrl = createFetch(options, clock);

  async function turn<T>(
    work: (get: HttpsGet) => Promise<T>,
    signal: AbortSignal,
    lookUp: LookUpOptions = {},
  ): Promise<T> {
    let doing = 'waiting for a turn';
    const inTurn = (stop: AbortSignal): Promise<T> => {
      const get = (url: string): Promise<HttpsAnswer> => {
        doing = url;
        return fetchUrl(url, stop, lookUp);
      };
      return abandonable(work(get), stop);
    };
    try {
      return await turns.run(inTurn, signal, lookUp.purpose);
    } catch (thrown) {
      if (!(thrown instanceof NotDone)) throw thrown;
      switch (thrown.why) {
        case 'full':
          throw new HttpsError('too-many-fetches', thrown.message);
        case 'no-turn':
          throw new HttpsError('too-many-fetches', `no turn within ${timeoutMs} ms`);
        case 'timeout':
          throw new HttpsError('timeout', `not done within ${timeoutMs} ms: ${doing}`);
        case 'cancelled':
          throw new HttpsError('cancelled', doing);
      }
    }
  }

  return { turn, close: () => turns.close() };
}

/** GETs one URL and follows redirects; the URL of each hop is checked like the first one. */
function createFetch(options: HttpsOptions, clock: Clock) {
  const { port = 443, maxRedirects = 5, maxBodyBytes = 65_536, allowPrivate = false } = options;
  const { resolver = createResolver({ clock }), system = true, anchors = [] } = options;
  const isSpeciallyAllowed = typeof allowPrivate === 'function' ? allowPrivate : () => allowPrivate;
  const isAllowed = (address: string): boolean => isPublicAddress(address) || isSpeciallyAllowed(address);
  const parts: ConnectionParts = { resolver, trust: webTrust(system, anchors), isAllowed, clock };

  async function hop(url: URL, stop: AbortSignal, lookUp: LookUpOptions) {
    const host = canonicalDomain(url.hostname);
    if (host === null) throw new HttpsError('url-invalid', `${url.hostname} is no host`);
    const server = { host, port: url.port === '' ? port : Number(url.port) };
    return exchange(await connectTo(server, parts, stop, lookUp), url, maxBodyBytes, stop);
  }

  return async (text: string, stop: AbortSignal, lookUp: LookUpOptions): Promise<HttpsAnswer> => {
    let url = httpsUrl(text);
    if (url === null) throw new HttpsError('url-invalid', `${text} is no https URL without user and password`);
    for (let redirects = 0; ; redirects += 1) {
      const { status, location, body } = await hop(url, stop, lookUp).catch(about(url));
      if (!REDIRECTS.has(status)) return { status, body, url: url.href };
      if (redirects >= maxRedirects) throw new HttpsError('too-many-redirects', `${text}: more than ${maxRedirects}`);
      url = redirected(url, location);
    }
  };
}

/** Adds the URL to the text of a failure. */
function about({ href }: URL): (thrown: unknown) => never {
  return (thrown) => {
    if (!(thrown instanceof HttpsError)) throw thrown;
    throw new HttpsError(thrown.condition, `${href}: ${thrown.message}`, { cause: thrown });
  };
}

/** All redirects are treated as temporary (RFC 7711 §10). */
function redirected(from: URL, location: string | null): URL {
  if (location === null) throw new HttpsError('redirect-invalid', `${from.href}: a redirect to nowhere`);
  const to = httpsUrl(location, from.href);
  if (to !== null) return to;
  const isInsecure = URL.canParse(location, from.href) && new URL(location, from.href).protocol !== 'https:';
  const condition = isInsecure ? 'insecure-redirect' : 'redirect-invalid';
  throw new HttpsError(condition, `${from.href}: a redirect to ${JSON.stringify(location)}`);
}
