/** How effects are declared and how states describe themselves. */
import { fromPromise, type PromiseActorLogic } from 'xstate';

/** Who has to move next, where a state waits. */
export type Mover = 'us' | 'peer' | 'dns' | 'web' | 'operator';

/** What a state says of itself; the inspector, the explainer and the documentation are generated from it. */
export interface StateMeta {
  /** The section that it follows, such as `RFC 6120 §4.7`. */
  readonly spec: string;
  /** What a waiting state waits for. */
  readonly awaits?: string;
  readonly mover?: Mover;
  /** What happens when the deadline passes. */
  readonly ifLate?: string;
}

/** How material is looked up. */
export interface LookUpManner {
  /** True when what may be remembered is about to end, or has led nowhere: it is asked for again. */
  readonly fresh: boolean;
  /** What strangers make us ask has no part in the room of our own stanzas. */
  readonly purpose: 'stanzas' | 'verification';
}

/** Names the bounds of a delay that depends on the context, for charts and tables. */
export const delayBetween = <Delay extends (scope: never) => number>(leastMs: number, mostMs: number, delay: Delay) =>
  Object.assign(delay, { leastMs, mostMs });

/** A one-shot effect, given by the owner through `provide()`; one that was forgotten is a fault, not a hang. */
export function declareEffect<Output, Input>(name: string): PromiseActorLogic<Output, Input> {
  return fromPromise(() => Promise.reject(new Error(`effect not provided: ${name}`)));
}
