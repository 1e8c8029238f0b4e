/**
 * Snapshots of xstate (5.33), each derived from another: all of one shape, with nothing recomputed that is known
 * already.
 */
import type { AnyMachineSnapshot, AnyStateNode } from 'xstate';
import type { Place } from './plan.ts';

/** Snapshot methods are own fields, which xstate's types do not say. */
interface Fields {
  readonly status: string;
  readonly output: unknown;
  readonly error: unknown;
  readonly machine: unknown;
  readonly context: unknown;
  readonly _nodes: unknown;
  readonly value: unknown;
  readonly tags: unknown;
  readonly children: unknown;
  readonly historyValue: unknown;
  readonly matches: unknown;
  readonly hasTag: unknown;
  readonly can: unknown;
  readonly getMeta: unknown;
  readonly toJSON: unknown;
}

/** Lists every field, in xstate's order: a spread, or a later assignment, makes a slower object. */
function copied(
  from: Fields,
  { status, output, error }: Pick<Fields, 'status' | 'output' | 'error'>,
  context: unknown,
  children: unknown,
  { _nodes, value, tags }: Pick<Fields, '_nodes' | 'value' | 'tags'>,
): AnyMachineSnapshot {
  const copy: Fields = {
    status,
    output,
    error,
    machine: from.machine,
    context,
    _nodes,
    value,
    tags,
    children,
    historyValue: from.historyValue,
    matches: from.matches,
    hasTag: from.hasTag,
    can: from.can,
    getMeta: from.getMeta,
    toJSON: from.toJSON,
  };
  return copy as unknown as AnyMachineSnapshot; // it is one
}

const fieldsOf = (snapshot: AnyMachineSnapshot): Fields => snapshot; // it has them

export function withContext(snapshot: AnyMachineSnapshot, context: unknown): AnyMachineSnapshot {
  const from = fieldsOf(snapshot);
  return copied(from, from, context, from.children, from);
}

export function withChildren(snapshot: AnyMachineSnapshot, children: unknown): AnyMachineSnapshot {
  const from = fieldsOf(snapshot);
  return copied(from, from, from.context, children, from);
}

export function withNodes(snapshot: AnyMachineSnapshot, _nodes: readonly AnyStateNode[]): AnyMachineSnapshot {
  const from = fieldsOf(snapshot);
  return copied(from, from, from.context, from.children, { _nodes, value: from.value, tags: from.tags });
}

/** A snapshot at another place. One that is done lists its states from the innermost to the outermost. */
export function movedTo({ nodes, inward, value, tags }: Place, snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const from = fieldsOf(snapshot);
  const isOver = from.status !== 'active';
  return copied(from, from, from.context, from.children, { _nodes: isOver ? inward : nodes, value, tags });
}

export function ended(
  snapshot: AnyMachineSnapshot,
  status: 'done' | 'error' | 'stopped',
  { output, error }: { readonly output?: unknown; readonly error?: unknown },
): AnyMachineSnapshot {
  const from = fieldsOf(snapshot);
  return copied(from, { status, output, error }, from.context, from.children, from);
}
