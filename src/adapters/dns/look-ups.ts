/** Look-ups bounded in number and in time. */
import { BoundedWork, type Bounds, NotDone, type Purpose } from '../bounded.ts';
import type { Outcome } from './outcome.ts';

/** A look-up that waits for its turn; it ends at once when its time is over or `signal` fires. */
export type LookUp = <Found>(
  look: (stop: AbortSignal) => Promise<Outcome<Found>>,
  signal: AbortSignal,
  purpose: Purpose,
) => Promise<Outcome<Found>>;

export function boundedLookUps(bounds: Bounds): LookUp {
  const work = new BoundedWork(bounds);
  return (look, signal, purpose) =>
    work.run(look, signal, purpose).catch((thrown: unknown) => ({ kind: 'failed', reason: reasonOf(thrown) }));
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof NotDone)) return String(thrown);
  return thrown.why === 'full' ? 'too many look-ups wait already' : thrown.message;
}
