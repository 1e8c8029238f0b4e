/** Runs the embedder's prooftypes: each question has its own actor, which fails alone. */
import { createActor } from 'xstate';
import type { Clock } from '../ports.ts';
import type { ProofVerdict } from '../protocol/proof.ts';
import type { Prooftype, ProoftypeQuestion } from '../prooftype.ts';
import { checkedVerdict, leftOpen } from './own-verdict.ts';

export interface OwnProoftypePorts {
  readonly clock: Clock;
  /** Whether anybody validates the DNS. */
  readonly secureDns: boolean;
  /** The chain that the peer presented, DER. */
  readonly chain: () => readonly Uint8Array[];
}

/**
 * Asks the prooftype and returns its checked verdict. Never rejects: when the actor throws or ends without a verdict,
 * the verdict is `undetermined`. The actor is a root actor, so that its faults do not reach the association; `signal`
 * stops it.
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
      // With an error observer, what it throws is handled here and nowhere else.
      actor.subscribe({
        complete: () => {
          const { output } = actor.getSnapshot() as { readonly output?: unknown }; // the logic may be of any kind
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
