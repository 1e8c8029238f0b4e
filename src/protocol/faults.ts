/**
 * A failure as a value. Inside, failures travel as {@link Fault}; outside, promises reject with {@link FaultError}.
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

/** Who is at fault, or who has to move for it to go away. */
export type FaultOrigin = 'local' | 'peer' | 'dns' | 'web';

export interface Fault {
  readonly layer: FaultLayer;
  readonly condition: string;
  readonly origin: FaultOrigin;
  /** What happened, for a person; never holds secrets or stanza bodies, and at most {@link MAX_TEXT} characters. */
  readonly text?: string;
}

/** Much of what is said in a fault comes from a peer, and goes into logs and into answers to stanzas. */
export const MAX_TEXT = 500;

export function fault(layer: FaultLayer, condition: string, origin: FaultOrigin, text?: string): Fault {
  return text === undefined ? { layer, condition, origin } : { layer, condition, origin, text: brief(text) };
}

/** The beginning of a text that may be of any length, as a string of its own: a mere slice would keep the whole alive. */
export function brief(text: string, length: number = MAX_TEXT): string {
  return text.length <= length ? text : `${Array.from(text.slice(0, length - 1)).join('')}…`;
}

/** One sentence for a person: `tls: handshake-failed (peer): wrong version number`. */
export function faultSentence({ layer, condition, origin, text }: Fault): string {
  return `${layer}: ${condition} (${origin})${text === undefined ? '' : `: ${text}`}`;
}

/** What promises of the public API reject with. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(what: Fault, options?: ErrorOptions) {
    super(faultSentence(what), options);
    this.fault = what;
  }
}

/** The fault in whatever was thrown; an unexpected error becomes an `internal-error` of `layer`. */
export function toFault(thrown: unknown, layer: FaultLayer): Fault {
  if (thrown instanceof FaultError) return thrown.fault;
  return fault(layer, 'internal-error', 'local', thrown instanceof Error ? thrown.message : String(thrown));
}
