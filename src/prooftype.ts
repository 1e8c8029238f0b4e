/** The embedder's own prooftypes (RFC 7712 §7): four answers that define one, and an actor that judges. */
import type { AnyActorLogic, Snapshot } from 'xstate';
import type { Clock } from './ports.ts';
import type { CertificateEvidence } from './protocol/certificate.ts';
import { dnaProofTypeOf } from './protocol/dna.ts';
import type { Fault } from './protocol/faults.ts';
import { PROOFTYPES } from './protocol/policy.ts';
import { type Evidence, isDnaProofType } from './protocol/proof.ts';
import type { Service } from './protocol/service.ts';

/** The definition of a prooftype that RFC 7712 §7 asks for, so that people can decide whether to trust it. */
export interface ProoftypeAnswers {
  /** What proves that the peer speaks for the domain. */
  readonly nature: string;
  /** How the proof is compared with our verification material. */
  readonly matching: string;
  /** How we obtain our verification material. */
  readonly material: string;
  /** True: without a DNSSEC validator nothing is judged, and the verdict is `undetermined`. */
  readonly needsSecureDns: boolean;
}

/** The question that a prooftype answers. */
export interface ProoftypeQuestion {
  readonly service: Service;
  /** The domain to be proved, canonical: A-labels, lower case. */
  readonly domain: string;
  /** Hosts to which signed DNS delegates the domain, canonical; empty where the peer was challenged. */
  readonly derivedDomains: readonly string[];
  /** The certificate that the peer presented in TLS; null if none. */
  readonly certificate: CertificateEvidence | null;
  /**
   * The peer's answer to our challenge; null when the prooftype's name is not a URI, for then no peer is challenged.
   */
  readonly proof: string | null;
}

/** What an actor may ask of the stream that it judges. */
export interface ProoftypePorts {
  /** The chain that the peer presented in TLS: DER, leaf first; empty if none. Returns copies. */
  readonly chain: () => readonly Uint8Array[];
  /** The manager's clock. The actor's own delays (`after`) run on it as well. */
  readonly clock: Clock;
}

/**
 * A verdict; its name and strength are those of the prooftype. "Could not find out" is `undetermined`, never `refuted`.
 * `fault` holds a condition in kebab-case and, for a person, a text; never a secret.
 */
export type ProoftypeVerdict =
  | {
      readonly kind: 'proved';
      /** Up to 32 names and fingerprints on which the proof rests; no secrets, since records and reports show them. */
      readonly evidence: Evidence;
      /**
       * When the proof ends, in milliseconds since the epoch; it is renewed before then. Must not be in the past.
       * Clamped to between one minute and thirty days from now.
       */
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'refuted' | 'undetermined'; readonly fault: ProoftypeFault };

/** Shown everywhere as a fault of the layer `prooftype`, with the name of the prooftype before its text. */
export type ProoftypeFault = Pick<Fault, 'condition' | 'origin' | 'text'>;

/** Any XState logic (`fromPromise`, a machine, …) that takes a question and ends with a verdict. */
export type ProoftypeLogic = AnyActorLogic & {
  getInitialSnapshot(scope: never, question: ProoftypeQuestion): Snapshot<ProoftypeVerdict>;
};

export interface Prooftype {
  readonly answers: ProoftypeAnswers;
  /** `weak`, like dialback: sufficient unless policy is `authenticated`. */
  readonly strength: 'strong' | 'weak';
  /**
   * Makes the logic that judges one question. It is stopped after 15 s. When it throws, ends without a verdict or is
   * late, the verdict is `undetermined`, with a fault; the manager continues.
   */
  readonly actor: (ports: ProoftypePorts) => ProoftypeLogic;
}

/** An embedder's prooftypes, by name; see `ManagerOptions.prooftypes`. */
export type Prooftypes = Readonly<Record<string, Prooftype>>;

/** Such a name cannot be mistaken for a property path, nor for one of our actors. */
const WORD = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 64;
const ANSWERS = ['nature', 'matching', 'material'] as const;

/**
 * Checks an embedder's prooftypes and returns them as a map.
 * @throws TypeError naming the key: a name that is neither a word in kebab-case nor a URI, or is one of ours; or an
 *   invalid answer, strength or actor
 */
export function prooftypesFrom(given: Prooftypes): ReadonlyMap<string, Prooftype> {
  for (const [name, prooftype] of Object.entries(given)) {
    const key = `prooftypes[${JSON.stringify(name)}]`;
    if (name === 'none' || PROOFTYPES.some((ours) => ours === name)) throw new TypeError(`${key}: this name is ours`);
    const isWord = name.length <= MAX_NAME_LENGTH && WORD.test(name);
    const isUri = isDnaProofType(name) && dnaProofTypeOf(name) === name;
    if (!isWord && !isUri) throw new TypeError(`${key}: expected a word-in-kebab-case, or a URI of your own`);
    checkProoftype(prooftype, key);
  }
  return new Map(Object.entries(given));
}

/** Embedders write JavaScript too, where the types check nothing. */
function checkProoftype({ answers, strength, actor }: Prooftype, key: string): void {
  const said: Readonly<Record<string, unknown>> = { ...answers };
  const unanswered = ANSWERS.find((name) => typeof said[name] !== 'string' || said[name] === '');
  if (unanswered !== undefined) throw new TypeError(`${key}.answers.${unanswered}: expected a sentence (RFC 7712 §7)`);
  if (typeof said['needsSecureDns'] !== 'boolean')
    throw new TypeError(`${key}.answers.needsSecureDns: expected true or false (RFC 7712 §7)`);
  if (!['strong', 'weak'].includes(strength)) throw new TypeError(`${key}.strength: expected strong | weak`);
  if (typeof actor !== 'function') throw new TypeError(`${key}.actor: expected a function that makes an actor's logic`);
}
