/**
 * Prooftype "shared token": two operators share a secret. When challenged, a server shows tokens made with it (DNA
 * protocol of 2009):
 *
 *     token = until "." HMAC-SHA-256(secret, JSON of [URI, domain, SHA-256 of the presented certificate, until])
 *
 * Digests in lower-case hex, `until` in seconds since the epoch. A token is for one certificate: to reuse a token
 * elsewhere, one would need the key of that certificate. A server shows a token for each of its certificates and for
 * each secret. Use a separate secret for each pair of operators, since anybody who holds it can speak for both.
 */
import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import { fromPromise } from 'xstate';

/** The name of the prooftype, and its URI on the wire. Take yours from a namespace of your own. */
export const SHARED_TOKEN = 'urn:example:dna:shared-token';
const MAX_TOKENS = 32;

const digestOf = (der) => createHash('sha256').update(der).digest('hex');
const macOf = (secret, domain, certificateSha256, until) =>
  createHmac('sha256', secret)
    .update(JSON.stringify([SHARED_TOKEN, domain, certificateSha256, until]))
    .digest();

/** What to show for a domain: one token for each certificate (PEM) that we may present, valid until `untilMs`. */
export function tokensFor(secret, domain, certificates, untilMs) {
  const until = Math.floor(untilMs / 1000);
  const shown = certificates.map((pem) => {
    return `${until}.${macOf(secret, domain, digestOf(new X509Certificate(pem).raw), until).toString('hex')}`;
  });
  return shown.join(' ');
}

/** `secrets`: a Map from domains to the secret (32 random bytes or more) that is shared with their operator. */
export function sharedToken(secrets) {
  return {
    answers: {
      nature: 'The far end shows a token that only holders of a secret can make, for the certificate that it presents.',
      matching: 'We make the token ourselves, for the domain and for the certificate of this stream; it is the same.',
      material: 'The operators have told each other the secret, out of band.',
      needsSecureDns: false,
    },
    strength: 'strong',
    actor: ({ chain, clock }) =>
      fromPromise(async ({ input: { domain, proof } }) => {
        const secret = secrets.get(domain);
        if (secret === undefined) return { kind: 'undetermined', fault: { condition: 'no-secret', origin: 'local' } };
        const [leaf] = chain();
        if (leaf === undefined) return { kind: 'undetermined', fault: { condition: 'no-certificate', origin: 'peer' } };
        const certificateSha256 = digestOf(leaf);
        for (const token of (proof ?? '').trim().split(/\s+/, MAX_TOKENS)) {
          const [, until, mac] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(token) ?? [];
          if (mac === undefined) continue;
          const expected = macOf(secret, domain, certificateSha256, Number(until));
          if (!timingSafeEqual(Buffer.from(mac, 'hex'), expected)) continue;
          const expiresAtMs = Number(until) * 1000;
          if (expiresAtMs <= clock.now())
            return { kind: 'refuted', fault: { condition: 'token-expired', origin: 'peer' } };
          return { kind: 'proved', evidence: { certificateSha256 }, expiresAtMs };
        }
        const text = `none of its tokens is for ${domain} and the certificate ${certificateSha256}`;
        return { kind: 'refuted', fault: { condition: 'no-token-matches', origin: 'peer', text } };
      }),
  };
}
