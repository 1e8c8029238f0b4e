/**
 * What happens in a manager, as records: the input of each actor, and everything that crosses its borders. Everything
 * else can be recovered by running the charts over the records (replay.ts). In memory, records refer to the objects
 * that they describe, so they are cheap to make and must not be modified. Keys, SASL payloads and proofs never enter a
 * record.
 */
import type { DnsStatus } from '../protocol/dns.ts';
import type { Fault } from '../protocol/faults.ts';
import type { Evidence } from '../protocol/proof.ts';
import type { StreamId } from '../protocol/transport.ts';
import type { WireElement } from '../protocol/wire.ts';
import type { QueueEdge } from '../routing/types.ts';
import type { AttemptEnded } from './attempt.ts';

export type { QueueEdge } from '../routing/types.ts';

/** The state in which an actor came to rest, part of both `born` and `event`. */
interface Standing {
  /** Id of the chart. */
  readonly machine: string;
  /** Path through the chart, outermost state first. */
  readonly states: readonly string[];
  /** When the deadline of the current waiting state passes, in milliseconds since the epoch; null if it has none. */
  readonly untilMs: number | null;
}

export interface EventOfActor {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type TraceBody =
  | ({ readonly kind: 'born'; readonly parent: string | null; readonly input: unknown } & Standing)
  /** An actor handled an event, and something changed; `states` is where it came to rest. */
  | ({
      readonly kind: 'event';
      readonly event: EventOfActor;
      /** States that were entered and left on the way, in order. */
      readonly passed: readonly (readonly string[])[];
    } & Standing)
  | ({ readonly kind: 'ended' } & EndOfActor)
  /** An existing actor, as xstate persists it: how a file begins. */
  | ({ readonly kind: 'snapshot'; readonly machine: string } & Persisted)
  /** An element of the negotiation; `bytes` is its size, which older traces leave null for an incoming header. */
  | {
      readonly kind: 'wire';
      readonly direction: 'in' | 'out';
      readonly element: WireElement;
      readonly bytes: number | null;
    }
  | ({ readonly kind: 'dns' } & DnsFinding)
  | ({ readonly kind: 'certificate' } & CertificateFinding)
  | ({ readonly kind: 'posh' } & PoshDocument)
  | ({ readonly kind: 'verdict' } & VerdictFound)
  | ({ readonly kind: 'fact' } & FactChanged)
  | ({ readonly kind: 'queue' } & QueueEdge)
  /** An attempt to get the stanzas of a pair sent, or admitted, was decided. */
  | { readonly kind: 'attempt'; readonly attempt: AttemptEnded }
  /** What an actor reported to the registry. */
  | { readonly kind: 'report'; readonly report: { readonly type: string; readonly stanzas?: number } }
  /** This many records were dropped for lack of room. */
  | { readonly kind: 'lost'; readonly records: number };

export type TraceRecord = TraceBody & {
  /** Ascending; one more than in the previous record, unless records were lost. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /**
   * `stream:3`, `pair:a.example>b.example`, `peer:b.example`, `resolution:b.example`, and children such as
   * `stream:3/association.c.example`; empty if the record is about no actor.
   */
  readonly actor: string;
  /** The record whose handling caused this one; null if the cause came from outside. */
  readonly cause: number | null;
};

export type RecordKind = TraceRecord['kind'];
export type RecordOf<Kind extends RecordKind> = Extract<TraceRecord, { kind: Kind }>;
export type ReportRecord = RecordOf<'report'>;
/** The records that lead an actor through its chart. */
export type MoveRecord = RecordOf<'born' | 'snapshot' | 'event' | 'ended'>;

export const isMove = (record: TraceRecord): record is MoveRecord =>
  record.kind === 'born' || record.kind === 'event' || record.kind === 'ended' || record.kind === 'snapshot';

export interface Persisted {
  readonly snapshot: unknown;
  readonly bornMs: number;
  /** The states that it is in, outermost first, each as a path joined by dots. */
  readonly entered: readonly { readonly state: string; readonly sinceMs: number; readonly untilMs: number | null }[];
}

export interface EndOfActor {
  readonly machine: string;
  /** `stopped`: its owner no longer needs it. */
  readonly how: 'done' | 'stopped' | 'errored';
  readonly output?: unknown;
  readonly fault: Fault | null;
}

export interface DnsFinding {
  /** A full owner name, or a host. */
  readonly question: string;
  readonly type: 'SRV' | 'TLSA' | 'addresses';
  readonly status: DnsStatus;
  /** Why the status is `bogus` or `error`. */
  readonly reason: string | null;
  readonly count: number;
  /** The data of the first records, as in a zone file. */
  readonly data: readonly string[];
  readonly ttlSeconds: number;
  readonly ms: number;
}

export interface CertificateFinding {
  readonly stream: StreamId;
  /** The end that presented it. */
  readonly end: 'local' | 'remote';
  readonly sha256: string;
  readonly subject: string;
  readonly issuer: string;
  /** Names in its subjectAltName: the first of each kind. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Number of certificates that the far end sent; null for our own, absent in older traces. */
  readonly chainLength?: number | null;
}

export interface PoshDocument {
  readonly domain: string;
  readonly outcome: 'found' | 'failed';
  readonly url: string | null;
  /** Number of fingerprints it lists. */
  readonly fingerprints: number;
  readonly expiresAtMs: number | null;
  readonly fault: Fault | null;
  readonly ms: number;
}

export interface VerdictFound {
  readonly domain: string;
  readonly prooftype: string;
  readonly verdict: 'proved' | 'refuted' | 'undetermined';
  readonly evidence: Evidence | null;
  readonly expiresAtMs: number | null;
  readonly fault: Fault | null;
}

export interface FactChanged {
  readonly change: 'published' | 'withdrawn';
  readonly stream: StreamId;
  /** `in`: the remote domain `from` may send to the local domain `to`. */
  readonly direction: 'in' | 'out';
  /** Null if withdrawn for all domains. */
  readonly from: string | null;
  readonly to: string | null;
  readonly prooftype: string | null;
  readonly expiresAtMs: number | null;
}

/** The frequent kinds are written out field by field: a spread behind other fields costs ten times as much. */
export function recordOf(seq: number, atMs: number, actor: string, cause: number | null, body: TraceBody): TraceRecord {
  switch (body.kind) {
    case 'event': {
      const { machine, event, passed, states, untilMs } = body;
      return { seq, atMs, actor, cause, kind: 'event', machine, event, passed, states, untilMs };
    }
    case 'report':
      return { seq, atMs, actor, cause, kind: 'report', report: body.report };
    case 'attempt':
      return { seq, atMs, actor, cause, kind: 'attempt', attempt: body.attempt };
    case 'wire': {
      const { direction, element, bytes } = body;
      return { seq, atMs, actor, cause, kind: 'wire', direction, element, bytes };
    }
    case 'fact': {
      const { change, stream, direction, from, to, prooftype, expiresAtMs } = body;
      return { seq, atMs, actor, cause, kind: 'fact', change, stream, direction, from, to, prooftype, expiresAtMs };
    }
    default:
      return { seq, atMs, actor, cause, ...body };
  }
}

/**
 * Keys never enter a record, because whoever has one can prove itself with it. Proofs of delegation are left out as
 * well, because they are long.
 */
export function withoutKeys(element: WireElement): WireElement {
  if (element.kind === 'result' || element.kind === 'verify') return { ...element, key: null };
  if (element.kind === 'auth') return { ...element, initialResponse: element.initialResponse === null ? null : '…' };
  if (element.kind === 'response') return { ...element, data: '…' };
  if (element.kind === 'dnaProof') return { ...element, data: element.data === null ? null : '…' };
  return element;
}

/** `established.open` as a path. */
export function statePath(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const [entry] = Object.entries(value);
  return entry === undefined ? [] : [entry[0], ...statePath(entry[1])];
}
