/**
 * The last attempt failed and the next is under way: until that has a result, the previous failure is what is known.
 */
import { lastFailure } from '../negotiations.ts';
import { lasting } from '../words.ts';
import type { Diagnosis } from './diagnosis.ts';

export const triedAgain: Diagnosis = {
  id: 'tried-again',
  check: (view, negotiation) =>
    negotiation.outcome === 'waits' && lastFailure(view, negotiation) !== null ? 'not-yet' : 'ok',
  explain: (view, negotiation) => {
    const { waiting, subject } = negotiation;
    const last = lastFailure(view, negotiation);
    const since = lasting(view.atMs - (waiting?.sinceMs ?? subject.bornMs ?? view.atMs));
    return {
      cause: `It is being tried again, and has waited for ${waiting?.awaits ?? 'its turn'} for ${since}. The last attempt failed: ${last?.cause ?? ''}`,
      fix: last?.fix ?? '',
    };
  },
};
