/**
 * Decides who may use the inspector. It shows who communicates with whom, so no web page that the operator visits
 * elsewhere may learn anything, neither through a name that resolves to this machine (DNS rebinding) nor through a
 * request that it makes the browser send.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { isLoopback } from '../protocol/addresses.ts';

export interface GuardOptions {
  readonly address: string;
  /** Null when no token is needed, which is allowed on loopback only. */
  readonly token: string | null;
}

/** The response to a request that is refused. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405;
  readonly text: string;
}

const COOKIE = 'xmpp-dna-inspector';

/** Methods that change nothing. */
const READING: readonly string[] = ['GET', 'HEAD'];

/** An address as it is written in a URL. */
export const urlHost = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #anyHost: boolean;
  readonly #token: Buffer | null;

  constructor({ address, token }: GuardOptions) {
    this.#hosts = new Set([urlHost(address), 'localhost', '127.0.0.1', '[::1]']);
    // Beyond loopback, and behind a proxy, the inspector has names that we do not know; the token identifies the
    // client.
    this.#anyHost = !isLoopback(address) || token !== null;
    this.#token = token === null ? null : digest(token);
  }

  /** Returns null when the request may be answered. */
  refuses(request: IncomingMessage, query: URLSearchParams, methods = READING): Refusal | null {
    // Node returns the first of several; an intermediary may use another (RFC 9112 §3.2).
    if (timesNamed(request, 'host') > 1) return { status: 400, text: 'there is more than one Host header' };
    const { host = '', origin } = request.headers;
    const named = host.replace(/:\d+$/, '').toLowerCase();
    if (!this.#anyHost && !this.#hosts.has(named))
      return { status: 403, text: 'the Host header names neither the address of the inspector nor this machine' };
    if (origin !== undefined && !isOwnOrigin(origin, host))
      return { status: 403, text: 'this was sent by a page of another origin' };
    const { method = '' } = request;
    const isReading = READING.includes(method);
    const site = request.headers['sec-fetch-site'];
    // Links from other origins are allowed; requests and subresource loads by other pages are not.
    const isLink = isReading && request.headers['sec-fetch-mode'] === 'navigate';
    if ((site === 'cross-site' || site === 'same-site') && !isLink)
      return { status: 403, text: 'this was sent by a page of another origin' };
    if (!methods.includes(method)) return { status: 405, text: `here the inspector answers ${methods.join(', ')}` };
    if (this.#token !== null && !this.#shows(request, query))
      return { status: 401, text: 'a token is needed: Authorization: Bearer …, or ?token=… once' };
    return null;
  }

  /** The cookie that stores the token in a browser that sent the right one in a URL; null if it did not. */
  cookieFor({ headers }: IncomingMessage, query: URLSearchParams): string | null {
    const token = query.get('token');
    if (this.#token === null || token === null || !timingSafeEqual(digest(token), this.#token)) return null;
    // Of several proxies the first one is named first; Node joins repeated headers by commas.
    const isSecure = /^ *https *(,|$)/i.test(String(headers['x-forwarded-proto'] ?? ''));
    const secure = isSecure ? '; Secure' : '';
    return `${COOKIE}=${encodeURIComponent(token)}; Path=/; HttpOnly; SameSite=Strict${secure}`;
  }

  #shows({ headers: { authorization = '', cookie = '' } }: IncomingMessage, query: URLSearchParams): boolean {
    const kept = cookie.split(/;\s*/).find((one) => one.startsWith(`${COOKIE}=`));
    const shown = [
      /^Bearer +(\S+)$/i.exec(authorization)?.[1],
      query.get('token') ?? undefined,
      kept === undefined ? undefined : decoded(kept.slice(COOKIE.length + 1)),
    ];
    const expected = this.#token;
    return shown.some((one) => one !== undefined && expected !== null && timingSafeEqual(digest(one), expected));
  }
}

/** A proxy may add TLS, so the scheme does not matter; it has to pass the Host header that the browser sent. */
const isOwnOrigin = (origin: string, host: string): boolean =>
  ['http', 'https'].some((scheme) => origin.toLowerCase() === `${scheme}://${host.toLowerCase()}`);

/** `rawHeaders` alternates names and values. */
const timesNamed = ({ rawHeaders }: IncomingMessage, name: string): number =>
  rawHeaders.filter((one, at) => at % 2 === 0 && one.toLowerCase() === name).length;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
