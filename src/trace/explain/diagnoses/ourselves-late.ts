/** We wait for ourselves: a path is validated, a proof judged, or a prooftype of the embedding program asked. */
import type { Diagnosis } from './diagnosis.ts';
import { isLate } from '../chain.ts';
import { lasting } from '../words.ts';

export const ourselvesLate: Diagnosis = {
  id: 'ourselves-late',
  check: (_, { waiting, outcome }, nowMs) =>
    waiting === null || outcome !== 'waits' || (waiting.mover !== 'us' && waiting.mover !== 'operator')
      ? 'ok'
      : isLate(waiting, nowMs)
        ? 'suspect'
        : 'not-yet',
  explain: (_, { waiting }, nowMs) => ({
    cause: `This machine has waited for ${lasting(nowMs - (waiting?.sinceMs ?? nowMs))} for ${waiting?.awaits ?? 'itself'}, which should take milliseconds.`,
    fix:
      waiting?.mover === 'operator'
        ? 'Look at the prooftype that the embedding program provides: it has not answered.'
        : 'See whether this machine is overloaded; if it is not, report it, with --bundle.',
  }),
};
