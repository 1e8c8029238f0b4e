/** What is said of a fault on the stream that it ends (RFC 6120 §4.9). */
import type { Fault } from './faults.ts';
import type { WireElement } from './wire.ts';

/** Stream errors of RFC 6120 §4.9.3 that our faults can be said with; all else is `undefined-condition` with its text. */
const STREAM_ERRORS = new Set([
  'bad-format', 'bad-namespace-prefix', 'conflict', 'connection-timeout', 'host-gone', 'host-unknown',
  'improper-addressing', 'internal-server-error', 'invalid-from', 'invalid-namespace', 'invalid-xml', 'not-authorized',
  'not-well-formed', 'policy-violation', 'remote-connection-failed', 'reset', 'resource-constraint', 'restricted-xml',
  'system-shutdown', 'unsupported-encoding', 'unsupported-feature', 'unsupported-stanza-type', 'unsupported-version',
]); // prettier-ignore

/**
 * The stream error for a fault, or null where none is sent: it is for what the peer did to the stream, or what we do to
 * it; not for what the network did, and not where the far end knows already.
 */
export function streamErrorFor(what: Fault): Extract<WireElement, { kind: 'streamError' }> | null {
  const { layer, condition, origin, text } = what;
  if (layer === 'tcp' || layer === 'tls' || layer === 'dns' || condition === 'superseded') return null;
  // What broke here is for the owner to know; the peer is told that something did (RFC 6120 §4.9.3.8).
  if (layer === 'internal') return { kind: 'streamError', condition: 'internal-server-error', text: null };
  // Why we will not have it is ours to know as well: which entry of which list.
  return { kind: 'streamError', condition: conditionOf(what), text: origin === 'local' ? null : (text ?? null) };
}

function conditionOf({ layer, condition }: Fault): string {
  switch (layer) {
    case 'pkix':
    case 'dane':
    case 'posh':
    case 'dna':
    case 'prooftype':
    case 'sasl':
    case 'dialback':
      return 'not-authorized';
    default:
      if (STREAM_ERRORS.has(condition)) return condition;
      return layer === 'policy' ? 'policy-violation' : 'undefined-condition';
  }
}
