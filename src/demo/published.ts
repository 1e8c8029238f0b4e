/** What the demo's domains and hosts publish outside XMPP: DNS records, and documents on the web. */
import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import { certificateParts } from '../protocol/certificate-parts.ts';
import { poshUrl, writePoshDocument } from '../protocol/posh.ts';
import { type Service, serviceFacts } from '../protocol/service.ts';
import { MATCHING, SELECTOR, tlsaFor, tlsaOwner, USAGE } from '../protocol/tlsa.ts';
import { credentialOf } from './certificates.ts';
import { ownerOf } from './delegations.ts';
import type { ProviderSetup, Side } from './scenario.ts';
import type { Stage } from './stage.ts';

/** The host that serves all domains of a provider. */
export const targetOf = (side: Side, service: Service = 'xmpp-server'): string =>
  `${service === 'xmpp-client' ? 'clients' : 'xmpp'}.provider-${side.toLowerCase()}.example`;

/** Where a provider listens. */
export interface ServiceAt {
  readonly service: Service;
  readonly side: Side;
  readonly address: string;
  readonly port: number;
}

/** Delegates every domain of a provider to the same target host: so providers are found, and streams are shared. */
export function publish(
  setup: ProviderSetup,
  { service, side, address, port }: ServiceAt,
  { resolver, zones, posh }: Stage,
): void {
  const { hosts, publishes = {}, tlsa } = setup;
  const target = targetOf(side, service);
  for (const domain of hosts) {
    const { signed = false, posh: listed, island } = publishes[domain] ?? {};
    const srv = [{ priority: 1, weight: 1, port, target }];
    resolver.set(`${serviceFacts[service].srv}.${domain}`, { srv, status: signed ? 'secure' : 'insecure' });
    const named = listed === undefined ? null : writePoshDocument([readCertificate(derOf(setup, listed))], DAY_SECONDS);
    posh.set(poshUrl(domain, service), named);
    if (island !== undefined) zones.set(domain, ownerOf(island === 'its own' ? domain : SOMEBODY_ELSE).cert);
  }
  const isSigned = Object.values(publishes).some(({ signed }) => signed === true);
  resolver.set(target, { addresses: [{ family: 4, address }], status: isSigned ? 'secure' : 'insecure' });
  const parts = tlsa === undefined ? null : certificateParts(derOf(setup, tlsa));
  const record = parts && { status: 'secure' as const, tlsa: [tlsaFor(parts, DANE_EE_KEY)] };
  resolver.set(tlsaOwner(target, port), record);
}

const SOMEBODY_ELSE = 'somebody-else.example';
const DAY_SECONDS = 86_400;
/** `3 1 1`: this exact key, by its SHA-256 (RFC 7671 §5.1). */
const DANE_EE_KEY = { usage: USAGE.daneEe, selector: SELECTOR.spki, matching: MATCHING.sha256 };

/** The provider's certificate, or one that it does not have. */
function derOf(setup: ProviderSetup, whose: 'its own' | "somebody else's"): Buffer {
  const { cert } = whose === 'its own' ? credentialOf(setup) : ownerOf(SOMEBODY_ELSE);
  return new X509Certificate(cert).raw;
}
