/** Runs `explain` on a failure at the moment it occurs, so that the explanation can be remembered. */
import type { Clock } from '../ports.ts';
import { explained, type Explanation } from '../trace/explain/explain.ts';
import { AuthorityHalves } from '../trace/explain/halves.ts';
import { type Negotiation, ofPair, ofRefusal, ofStream, ofVerification } from '../trace/explain/negotiations.ts';
import { domainsOf } from '../trace/explain/situation.ts';
import { refusalIn } from '../trace/explain/refusals.ts';
import type { View } from '../trace/view/view.ts';

/**
 * Beyond this many per second, only the table of causes is used: a thousand pairs may fail together, and unproved peers
 * may cause failures as often as they like.
 */
const MOST_PER_SECOND = 50;

/** A failure, by the id of its actor. */
export interface Failed {
  readonly actor: string;
  readonly kind: 'pair' | 'verification' | 'stream' | 'refusal';
}

export class FailureExplainer {
  readonly view: () => View;
  readonly #clock: Clock;
  #second = 0;
  #explained = 0;

  constructor(view: () => View, clock: Clock) {
    this.view = view;
    this.#clock = clock;
  }

  /** Null when too many have failed recently, or nothing that is known explains the failure. */
  explain({ actor, kind }: Failed): Pick<Explanation, 'cause' | 'fix'> | null {
    const second = Math.floor(this.#clock.now() / 1_000);
    if (second !== this.#second) [this.#second, this.#explained] = [second, 0];
    if (++this.#explained > MOST_PER_SECOND) return null;
    const view = this.view();
    const negotiation = negotiationOf(view, actor, kind);
    return negotiation?.outcome === 'failed' ? explained(view, negotiation) : null;
  }
}

function negotiationOf(view: View, id: string, kind: Failed['kind']): Negotiation | null {
  const actor = view.actors.get(id);
  if (actor === undefined) return null;
  switch (kind) {
    case 'pair':
      return ofPair(view, actor, new AuthorityHalves(view));
    case 'verification':
      return ofVerification(view, actor);
    case 'stream': {
      const { local, remote } = domainsOf(actor);
      const verification = view.actors.get(`${id}/verification.${remote}>${local}`);
      return verification === undefined ? ofStream(view, actor, () => false) : ofVerification(view, verification);
    }
    case 'refusal': {
      const refusal = refusalIn(view, id);
      return refusal === null ? null : ofRefusal(view, actor, refusal);
    }
  }
}
