/** The stream error sent for a fault that ends a stream (RFC 6120 §4.9). */
import type { Fault } from './faults.ts';
import type { WireElement } from './wire.ts';

/** Stream errors of RFC 6120 §4.9.3 that fault conditions of the same name become; for others see `conditionOf`. */
const STREAM_ERRORS = new Set([
  'bad-format', 'bad-namespace-prefix', 'conflict', 'connection-timeout', 'host-gone', 'host-unknown',
  'improper-addressing', 'internal-server-error', 'invalid-from', 'invalid-namespace', 'invalid-xml', 'not-authorized',
  'not-well-formed', 'policy-violation', 'remote-connection-failed', 'reset', 'resource-constraint', 'restricted-xml',
  'system-shutdown', 'unsupported-encoding', 'unsupported-feature', 'unsupported-stanza-type', 'unsupported-version',
]); // prettier-ignore

/**
 * The stream error for a fault, or null if none is sent. One is sent for actions of the peer or of ours that end the
 * stream; not for network failures, and not if the far end already knows the reason.
 */
export function streamErrorFor(what: Fault): Extract<WireElement, { kind: 'streamError' }> | null {
  const { layer, condition, origin, text } = what;
  if (layer === 'tcp' || layer === 'tls' || layer === 'dns' || condition === 'superseded') return null;
  // The details of an internal failure go to the operator; the peer learns only that one occurred (RFC 6120 §4.9.3.8).
  if (layer === 'internal') return { kind: 'streamError', condition: 'internal-server-error', text: null };
  // The text of a local refusal is not sent either: it tells which entry of which list applies.
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
