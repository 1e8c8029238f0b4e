/**
 * A failure as a value. Internally, failures are passed as {@link Fault}; in the API, promises reject with
 * {@link FaultError}.
 *
 * Condition names are the RFCs' own where one exists (`host-unknown`, `not-authorized`, …); ours are kebab-case.
 */

/** The layer in which something failed, from the wire upwards. */
export type FaultLayer =
  | 'dns'
  | 'tcp'
  | 'tls'
  | 'xml'
  | 'stream'
  | 'sasl'
  | 'dialback'
  | 'pkix'
  | 'dane'
  | 'posh'
  | 'dna'
  | 'prooftype'
  | 'policy'
  | 'queue'
  | 'config'
  | 'component'
  | 'internal';

/** The party at fault, or the party that must act to resolve the fault. */
export type FaultOrigin = 'local' | 'peer' | 'dns' | 'web';

export interface Fault {
  readonly layer: FaultLayer;
  readonly condition: string;
  readonly origin: FaultOrigin;
  /**
   * What happened, for humans; never contains secrets or stanza bodies, and has at most {@link MAX_TEXT} characters.
   */
  readonly text?: string;
}

/**
 * Longest text of a fault, in characters: much of it comes from peers, and goes into logs and into answers to stanzas.
 */
export const MAX_TEXT = 500;

export function fault(layer: FaultLayer, condition: string, origin: FaultOrigin, text?: string): Fault {
  return text === undefined ? { layer, condition, origin } : { layer, condition, origin, text: brief(text) };
}

/** The beginning of a text of any length, as a separate string: a slice would keep the whole text in memory. */
export function brief(text: string, length: number = MAX_TEXT): string {
  return text.length <= length ? text : `${Array.from(text.slice(0, length - 1)).join('')}…`;
}

/** One sentence for humans: `tls: handshake-failed (peer): wrong version number`. */
export function faultSentence({ layer, condition, origin, text }: Fault): string {
  return `${layer}: ${condition} (${origin})${text === undefined ? '' : `: ${text}`}`;
}

/** The error with which promises of the public API reject. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(what: Fault, options?: ErrorOptions) {
    super(faultSentence(what), options);
    this.fault = what;
  }
}

/** The fault in a thrown value; an unexpected error becomes an `internal-error` of `layer`. */
export function toFault(thrown: unknown, layer: FaultLayer): Fault {
  if (thrown instanceof FaultError) return thrown.fault;
  return fault(layer, 'internal-error', 'local', thrown instanceof Error ? thrown.message : String(thrown));
}
