/**
 * A prooftype of the providers' own (RFC 7712 §7): the two operators have told each other their keys, for example by
 * phone.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { fromPromise } from 'xstate';
import type { Prooftype, ProoftypeQuestion, ProoftypeVerdict } from '../prooftype.ts';
import { credentialOf } from './certificates.ts';
import type { ProviderSetup } from './scenario.ts';

const DAY_MS = 86_400_000;

function pinOf(certificate: string | Uint8Array): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

/** @param told by domain: the certificate whose key the domain's operator told us */
export const pinnedKey = (told: Readonly<Record<string, Pick<ProviderSetup, 'hosts' | 'certificate'>>>): Prooftype => ({
  answers: {
    nature: 'The far end holds a private key: it has finished a TLS handshake with it.',
    matching: 'The SHA-256 of the SubjectPublicKeyInfo of its certificate is the one pinned for the domain.',
    material: 'The operators have told each other, out of band.',
    needsSecureDns: false,
  },
  strength: 'strong',
  actor: ({ chain, clock }) =>
    fromPromise<ProoftypeVerdict, ProoftypeQuestion>(({ input: { domain } }) => {
      const whose = told[domain];
      const [leaf] = chain();
      if (whose === undefined || leaf === undefined)
        return Promise.resolve({ kind: 'undetermined', fault: { condition: 'no-pin', origin: 'local' } });
      const pin = pinOf(leaf);
      if (pin !== pinOf(credentialOf(whose).cert)) {
        const fault = { condition: 'no-pin-matches', origin: 'peer', text: `its key is ${pin}` } as const;
        return Promise.resolve({ kind: 'refuted', fault });
      }
      return Promise.resolve({ kind: 'proved', evidence: { spkiSha256: pin }, expiresAtMs: clock.now() + DAY_MS });
    }),
});
