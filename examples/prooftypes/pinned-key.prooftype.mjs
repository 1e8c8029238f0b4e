/**
 * Prooftype "pinned key": the far end speaks for a domain if it holds the key that the operator of the domain gave us,
 * for example by phone. The names and dates of its certificate, and who signed it, do not matter; it may be renewed
 * with the same key.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { fromPromise } from 'xstate';

const DAY_MS = 86_400_000;

/**
 * What one operator gives the other: SHA-256 of a certificate's SubjectPublicKeyInfo (from PEM or DER), in lower-case
 * hex.
 */
export function pinOf(certificate) {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

/** `pins`: a Map from domains to lists of pins, the key in use and the next; it may change at any time. */
export function pinnedKey(pins) {
  return {
    answers: {
      nature: 'The far end holds a private key: it has finished a TLS handshake with it.',
      matching: 'The SHA-256 of the SubjectPublicKeyInfo of its certificate is among those pinned for the domain.',
      material: 'The operators have told each other, out of band.',
      needsSecureDns: false,
    },
    strength: 'strong',
    actor: ({ chain, clock }) =>
      fromPromise(async ({ input: { domain } }) => {
        const pinned = pins.get(domain);
        if (pinned === undefined) return { kind: 'undetermined', fault: { condition: 'no-pin', origin: 'local' } };
        const [leaf] = chain();
        if (leaf === undefined) return { kind: 'undetermined', fault: { condition: 'no-certificate', origin: 'peer' } };
        const pin = pinOf(leaf);
        if (!pinned.includes(pin))
          return { kind: 'refuted', fault: { condition: 'no-pin-matches', origin: 'peer', text: `its key is ${pin}` } };
        // The removal of a pin takes effect within a day.
        return { kind: 'proved', evidence: { spkiSha256: pin }, expiresAtMs: clock.now() + DAY_MS };
      }),
  };
}
