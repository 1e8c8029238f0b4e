/** What a diagnosis is: one way in which a negotiation waits or fails, how it is described, and how it is fixed. */
import type { Mover } from '../../../../machines/declare.ts';
import { fixOf, place } from '../causes/diagnose.ts';
import { isLate, type WaitingLink } from '../chain.ts';
import type { Negotiation } from '../negotiations.ts';
import { lasting } from '../words.ts';
import type { View } from '../../view/view.ts';

/** `not-yet`: it is in a state where this problem would show, but still within the usual time. */
export type Suspicion = 'ok' | 'suspect' | 'not-yet';

export interface Finding {
  /** A full sentence. */
  readonly cause: string;
  readonly fix: string;
  /** Who has to act, if that is not the mover of the waiting state. */
  readonly mover?: Mover;
}

export interface Diagnosis {
  /** Kebab-case, and stable. */
  readonly id: string;
  readonly check: (view: View, negotiation: Negotiation, nowMs: number) => Suspicion;
  /** Called only if `check` does not return `ok`. */
  readonly explain: (view: View, negotiation: Negotiation, nowMs: number) => Finding;
}

/** A party that stays silent in one of these states. */
export interface Silence {
  readonly id: string;
  /** By id of the chart: the states that wait for it. */
  readonly states: Readonly<Record<string, readonly string[]>>;
  /** Further condition; absent: none. */
  readonly when?: (negotiation: Negotiation) => boolean;
  readonly because: (told: Told) => string;
  /** Id of the cause in the table of causes whose fix it shares; or a fix of its own. */
  readonly fix: string | ((told: Told) => string);
  readonly mover?: Mover;
}

/** The values used in a sentence about silence. */
export interface Told {
  readonly negotiation: Negotiation;
  readonly link: WaitingLink;
  /** The remote domain. */
  readonly domain: string;
  /** Host and port if they are known, else the domain. */
  readonly where: string;
  /** How long it has waited, such as `12 s`. */
  readonly lasting: string;
}

export function silence({ id, states, when, because, fix, mover }: Silence): Diagnosis {
  const linkIn = (negotiation: Negotiation): WaitingLink | null => {
    const { waiting, outcome } = negotiation;
    if (waiting === null || outcome !== 'waits' || states[waiting.machine]?.includes(waiting.state) !== true)
      return null;
    return when === undefined || when(negotiation) ? waiting : null;
  };
  return {
    id,
    check: (_, negotiation, nowMs) => {
      const link = linkIn(negotiation);
      return link === null ? 'ok' : isLate(link, nowMs) ? 'suspect' : 'not-yet';
    },
    explain: (_, negotiation, nowMs) => {
      const { situation, remote: domain, waiting: link } = negotiation;
      if (link === null) return { cause: '', fix: '' };
      const told = { negotiation, link, domain, where: place(situation), lasting: lasting(nowMs - link.sinceMs) };
      return {
        cause: because(told),
        fix: typeof fix === 'string' ? fixOf(fix, situation) : fix(told),
        ...(mover === undefined ? {} : { mover }),
      };
    },
  };
}
