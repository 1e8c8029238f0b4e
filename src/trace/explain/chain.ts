/** Who waits for whom: from a stanza in its queue to the one actor, or the one stranger, on whom all of them wait. */
import type { Mover } from '../../../machines/declare.ts';
import { type Fault, faultSentence } from '../../protocol/faults.ts';
import { describedAt } from '../view/charts.ts';
import { type Glance, glanceAt } from '../view/glance.ts';
import type { ActorView, View } from '../view/view.ts';

/** One that waits, in the words of its own chart. */
export interface ChainLink {
  /** Id of the actor. */
  readonly actor: string;
  /** Id of its chart; `queue` for the stanzas of a pair, `authority` for the far end's half of dialback. */
  readonly machine: string;
  /** Path through the chart, joined by dots; of an actor that has ended, where it stood before. */
  readonly state: string;
  /** Of the state; of an actor that has ended, with which fault. */
  readonly description: string;
  /** The section that the state follows. */
  readonly spec: string;
  /** Null where it waits for nothing itself: the next link does, or it has ended. */
  readonly awaits: string | null;
  readonly mover: Mover | null;
  readonly ifLate: string | null;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number | null;
  /** Milliseconds since the epoch; null where it waits until something moves. */
  readonly deadlineMs: number | null;
}

export type WaitingLink = ChainLink & {
  readonly awaits: string;
  readonly mover: Mover;
  readonly ifLate: string;
  readonly sinceMs: number;
};

/** Deeper than any chain of ours: stanza, pair, peer, stream, association, prooftype, and the same again to verify. */
const MOST_LINKS = 16;

/** States of a stream that say how it ended, and not where. */
const FAREWELL: readonly string[] = ['closing', 'closed'];

/**
 * How long it is usual to wait for each, at most, in milliseconds: a few round trips and what is looked up meanwhile. Whoever
 * waits longer is late, though its deadline may be far: those allow for whoever is slow.
 */
export const usualMs: Readonly<Record<Mover, number>> = {
  us: 2_000,
  dns: 2_000,
  web: 5_000,
  peer: 5_000,
  operator: 5_000,
};

/** Where an actor stood before it took leave. */
export const stoodIn = ({ path, state }: Pick<ActorView, 'path' | 'state'>): string =>
  path.findLast((step) => !FAREWELL.includes(step.state))?.state ?? state.join('.');

/** Field by field: there are tens of thousands, and what is spread has a shape of its own each time. */
export function linkOf(actor: ActorView): ChainLink {
  const { machine, waits, ended, path } = actor;
  const isOver = ended !== null;
  const waiting = isOver ? null : waits;
  const state = isOver ? stoodIn(actor) : actor.state.join('.');
  const { spec } = (isOver ? describedAt(machine, state) : null) ?? actor;
  return {
    actor: actor.id,
    machine,
    state,
    description: isOver ? endOf(ended) : actor.description,
    spec,
    awaits: waiting?.awaits ?? null,
    mover: waiting?.mover ?? null,
    ifLate: waiting?.ifLate ?? null,
    sinceMs: waiting?.sinceMs ?? ended?.atMs ?? path.at(-1)?.atMs ?? null,
    deadlineMs: waiting?.deadlineMs ?? null,
  };
}

/** The words of the fault are in the cause. */
const withoutText = ({ layer, condition, origin }: Fault): Fault => ({ layer, condition, origin });

const endOf = ({ fault }: NonNullable<ActorView['ended']>): string =>
  fault === null ? 'It has ended.' : `It has ended: ${faultSentence(withoutText(fault))}.`;

/** From `first` inwards; each actor once, whatever a trace says. */
export const chainFrom = (view: View, first: ActorView): readonly ActorView[] =>
  inwards(first, (id) => view.actors.get(id));

/** The same, at a glance. */
export const glanceChain = (view: View, first: Glance): readonly Glance[] => inwards(first, (id) => glanceAt(view, id));

/** At a glance, the first of `ids` that lives, and whom it waits for. */
export const glanceChainOf = (view: View, ids: readonly string[]): readonly Glance[] => {
  const at = (id: string): Glance | undefined => glanceAt(view, id);
  const first = firstLive(ids, at);
  return first === undefined ? [] : inwards(first, at);
};

function inwards<One extends Pick<ActorView, 'id' | 'state' | 'ended' | 'waitsOn'>>(
  first: One,
  at: (id: string) => One | undefined,
): readonly One[] {
  const chain: One[] = [];
  let next: One | undefined = first;
  while (next !== undefined && chain.length < MOST_LINKS && !chain.includes(next)) {
    chain.push(next);
    next = servesOthers(next) ? undefined : firstLive(next.waitsOn, at);
  }
  return chain;
}

/** What a stream that stands is doing is done for others as well: this pair does not wait for it. */
const servesOthers = ({ id, state }: Pick<ActorView, 'id' | 'state'>): boolean =>
  !id.includes('/') && state[0] === 'established';

function firstLive<One extends Pick<ActorView, 'ended'>>(
  ids: readonly string[],
  at: (id: string) => One | undefined,
): One | undefined {
  for (const id of ids) {
    const found = at(id);
    if (found?.ended === null) return found;
  }
  return undefined;
}

export const isWaiting = (link: ChainLink): link is WaitingLink => link.awaits !== null && link.sinceMs !== null;

/** The innermost that waits: all the others wait for its mover. */
export const innermost = (chain: readonly ChainLink[]): WaitingLink | null => chain.findLast(isWaiting) ?? null;

export type Wait = Pick<WaitingLink, 'mover' | 'sinceMs' | 'deadlineMs'>;

/** Half of its time has passed. */
export const isHalfway = ({ sinceMs, deadlineMs }: Wait, nowMs: number): boolean =>
  deadlineMs !== null && nowMs - sinceMs > (deadlineMs - sinceMs) / 2;

/** It waits longer than is usual for its mover, or half of its time has passed. */
export const isLate = (wait: Wait, nowMs: number): boolean =>
  nowMs - wait.sinceMs > usualMs[wait.mover] || isHalfway(wait, nowMs);

/** Of all that wait in a chain: the innermost is late, or half of the time of any that waits for it has passed. */
export function isStuck(waits: readonly Wait[], nowMs: number): boolean {
  const last = waits.at(-1);
  return last !== undefined && (isLate(last, nowMs) || waits.some((wait) => isHalfway(wait, nowMs)));
}
