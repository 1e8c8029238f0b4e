/** Synchronous effects. */
import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate';

/**
 * Replaces a promise where there is nothing to wait for: the invoking machine continues within the same event, so that
 * everything one packet triggers is sent together. An exception from `effect` becomes the error of the actor.
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
