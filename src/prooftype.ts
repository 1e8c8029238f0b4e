/** Prooftypes of the embedder's own (RFC 7712 §7, FEATURES A13): four answers, and an actor that judges. */
import type { AnyActorLogic, Snapshot } from 'xstate';
import type { Clock } from './ports.ts';
import type { CertificateEvidence } from './protocol/certificate.ts';
import { dnaProofTypeOf } from './protocol/dna.ts';
import type { Fault } from './protocol/faults.ts';
import { PROOFTYPES } from './protocol/policy.ts';
import { type Evidence, isDnaProofType } from './protocol/proof.ts';
import type { Service } from './protocol/service.ts';

/** The definition of a prooftype, as RFC 7712 §7 wants it: for those who decide whether to trust it. */
export interface ProoftypeAnswers {
  /** What proves that the far end speaks for the domain. */
  readonly nature: string;
  /** How our verification material is compared with it. */
  readonly matching: string;
  /** How we come by our verification material. */
  readonly material: string;
  /** True: nothing is judged, and the question stays open, where nobody validates the DNS. */
  readonly needsSecureDns: boolean;
}

/** What is to be judged. */
export interface ProoftypeQuestion {
  readonly service: Service;
  /** The domain that is to be proved, canonical: A-labels, lower case. */
  readonly domain: string;
  /** Hosts that the signed DNS delegates the domain to, canonical; none where the far end was challenged. */
  readonly derivedDomains: readonly string[];
  /** What the far end presented in TLS; null: nothing. */
  readonly certificate: CertificateEvidence | null;
  /** What the far end answered to our challenge; null where the name of the prooftype is no URI: nobody is challenged. */
  readonly proof: string | null;
}

/** What an actor may ask of the stream that it judges. */
export interface ProoftypePorts {
  /** What the far end presented in TLS, DER, leaf first; none, if nothing. Copies. */
  readonly chain: () => readonly Uint8Array[];
  /** The manager's. The actor's own delays (`after`) run on it as well. */
  readonly clock: Clock;
}

/**
 * "Could not find out" is never "refuted" (DESIGN §6). Name and strength are those of the prooftype. In `fault` goes a condition in
 * kebab-case and, for a person, a text; never a secret.
 */
export type ProoftypeVerdict =
  | {
      readonly kind: 'proved';
      /** Up to 32 names and fingerprints that it rests on; no secrets: it is shown in records and reports. */
      readonly evidence: Evidence;
      /**
       * When the proof ends, in milliseconds since the epoch: it is asked for anew before. Not in the past; what is later than
       * thirty days from now is taken as that, what is sooner than a minute as a minute.
       */
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'refuted' | 'undetermined'; readonly fault: ProoftypeFault };

/** Shown everywhere as a fault of the layer `prooftype`, with the name of the prooftype before its text. */
export type ProoftypeFault = Pick<Fault, 'condition' | 'origin' | 'text'>;

/** Any logic of XState (`fromPromise`, a machine, …) that takes a question and ends with a verdict. */
export type ProoftypeLogic = AnyActorLogic & {
  getInitialSnapshot(scope: never, question: ProoftypeQuestion): Snapshot<ProoftypeVerdict>;
};

export interface Prooftype {
  readonly answers: ProoftypeAnswers;
  /** `weak`, as dialback is: good enough where policy is not `authenticated`. */
  readonly strength: 'strong' | 'weak';
  /**
   * Makes the logic that judges one question. It has 15 s, and is stopped then. One that throws, ends without a verdict, or is
   * late leaves the question open, with a fault; the manager lives on.
   */
  readonly actor: (ports: ProoftypePorts) => ProoftypeLogic;
}

/** Prooftypes of an embedder, by name; see `ManagerOptions.prooftypes`. */
export type Prooftypes = Readonly<Record<string, Prooftype>>;

/** So that it never reads like a member of something, nor like one of our actors. */
const WORD = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 64;
const ANSWERS = ['nature', 'matching', 'material'] as const;

/**
 * The prooftypes of an embedder, looked at.
 * @throws TypeError naming the key: a name that is neither a word in kebab-case nor a URI, or is one of ours; an answer, a strength
 *   or an actor that is none
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

/** Embedders write JavaScript, too: the types alone hold nobody. */
function checkProoftype({ answers, strength, actor }: Prooftype, key: string): void {
  const said: Readonly<Record<string, unknown>> = { ...answers };
  const unanswered = ANSWERS.find((name) => typeof said[name] !== 'string' || said[name] === '');
  if (unanswered !== undefined) throw new TypeError(`${key}.answers.${unanswered}: expected a sentence (RFC 7712 §7)`);
  if (typeof said['needsSecureDns'] !== 'boolean')
    throw new TypeError(`${key}.answers.needsSecureDns: expected true or false (RFC 7712 §7)`);
  if (!['strong', 'weak'].includes(strength)) throw new TypeError(`${key}.strength: expected strong | weak`);
  if (typeof actor !== 'function') throw new TypeError(`${key}.actor: expected a function that makes an actor's logic`);
}
