/** What domains and hosts of the demo publish outside of XMPP: DNS records, and documents on the web. */
import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import type { ConnectionManager } from '../manager.ts';
import { certificateParts } from '../protocol/certificate-parts.ts';
import { poshUrl, writePoshDocument } from '../protocol/posh.ts';
import { MATCHING, SELECTOR, tlsaFor, tlsaOwner, USAGE } from '../protocol/tlsa.ts';
import { credentialOf } from './certificates.ts';
import type { ProviderSetup, Side } from './scenario.ts';
import type { Stage } from './stage.ts';

/** Where all domains of a provider are served. */
export const targetOf = (side: Side): string => `xmpp.provider-${side.toLowerCase()}.example`;

/** Every domain of a provider is delegated to the same target host: how providers are found, and streams shared. */
export function publish(
  setup: ProviderSetup,
  { listening }: ConnectionManager,
  address: string,
  side: Side,
  { resolver, posh }: Stage,
): void {
  const { hosts, publishes = {}, tlsa } = setup;
  const target = targetOf(side);
  const port = listening[0]?.port ?? 0;
  for (const domain of hosts) {
    const { signed = false, posh: listed } = publishes[domain] ?? {};
    const srv = [{ priority: 1, weight: 1, port, target }];
    resolver.set(`_xmpp-server._tcp.${domain}`, { srv, status: signed ? 'secure' : 'insecure' });
    const named = listed === undefined ? null : writePoshDocument([readCertificate(derOf(setup, listed))], DAY_SECONDS);
    posh.set(poshUrl(domain, 'xmpp-server'), named);
  }
  const isSigned = Object.values(publishes).some(({ signed }) => signed === true);
  resolver.set(target, { addresses: [{ family: 4, address }], status: isSigned ? 'secure' : 'insecure' });
  const parts = tlsa === undefined ? null : certificateParts(derOf(setup, tlsa));
  const record = parts && { status: 'secure' as const, tlsa: [tlsaFor(parts, DANE_EE_KEY)] };
  resolver.set(tlsaOwner(target, port), record);
}

const DAY_SECONDS = 86_400;
/** `3 1 1`: this very key, by its SHA-256 (RFC 7671 §5.1). */
const DANE_EE_KEY = { usage: USAGE.daneEe, selector: SELECTOR.spki, matching: MATCHING.sha256 };

/** The provider's certificate, or one that it has not. */
function derOf(setup: ProviderSetup, whose: 'its own' | "somebody else's"): Buffer {
  const { cert } = whose === 'its own' ? credentialOf(setup) : credentialOf({ hosts: ['somebody-else.example'] });
  return new X509Certificate(cert).raw;
}
