/**
 * Who waits for whom: from a stanza in its queue to the one actor, or the one remote party, that all of them wait for.
 */
import type { Mover } from '../../../machines/declare.ts';
import { type Fault, faultSentence } from '../../protocol/faults.ts';
import { describedAt } from '../view/charts.ts';
import { type Glance, glanceAt } from '../view/glance.ts';
import type { ActorView, View } from '../view/view.ts';

/** One waiting actor, described in the words of its chart. */
export interface ChainLink {
  /** Id of the actor. */
  readonly actor: string;
  /** Id of its chart; `queue` for the stanzas of a pair, `authority` for the far end's half of dialback. */
  readonly machine: string;
  /** Path through the chart, joined by dots; for an actor that has ended, the state before it ended. */
  readonly state: string;
  /** Description of the state; for an actor that has ended, the fault with which it ended. */
  readonly description: string;
  /** The section that specifies the state. */
  readonly spec: string;
  /** Null if it waits for nothing itself: the next link does, or it has ended. */
  readonly awaits: string | null;
  readonly mover: Mover | null;
  readonly ifLate: string | null;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number | null;
  /** Milliseconds since the epoch; null if it waits without a deadline. */
  readonly deadlineMs: number | null;
}

export type WaitingLink = ChainLink & {
  readonly awaits: string;
  readonly mover: Mover;
  readonly ifLate: string;
  readonly sinceMs: number;
};

/** Longer than any real chain: stanza, pair, peer, stream, association, prooftype, and the same again to verify. */
const MOST_LINKS = 16;

/** States of a stream that say how it ended, not how far it had come. */
const FAREWELL: readonly string[] = ['closing', 'closed'];

/**
 * Longest usual wait for each mover, in milliseconds: a few round trips and the lookups in between. A longer wait
 * counts as late even if its deadline is far away, because deadlines allow for slow parties.
 */
const usualMs: Readonly<Record<Mover, number>> = {
  us: 2_000,
  dns: 2_000,
  web: 5_000,
  peer: 5_000,
  operator: 5_000,
};

/** The state of an actor before it began to close. */
export const stoodIn = ({ path, state }: Pick<ActorView, 'path' | 'state'>): string =>
  path.findLast((step) => !FAREWELL.includes(step.state))?.state ?? state.join('.');

/** Field by field: there are tens of thousands of links, and a spread would give each object a shape of its own. */
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

/** The text of the fault is part of the cause already. */
const withoutText = ({ layer, condition, origin }: Fault): Fault => ({ layer, condition, origin });

const endOf = ({ fault }: NonNullable<ActorView['ended']>): string =>
  fault === null ? 'It has ended.' : `It has ended: ${faultSentence(withoutText(fault))}.`;

/** From `first` inwards; each actor at most once, whatever a trace says. */
export const chainFrom = (view: View, first: ActorView): readonly ActorView[] =>
  inwards(first, (id) => view.actors.get(id));

/** The same, from glances. */
export const glanceChain = (view: View, first: Glance): readonly Glance[] => inwards(first, (id) => glanceAt(view, id));

/** From glances: the first of `ids` that is live, and the actors that it waits for. */
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

/** Work on an established stream is done for other pairs as well: this pair does not wait for it. */
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

/** The innermost waiting link: all the others wait for its mover. */
export const innermost = (chain: readonly ChainLink[]): WaitingLink | null => chain.findLast(isWaiting) ?? null;

export type Wait = Pick<WaitingLink, 'mover' | 'sinceMs' | 'deadlineMs'>;

/** Half of the time until its deadline has passed. */
export const isHalfway = ({ sinceMs, deadlineMs }: Wait, nowMs: number): boolean =>
  deadlineMs !== null && nowMs - sinceMs > (deadlineMs - sinceMs) / 2;

/** It has waited longer than is usual for its mover, or half of the time until its deadline has passed. */
export const isLate = (wait: Wait, nowMs: number): boolean =>
  nowMs - wait.sinceMs > usualMs[wait.mover] || isHalfway(wait, nowMs);

/** Given all waits of a chain: the innermost is late, or any of them has passed half of the time until its deadline. */
export function isStuck(waits: readonly Wait[], nowMs: number): boolean {
  const last = waits.at(-1);
  return last !== undefined && (isLate(last, nowMs) || waits.some((wait) => isHalfway(wait, nowMs)));
}
