/**
 * Removes secrets before a record is made: dialback keys, SASL payloads and proofs of delegation. Charts pass keys and
 * proofs on without reading them, so a replay takes the same path without them.
 */
import { canonicalDomain } from '../protocol/names.ts';
import { decodeAuthzid } from '../protocol/wire.ts';
import type { EventOfActor } from './record.ts';

/** Placeholder for a value that was removed. */
export const REDACTED = '…';

/** An authorization identity that matches the stream; one that differs; one that cannot be decoded. */
const AUTHZID = { granted: '=', other: 'Lg==', undecodable: '!' } as const;

/** The event without secrets; the same object if it holds none. `remote` is the remote domain of the stream. */
export function redactEvent(event: EventOfActor, remote: unknown): EventOfActor {
  switch (event.type) {
    case 'peer.resultRequested':
    case 'local.verifyRequested':
      return { ...event, key: REDACTED };
    case 'peer.authRequested': {
      const { initialResponse } = event;
      return typeof initialResponse === 'string'
        ? { ...event, initialResponse: sameVerdict(initialResponse, remote) }
        : event;
    }
    case 'peer.saslResponded':
      return { ...event, data: sameVerdict(event['data'], remote) };
    case 'peer.proofReceived':
      return event['data'] === null ? event : { ...event, data: REDACTED };
    case 'local.proofsChanged':
      return { ...event, proofs: withoutText(event['proofs']) };
    default:
      return event;
  }
}

/** A substitute SASL payload that leads a chart to the same decision as the original (XEP-0178 §3). */
function sameVerdict(payload: unknown, remote: unknown): string {
  const authzid = typeof payload === 'string' ? decodeAuthzid(payload) : null;
  if (authzid === null) return AUTHZID.undecodable;
  return authzid === '' || canonicalDomain(authzid) === remote ? AUTHZID.granted : AUTHZID.other;
}

/** The input of an actor, without secrets. */
export function redactInput(input: unknown): unknown {
  if (!isObject(input)) return input;
  const { settings, assertion, key } = input;
  let clean = input;
  if (typeof key === 'string') clean = { ...clean, key: REDACTED };
  if (isObject(assertion)) clean = { ...clean, assertion: { ...assertion, key: REDACTED } };
  if (isObject(settings)) clean = { ...clean, settings: redactSettings(settings) };
  return clean;
}

/** Shared by all streams, so redacted once. */
const redactedSettings = new WeakMap<object, object>();

function redactSettings(settings: Fields): object {
  const { dna } = settings;
  if (!isObject(dna)) return settings;
  const known = redactedSettings.get(settings);
  if (known !== undefined) return known;
  const made = { ...settings, dna: { ...dna, proofs: withoutText(dna['proofs']) } };
  redactedSettings.set(settings, made);
  return made;
}

/**
 * A copy as plain JSON, without secrets and with texts cut to `textChars`. A value that JSON cannot express becomes an
 * object with one field whose name begins with `$`.
 */
export function plain(value: unknown, textChars: number, share: Share | null = null, depth = 0): unknown {
  if (typeof value === 'string') return value.length <= textChars ? value : `${value.slice(0, textChars - 1)}…`;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) };
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'object') return null;
  if (depth > MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => plain(item, textChars, share, depth + 1));
  if (value instanceof Error) {
    const { name, message } = value;
    const fault = 'fault' in value ? plain(value.fault, textChars, share, depth + 1) : null;
    return { $error: { name, message: plain(message, textChars), fault } };
  }
  const fields: Fields = {};
  const isProof = 'prooftype' in value;
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    if (typeof field === 'string' && (name === 'key' || (name === 'data' && isProof))) fields[name] = REDACTED;
    else if (name === 'proofs') fields[name] = withoutText(field);
    else if (name === 'entries' && isObject(field)) fields[name] = entries(field, textChars, share, depth);
    else if (share !== null && SHARED.has(name) && isObject(field)) fields[name] = { $shared: share(field) };
    else fields[name] = plain(field, textChars, share, depth + 1);
  }
  return fields;
}

/**
 * Entries of a table by domain. Their names are not field names with a meaning: `key` may be a host on a local network.
 */
const entries = (table: Fields, textChars: number, share: Share | null, depth: number): Fields =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [name, plain(value, textChars, share, depth + 2)]));

/** Returns the number under which a value shared by many actors is written once. */
export type Share = (value: object) => number;

const SHARED: ReadonlySet<string> = new Set(['settings', 'policy', 'hosted', 'certificate']);

const MAX_DEPTH = 24;

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** The same structure with every text removed. */
function withoutText(value: unknown): unknown {
  if (typeof value === 'string') return REDACTED;
  if (Array.isArray(value)) return value.map(withoutText);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withoutText(field)]));
}
