/**
 * What happens in a manager, as records: what goes into each actor, and what crosses its borders. All else can be had again
 * by running the charts over them (replay.ts). In memory they hold what they are about by reference, so they are cheap to
 * make, and must not be changed; keys, SASL payloads and proofs never enter one.
 */
import type { DnsStatus } from '../protocol/dns.ts';
import type { Fault } from '../protocol/faults.ts';
import type { Evidence } from '../protocol/proof.ts';
import type { StreamId } from '../protocol/transport.ts';
import type { WireElement } from '../protocol/wire.ts';
import type { QueueEdge } from '../routing/types.ts';
import type { AttemptEnded } from './attempt.ts';

export type { QueueEdge } from '../routing/types.ts';

/** Where an actor has come to rest, told of both `born` and `event`. */
interface Standing {
  /** Id of the chart. */
  readonly machine: string;
  /** Path through the chart, from the outside in. */
  readonly states: readonly string[];
  /** When the state that is waited in now has had its time, in milliseconds since the epoch; null where it has none. */
  readonly untilMs: number | null;
}

export interface EventOfActor {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type TraceBody =
  | ({ readonly kind: 'born'; readonly parent: string | null; readonly input: unknown } & Standing)
  /** An actor took an event, and something changed; `states` is where it came to rest. */
  | ({
      readonly kind: 'event';
      readonly event: EventOfActor;
      /** States that were entered and left on the way, in order. */
      readonly passed: readonly (readonly string[])[];
    } & Standing)
  | ({ readonly kind: 'ended' } & EndOfActor)
  /** An actor in mid-life, as xstate persists it: where a file begins. */
  | ({ readonly kind: 'snapshot'; readonly machine: string } & Persisted)
  /** An element of the negotiation; `bytes` is its size, and in older traces null of a header that came in. */
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
  /** An attempt to have stanzas of a pair sent, or let in, is decided. */
  | { readonly kind: 'attempt'; readonly attempt: AttemptEnded }
  /** What an actor reported to the registry. */
  | { readonly kind: 'report'; readonly report: { readonly type: string; readonly stanzas?: number } }
  /** So many records had no room. */
  | { readonly kind: 'lost'; readonly records: number };

export type TraceRecord = TraceBody & {
  /** Ascending; one more than the record before, where nothing was lost. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /**
   * `stream:3`, `pair:a.example>b.example`, `peer:b.example`, `resolution:b.example`, and below them
   * `stream:3/association.c.example`; empty for what is about none.
   */
  readonly actor: string;
  /** The record in whose course this one was made; null where it came from outside. */
  readonly cause: number | null;
};

export type RecordKind = TraceRecord['kind'];
export type RecordOf<Kind extends RecordKind> = Extract<TraceRecord, { kind: Kind }>;
export type ReportRecord = RecordOf<'report'>;
/** What leads an actor through its chart. */
export type MoveRecord = RecordOf<'born' | 'snapshot' | 'event' | 'ended'>;

export const isMove = (record: TraceRecord): record is MoveRecord =>
  record.kind === 'born' || record.kind === 'event' || record.kind === 'ended' || record.kind === 'snapshot';

export interface Persisted {
  readonly snapshot: unknown;
  readonly bornMs: number;
  /** The states that it is in, from the outside in, with their paths joined by dots. */
  readonly entered: readonly { readonly state: string; readonly sinceMs: number; readonly untilMs: number | null }[];
}

export interface EndOfActor {
  readonly machine: string;
  /** `stopped`: by its owner, who needs it no more. */
  readonly how: 'done' | 'stopped' | 'errored';
  readonly output?: unknown;
  readonly fault: Fault | null;
}

export interface DnsFinding {
  /** A whole owner name, or a host. */
  readonly question: string;
  readonly type: 'SRV' | 'TLSA' | 'addresses';
  readonly status: DnsStatus;
  /** Why it is `bogus` or an `error`. */
  readonly reason: string | null;
  readonly count: number;
  /** Of the first records, as in a zone file. */
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
  /** Of its subjectAltName: the first of each kind. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** How many certificates the far end has sent; null of our own, and in older traces absent. */
  readonly chainLength?: number | null;
}

export interface PoshDocument {
  readonly domain: string;
  readonly outcome: 'found' | 'failed';
  readonly url: string | null;
  /** How many fingerprints it lists. */
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
  /** `in`: `from`, remote, may send to `to`, local. */
  readonly direction: 'in' | 'out';
  /** Null in what was withdrawn for all. */
  readonly from: string | null;
  readonly to: string | null;
  readonly prooftype: string | null;
  readonly expiresAtMs: number | null;
}

/** Those that are many are written out: a spread behind other fields costs ten times as much. */
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

/** Keys are proofs in the making: they never enter a record. Nor do proofs of delegation, which are long. */
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
