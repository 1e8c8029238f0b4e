/** How effects are declared and how states describe themselves. */
import { fromPromise, type PromiseActorLogic } from 'xstate';

/** The party whose action a waiting state waits for. */
export type Mover = 'us' | 'peer' | 'dns' | 'web' | 'operator';

/** A state's description of itself, from which the inspector, the explainer and the documentation are generated. */
export interface StateMeta {
  /** The section that the state follows, such as `RFC 6120 §4.7`. */
  readonly spec: string;
  /** What a waiting state waits for. */
  readonly awaits?: string;
  readonly mover?: Mover;
  /** What happens when the deadline passes. */
  readonly ifLate?: string;
}

/** How proof material is looked up. */
export interface LookUpManner {
  /** True if remembered answers are about to expire or have led nowhere: the query is repeated. */
  readonly fresh: boolean;
  /** Look-ups on behalf of peers (`verification`) do not use the capacity reserved for our own stanzas. */
  readonly purpose: 'stanzas' | 'verification';
}

/** Names the bounds of a delay that depends on the context, for charts and tables. */
export const delayBetween = <Delay extends (scope: never) => number>(leastMs: number, mostMs: number, delay: Delay) =>
  Object.assign(delay, { leastMs, mostMs });

/** A one-shot effect, supplied by the owner through `provide()`; one that was forgotten causes a fault, not a hang. */
export function declareEffect<Output, Input>(name: string): PromiseActorLogic<Output, Input> {
  return fromPromise(() => Promise.reject(new Error(`effect not provided: ${name}`)));
}
