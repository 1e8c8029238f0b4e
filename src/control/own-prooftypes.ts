/** Prooftypes of the embedder at work: each question has an actor of its own, whose faults are its own. */
import { createActor } from 'xstate';
import type { Clock } from '../ports.ts';
import type { ProofVerdict } from '../protocol/proof.ts';
import type { Prooftype, ProoftypeQuestion } from '../prooftype.ts';
import { checkedVerdict, leftOpen } from './own-verdict.ts';

export interface OwnProoftypePorts {
  readonly clock: Clock;
  /** Somebody validates the DNS. */
  readonly secureDns: boolean;
  /** What the far end presented, DER. */
  readonly chain: () => readonly Uint8Array[];
}

/**
 * What the prooftype says, as a verdict that may stand. Never rejects: an actor that throws, or ends without a verdict, leaves the
 * question open. It is a root of its own, so that no fault of it reaches the association; it is stopped by `signal`.
 */
export function askProoftype(
  name: string,
  prooftype: Prooftype,
  question: ProoftypeQuestion,
  { clock, secureDns, chain }: OwnProoftypePorts,
  signal: AbortSignal,
): Promise<ProofVerdict> {
  if (prooftype.answers.needsSecureDns && !secureDns)
    return Promise.resolve(leftOpen('no-validator', name, 'it needs secure DNS, and nobody validates here'));
  return new Promise<ProofVerdict>((resolve) => {
    const broken = (thrown: unknown): void => resolve(leftOpen('prooftype-failed', name, thrown));
    try {
      const copies = (): readonly Uint8Array[] => chain().map((der) => Uint8Array.from(der));
      const actor = createActor(prooftype.actor({ chain: copies, clock }), { input: question, clock });
      signal.addEventListener('abort', () => actor.stop(), { once: true });
      // With an error observer, what it throws is told here and nowhere else.
      actor.subscribe({
        complete: () => {
          const { output } = actor.getSnapshot() as { readonly output?: unknown }; // of whatever logic it is
          resolve(checkedVerdict(name, prooftype, output, clock.now()));
        },
        error: broken,
      });
      actor.start();
      if (signal.aborted) actor.stop();
    } catch (error) {
      broken(error);
    }
  });
}
