/** Effects that are done when they return. */
import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate';

/**
 * Takes the place of a promise where there is nothing to wait for: who invoked it goes on within the same event, so that
 * all that one packet brings about is said in one. What `effect` throws is the error of the actor.
 */
export function atOnce<Output, Input extends NonReducibleUnknown>(
  effect: (input: Input) => Output,
): PromiseActorLogic<Output, Input> {
  return {
    getInitialSnapshot: (_, input) => ({ status: 'done', output: effect(input), error: undefined, input: undefined }),
    transition: (snapshot) => snapshot,
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}
