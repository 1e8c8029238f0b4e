/** Which elements a client of `/api/live` watches, and what it is shown of each. */
import { plain } from '../trace/redact.ts';
import { traceLimits } from '../trace/limits.ts';
import type { RecordOf } from '../trace/record.ts';
import type { Parties } from './inspected.ts';

export interface WireFilter {
  /** A part of the name of a domain at either end of the stream, or of one that the element names. */
  readonly domain?: string;
  readonly stream?: number;
  readonly direction?: 'in' | 'out';
  /** The kind of element: `result`, `features`, … */
  readonly element?: string;
}

/** An element on the wire, as shown: without keys, and with texts cut as in a trace. */
export interface WireShown {
  readonly seq: number;
  readonly atMs: number;
  readonly stream: number;
  readonly direction: 'in' | 'out';
  readonly element: unknown;
  readonly bytes: number | null;
  readonly local: string;
  readonly remote: string;
}

/** The stream of a wire record. */
export const streamOf = ({ actor }: { readonly actor: string }): number => Number(actor.slice('stream:'.length));

export function passes(filter: WireFilter, record: RecordOf<'wire'>, parties: Parties | null): boolean {
  const { domain, stream, direction, element } = filter;
  if (stream !== undefined && streamOf(record) !== stream) return false;
  if (direction !== undefined && record.direction !== direction) return false;
  if (element !== undefined && record.element.kind !== element) return false;
  return domain === undefined || domainsOf(record, parties).some((one) => one.toLowerCase().includes(domain));
}

function domainsOf({ element }: RecordOf<'wire'>, parties: Parties | null): string[] {
  const { from, to } = element as { readonly from?: unknown; readonly to?: unknown }; // of the kinds that name any
  return [parties?.local, parties?.remote, from, to].filter((one) => typeof one === 'string');
}

export function shown(record: RecordOf<'wire'>, parties: Parties | null): WireShown {
  const { seq, atMs, direction, element, bytes } = record;
  return {
    seq,
    atMs,
    stream: streamOf(record),
    direction,
    element: plain(element, traceLimits.textChars),
    bytes,
    local: parties?.local ?? '',
    remote: parties?.remote ?? '',
  };
}

const MAX_TEXT = 255;
const known: readonly string[] = ['domain', 'stream', 'direction', 'element'];

/** The filter in a client's message; or a text that says what is wrong with it. */
export function wireFilterIn(value: unknown): WireFilter | string {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '"filter": expected an object';
  const fields = value as Readonly<Record<string, unknown>>; // checked one by one
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) return `"filter": known are ${known.join(', ')}`;
  const { domain, stream, direction, element } = fields;
  if (!isText(domain)) return `"domain": expected a text of at most ${MAX_TEXT} characters`;
  if (!isText(element)) return `"element": expected a text of at most ${MAX_TEXT} characters`;
  if (stream !== undefined && !Number.isSafeInteger(stream)) return '"stream": expected a whole number';
  if (direction !== undefined && direction !== 'in' && direction !== 'out') return '"direction": expected in or out';
  return {
    ...(domain === undefined || domain.trim() === '' ? {} : { domain: domain.trim().toLowerCase() }),
    ...(element === undefined ? {} : { element }),
    ...(stream === undefined ? {} : { stream: Number(stream) }),
    ...(direction === undefined ? {} : { direction }),
  };
}

const isText = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && value.length <= MAX_TEXT);
