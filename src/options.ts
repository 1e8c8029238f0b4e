/** The options of a manager: the configuration file of `serve` as an object, and the bounds of both. */
import { type DnaProofs, dnaProofTypeOf, problemOfProof } from './protocol/dna.ts';
import { canonicalDomain } from './protocol/names.ts';
import { isBuiltInDnaProofType, isDnaProofType } from './protocol/proof.ts';
import type { PolicyOptions } from './protocol/policy.ts';
import type { Credential, ListenOptions } from './ports.ts';
import type { Prooftypes } from './prooftype.ts';
import { traceLimits } from './trace/limits.ts';

export type { DnaProofs } from './protocol/dna.ts';
export type {
  DomainPolicy,
  Federation,
  FixedTarget,
  PolicyOptions,
  ProoftypeName,
  TargetOptions,
} from './protocol/policy.ts';

export interface LimitOptions {
  /** Largest stanza, in bytes from `<` to `>`. @defaultValue 524288; never below 10000 (RFC 6120 §13.12) */
  readonly stanzaBytes?: number;
  /** Largest element before the stream is authenticated, in bytes. @defaultValue 10000 */
  readonly preAuthBytes?: number;
  /** Stanzas queued per domain pair. @defaultValue 10000 */
  readonly queueStanzas?: number;
  /** Bytes queued per domain pair. @defaultValue 16777216 */
  readonly queueBytes?: number;
  /**
   * Bytes of XML that one stream may send per second; a stream that exceeds this is read more slowly.
   * @defaultValue no limit
   */
  readonly bytesPerSecond?: number;
  /**
   * Connections per second that one address (IPv6: a /64) may open to us, averaged over ten seconds; those beyond it
   * are dropped.
   * @defaultValue 100
   */
  readonly connectionsPerSecond?: number;
}

/** Minimum length of the dialback secret, from which keys are derived (XEP-0185), and of tokens, in characters. */
export const MIN_SECRET_CHARACTERS = 16;

/** RFC 6120 §13.12: no deployment may set a lower limit. */
const MIN_STANZA_BYTES = 10_000;
/** One element is held in memory as one buffer; a limit beyond this size protects nobody. */
const MAX_ELEMENT_BYTES = 64 * 1024 * 1024;

/** Minimum and maximum of each limit. */
export const limitBounds = {
  stanzaBytes: [MIN_STANZA_BYTES, MAX_ELEMENT_BYTES],
  /** A stream header, a SASL answer and a dialback element must fit. */
  preAuthBytes: [2_048, MAX_ELEMENT_BYTES],
  queueStanzas: [1, 10_000_000],
  queueBytes: [MIN_STANZA_BYTES, 2 ** 40],
  /** At least one stanza of `MIN_STANZA_BYTES` per second. */
  bytesPerSecond: [MIN_STANZA_BYTES, 2 ** 40],
  connectionsPerSecond: [1, 1_000_000],
} as const satisfies Record<keyof LimitOptions, readonly [least: number, most: number]>;

const DEFAULT_STANZA_BYTES = 524_288;
const DEFAULT_QUEUE_BYTES = 16_777_216;

/**
 * A queue without room for the largest stanza would never take it: the key to change, and what it should be; or null.
 */
export function queueProblem({
  stanzaBytes = DEFAULT_STANZA_BYTES,
  queueBytes,
}: LimitOptions): { readonly key: 'stanzaBytes' | 'queueBytes'; readonly expected: string } | null {
  if (stanzaBytes <= (queueBytes ?? DEFAULT_QUEUE_BYTES)) return null;
  const why = 'one stanza must fit';
  return queueBytes === undefined
    ? { key: 'stanzaBytes', expected: `expected at most limits.queueBytes, ${DEFAULT_QUEUE_BYTES} by default: ${why}` }
    : { key: 'queueBytes', expected: `expected at least limits.stanzaBytes, ${stanzaBytes}: ${why}` };
}

/**
 * All limits, with defaults filled in.
 * @throws TypeError when a limit is not a whole number within {@link limitBounds}, or the queue has no room for one
 *   stanza
 */
export function limitsFrom(options: LimitOptions = {}): Required<LimitOptions> {
  const chosen = (name: keyof LimitOptions, fallback: number): number => {
    const value = options[name] ?? fallback;
    const [least, most] = limitBounds[name];
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new TypeError(`limits.${name}: expected a whole number from ${least} to ${most}, got ${value}`);
  };
  const limits = {
    stanzaBytes: chosen('stanzaBytes', DEFAULT_STANZA_BYTES),
    preAuthBytes: chosen('preAuthBytes', 10_000),
    queueStanzas: chosen('queueStanzas', 10_000),
    queueBytes: chosen('queueBytes', DEFAULT_QUEUE_BYTES),
    bytesPerSecond: options.bytesPerSecond === undefined ? Infinity : chosen('bytesPerSecond', Infinity),
    connectionsPerSecond: chosen('connectionsPerSecond', 100),
  };
  const problem = queueProblem(options);
  if (problem !== null) throw new TypeError(`limits.${problem.key}: ${problem.expected}`);
  return limits;
}

/**
 * Proofs of delegation by canonical domain; domains without any are left out.
 * @throws TypeError naming the key: a domain that is not hosted or is listed twice, an unknown type, or a proof that
 *   cannot be shown
 */
export function proofsFrom(
  proofs: NonNullable<ManagerOptions['proofs']>,
  hosted: ReadonlyMap<string, unknown>,
): Map<string, DnaProofs> {
  const byDomain = new Map<string, DnaProofs>();
  for (const [host, shown] of Object.entries(proofs)) {
    const key = `proofs[${JSON.stringify(host)}]`;
    const domain = canonicalDomain(host);
    if (domain === null || !hosted.has(domain)) throw new TypeError(`${key}: expected a hosted domain`);
    if (byDomain.has(domain)) throw new TypeError(`${key}: stands here twice: this is "${domain}" again`);
    for (const [type, data] of Object.entries(shown)) {
      // A URI is compared in the form in which it is sent.
      const isKnown = isDnaProofType(type) && (isBuiltInDnaProofType(type) || dnaProofTypeOf(type) === type);
      if (!isKnown) throw new TypeError(`${key}.${type}: unknown type of proof`);
      const problem = problemOfProof(data ?? '');
      if (problem !== null) throw new TypeError(`${key}.${type} ${problem}`);
    }
    if (Object.keys(shown).length > 0) byDomain.set(domain, shown);
  }
  return byDomain;
}

/** How much of the trace is kept in memory. */
export interface TraceOptions {
  /** Newest records to keep, at most 1,000,000; 0 keeps none. @defaultValue 20000 */
  readonly records?: number;
  /** Approximate total size of these records, in bytes. @defaultValue 16777216 */
  readonly bytes?: number;
}

/** Minimum and maximum of each. */
const traceBounds = {
  records: [0, traceLimits.mostRecords],
  bytes: [10_000, 2 ** 40],
} as const satisfies Record<keyof TraceOptions, readonly [least: number, most: number]>;

/** Minimum and maximum size of a trace file, in bytes: it begins with snapshots of the actors, which must fit. */
export const traceFileBounds = [100_000, 2 ** 40] as const;

/** @throws TypeError when a value is not a whole number within its bounds */
export function traceFrom(options: TraceOptions = {}): Required<TraceOptions> {
  const chosen = (name: keyof TraceOptions): number => {
    const value = options[name] ?? traceLimits[name];
    const [least, most] = traceBounds[name];
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new TypeError(`trace.${name}: expected a whole number from ${least} to ${most}, got ${value}`);
  };
  return { records: chosen('records'), bytes: chosen('bytes') };
}

export interface ManagerOptions {
  /** The domains served here; one with a null credential uses that of its closest parent host. */
  readonly hosts: Readonly<Record<string, Credential | null>>;
  /** Sockets for other servers; `tls` is `detect` unless given. @defaultValue none, so that no other server can connect */
  readonly listen?: readonly (Omit<ListenOptions, 'tls'> & Partial<Pick<ListenOptions, 'tls'>>)[];
  /** What remote domains have to prove. @defaultValue `authenticated`, by DANE, PKIX or POSH, over TLS 1.2 or newer */
  readonly policy?: PolicyOptions;
  /** Whether to use one stream in both directions (XEP-0288). @defaultValue true */
  readonly bidi?: boolean;
  /** The XEP-0185 secret, at least 16 characters. @defaultValue random */
  readonly dialback?: { readonly secret?: string };
  /** Bounds on stanzas, queues and rates. */
  readonly limits?: LimitOptions;
  /** How much of the trace is kept in memory. */
  readonly trace?: TraceOptions;
  /**
   * Proofs of delegation, by hosted domain: what the domain's owner gave us to show to peers that challenge us for it
   * (DNA protocol of 2009). If there is one or more, we advertise support for that protocol. Data for one of the
   * embedder's own prooftypes is listed here under its URI.
   */
  readonly proofs?: Readonly<Record<string, DnaProofs>>;
  /**
   * Your own prooftypes, by the names under which policies may list them: a word in kebab-case, or a URI. For a URI the
   * peer is challenged (DNA protocol of 2009) and its answer is judged; see {@link ManagerOptions.proofs}.
   */
  readonly prooftypes?: Prooftypes;
}
