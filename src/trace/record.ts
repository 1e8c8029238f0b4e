/** What the manager says of itself while it works: one record per transition, wire element, verdict and fact. */
import type { InspectionEvent } from 'xstate';
import type { WireElement } from '../protocol/wire.ts';

export type TraceBody =
  /** An actor took a transition; `states` is its path through the chart, from the outside in. */
  | { readonly kind: 'transition'; readonly event: string; readonly states: readonly string[] }
  /** An element of the negotiation; keys are left out. */
  | { readonly kind: 'wire'; readonly direction: 'in' | 'out'; readonly element: WireElement }
  /** What an actor reported to the registry. */
  | { readonly kind: 'report'; readonly report: { readonly type: string; readonly stanzas?: number } };

export type TraceRecord = TraceBody & {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Root actor, such as `stream:3`, `pair:a.example>b.example`, `peer:b.example`. */
  readonly actor: string;
  /** Machine id and, below a root actor, the child's id. */
  readonly machine: string;
};

export type ReportRecord = Extract<TraceRecord, { kind: 'report' }>;

/** Keys are proofs in the making: they never enter a record. Nor do proofs of delegation, which are long. */
export function withoutKeys(element: WireElement): WireElement {
  if (element.kind === 'result' || element.kind === 'verify') return { ...element, key: null };
  if (element.kind === 'auth') return { ...element, initialResponse: element.initialResponse === null ? null : '…' };
  if (element.kind === 'dnaProof') return { ...element, data: element.data === null ? null : '…' };
  return element;
}

/** `established.open` as a path; a state of parallel regions is told by its first region. */
export function statePath(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const [entry] = Object.entries(value);
  return entry === undefined ? [] : [entry[0], ...statePath(entry[1])];
}

/**
 * The transition in an inspection event, or null; only machines have states. Step by step, so that a state which is only
 * passed (`authentication.dialback`) is seen too, and before what the transition sends.
 */
export function transitionOf(inspected: InspectionEvent): { id: string; event: string; states: string[] } | null {
  if (inspected.type !== '@xstate.microstep' && inspected.type !== '@xstate.snapshot') return null;
  if (!('value' in inspected.snapshot)) return null;
  // The first state has no step of its own; an event without a transition makes an empty one.
  const isFirst = inspected.event.type === 'xstate.init';
  if (isFirst !== (inspected.type === '@xstate.snapshot')) return null;
  if (inspected.type === '@xstate.microstep' && inspected._transitions.length === 0) return null;
  const id = (inspected.actorRef as { readonly id?: string }).id ?? '';
  return { id, event: inspected.event.type, states: statePath(inspected.snapshot.value) };
}
