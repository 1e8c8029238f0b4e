/** Prooftypes defined by an embedder: those of the examples, and some that misbehave. */
import { fromPromise } from 'xstate';
import type { Prooftype, ProoftypeLogic, ProoftypePorts, ProoftypeVerdict } from '../../src/prooftype.ts';

interface PinnedKey {
  readonly pinOf: (certificate: string) => string;
  readonly pinnedKey: (pins: ReadonlyMap<string, readonly string[]>) => Prooftype;
}
interface SharedToken {
  readonly SHARED_TOKEN: `${string}:${string}`;
  readonly tokensFor: (secret: Buffer, domain: string, certificates: readonly string[], untilMs: number) => string;
  readonly sharedToken: (secrets: ReadonlyMap<string, Buffer>) => Prooftype;
}

const example = (name: string): Promise<unknown> =>
  import(new URL(`../../examples/prooftypes/${name}.prooftype.mjs`, import.meta.url).href);

// Plain JavaScript, as embedders may write it; the type tests do not check it.
export const { pinOf, pinnedKey } = (await example('pinned-key')) as PinnedKey;
export const { SHARED_TOKEN, tokensFor, sharedToken } = (await example('shared-token')) as SharedToken;

/** A prooftype with this actor; strong by default. */
export const prooftypeOf = (
  actor: (ports: ProoftypePorts) => ProoftypeLogic,
  {
    strength = 'strong',
    needsSecureDns = false,
  }: Partial<Pick<Prooftype, 'strength'>> & { needsSecureDns?: boolean } = {},
): Prooftype => ({
  answers: { nature: 'A word.', matching: 'It is the right one.', material: 'A test says it.', needsSecureDns },
  strength,
  actor,
});

/** Answers with any value, as an embedder's JavaScript might. */
export const answering = (answer: unknown): ProoftypeLogic =>
  fromPromise<ProoftypeVerdict>(() => Promise.resolve(answer as ProoftypeVerdict)); // tests how the boundary handles it
