/**
 * The attachment for a bug report: one file, JSON Lines in gzip. The first line says what made it; then come the
 * explanations for that moment, then the trace in the format of docs/trace-format.md. None of them contains keys,
 * passwords or stanzas. On request IP addresses are left out as well: each is replaced by its own name, so that equal
 * addresses can still be recognised.
 */
import { isIP } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fault, FaultError } from '../../protocol/faults.ts';
import { isFields } from '../context.ts';
import type { Explanation } from './explain.ts';

export interface BundleHeader {
  readonly bundle: 'xmpp-dna';
  readonly version: 1;
  readonly software: string;
  /** Version of Node, operating system and architecture: `v20.19.0 linux x64`. */
  readonly platform: string;
  /** The moment that is explained, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly addresses: 'shown' | 'hidden';
}

export interface BundleContent {
  readonly header: Omit<BundleHeader, 'bundle' | 'version' | 'addresses'>;
  readonly explanations: readonly Explanation[];
  /** The lines of a trace. */
  readonly trace: Iterable<string>;
}

/** Largest bundle when unpacked, in bytes: larger than any of our traces. It bounds what a small file may expand to. */
const MAX_UNPACKED = 256 * 1_024 * 1_024;

/** Fields that hold secrets or proofs. A trace has already emptied them; this does not rely on it. */
const SECRET: ReadonlySet<string> = new Set([
  ...['key', 'secret', 'password', 'token', 'initialResponse', 'handshake', 'authorization'],
  ...['data', 'body'],
]);
/** As a list, the answer of the DNS, which is no secret. */
const OPEN_AS_LIST: ReadonlySet<string> = new Set(['data']);
/** Placeholders that a trace has in their place: charts decide by them as they did by the original (redact.ts). */
const REDACTED: ReadonlySet<unknown> = new Set(['', '…', '=', 'Lg==', '!']);

export function writeBundle({ header, explanations, trace }: BundleContent, hideAddresses: boolean): Buffer {
  const hidden = hideAddresses ? new HiddenAddresses() : null;
  const first: BundleHeader = {
    bundle: 'xmpp-dna',
    version: 1,
    ...header,
    addresses: hideAddresses ? 'hidden' : 'shown',
  };
  const lines = [JSON.stringify(first)];
  for (const one of explanations) lines.push(JSON.stringify(redacted({ event: 'explanation', ...one }, hidden)));
  for (const line of trace) {
    if (line === '') continue;
    const parsed: unknown = JSON.parse(line);
    lines.push(JSON.stringify(redacted(parsed, hidden)));
  }
  return gzipSync(lines.join('\n') + '\n');
}

/** @throws FaultError `config`: `not-a-bundle`, `bundle-too-large` */
export function readBundle(bytes: Uint8Array): { readonly header: BundleHeader; readonly trace: string } {
  const text = unpacked(bytes);
  const header = headerOf(text);
  if (header === null) throw new FaultError(fault('config', 'not-a-bundle', 'local', 'it is not a bundle of xmpp-dna'));
  return { header, trace: traceIn(text) };
}

/** The part of a bundle after the explanations: the trace, which begins with its own header line. */
export function traceIn(text: string): string {
  const begins = text.indexOf('\n{"trace":');
  return begins < 0 ? '' : text.slice(begins + 1);
}

/** @throws FaultError `config`: `not-a-bundle`, `bundle-too-large` */
export function unpacked(bytes: Uint8Array): string {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }).toString('utf8');
  } catch (error) {
    const isLarge = error instanceof RangeError;
    const text = isLarge
      ? `more than ${MAX_UNPACKED} bytes when unpacked`
      : 'it is compressed, and cannot be decompressed';
    throw new FaultError(fault('config', isLarge ? 'bundle-too-large' : 'not-a-bundle', 'local', text), {
      cause: error,
    });
  }
}

export const isPacked = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

export function headerOf(text: string): BundleHeader | null {
  const end = text.indexOf('\n');
  if (!text.startsWith('{"bundle":') || end < 0 || end > 10_000) return null;
  try {
    const parsed: unknown = JSON.parse(text.slice(0, end));
    if (!isFields(parsed) || parsed['bundle'] !== 'xmpp-dna' || parsed['version'] !== 1) return null;
    const { software, platform, atMs, addresses } = parsed;
    return {
      bundle: 'xmpp-dna',
      version: 1,
      software: String(software),
      platform: String(platform),
      atMs: typeof atMs === 'number' ? atMs : 0,
      addresses: addresses === 'hidden' ? 'hidden' : 'shown',
    };
  } catch {
    return null;
  }
}

function redacted(value: unknown, hidden: HiddenAddresses | null): unknown {
  if (typeof value === 'string') return hidden === null ? value : hidden.in(value);
  if (Array.isArray(value)) return value.map((one) => redacted(one, hidden));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      hidden === null ? name : hidden.in(name),
      isSecret(name, one) ? '…' : redacted(one, hidden),
    ]),
  );
}

function isSecret(name: string, value: unknown): boolean {
  if (!SECRET.has(name) || value === null || REDACTED.has(value)) return false;
  return typeof value === 'string' || (typeof value === 'object' && !OPEN_AS_LIST.has(name));
}

/** Text that may hold an address, and the zone index after it. One linear scan, whatever a peer has written. */
const MAYBE_ADDRESS = /([0-9a-fA-F:.]+)(%\w+)?/g;
/** Length of `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`, in characters. */
const LONGEST_ADDRESS = 45;
const HEX = /[0-9a-fA-F]/;

class HiddenAddresses {
  readonly #names = new Map<string, string>();

  in(text: string): string {
    return text.replace(MAYBE_ADDRESS, (whole: string, run: string, zone: string | undefined) => {
      const hidden = this.#inRun(run);
      return hidden === run ? whole : hidden + (isIP(run) === 6 ? '' : (zone ?? ''));
    });
  }

  /** An address may be preceded by a word and a colon, and followed by a port, a colon or a full stop. */
  #inRun(run: string): string {
    let hidden = '';
    let at = 0;
    while (at < run.length) {
      const end = at === 0 || !HEX.test(run[at - 1] ?? '') ? endOfAddress(run, at) : 0;
      hidden += end > 0 ? this.#nameOf(run.slice(at, end)) : (run[at] ?? '');
      at = end > 0 ? end : at + 1;
    }
    return hidden;
  }

  #nameOf(address: string): string {
    const known = this.#names.get(address);
    if (known !== undefined) return known;
    const name = `address-${this.#names.size + 1}`;
    this.#names.set(address, name);
    return name;
  }
}

/** End of the longest address that begins at `from`; 0 if none does. */
function endOfAddress(run: string, from: number): number {
  for (let end = Math.min(run.length, from + LONGEST_ADDRESS); end > from + 1; end -= 1)
    if (!HEX.test(run[end] ?? '') && isIP(run.slice(from, end)) !== 0) return end;
  return 0;
}
