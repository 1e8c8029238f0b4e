/**
 * What signed DNS says about a domain of which only the name is known: an initiating server's, or a further domain of a
 * peer.
 */
import type { LookUpOptions, Ports } from '../ports.ts';
import {
  clientTlsaOwnerName,
  decidesAlone,
  type SecureDelegationFinding,
  findingOf,
  MAX_TLSA_TARGETS,
  noDane,
  secureTargets,
  type SecureTarget,
  TLSA_TARGETS_AT_ONCE,
  type TlsaAnswer,
  undelegated,
  withheldBy,
} from '../protocol/secure-delegation.ts';
import type { Service } from '../protocol/service.ts';
import { srvOwnerNames } from '../protocol/srv.ts';
import { tlsaOwner } from '../protocol/tlsa.ts';

export interface SecureDelegationQuestion extends Required<LookUpOptions> {
  readonly domain: string;
  readonly service: Service;
  /** The endpoint we connected to; null on a stream that the peer opened. */
  readonly endpoint: SecureTarget | null;
  readonly asksForTlsa: boolean;
}

/** Looks up the services of the domain, and the TLSA records at the targets that they name (RFC 7673 §3). */
export async function findSecureDelegation(
  { resolver, clock }: Pick<Ports, 'resolver' | 'clock'>,
  question: SecureDelegationQuestion,
  signal: AbortSignal,
): Promise<SecureDelegationFinding> {
  const { domain, service, endpoint, asksForTlsa } = question;
  const names = srvOwnerNames(domain, service);
  if (names === null) {
    const dane = noDane('insecure-delegation', 'an IP address has no SRV records');
    return { kind: 'found', delegation: { ...undelegated, dane } };
  }
  const tlsaAt = async (owner: string): Promise<TlsaAnswer> => ({
    owner,
    answer: await resolver.tlsa(owner, signal, question),
  });
  const [xmpp, xmpps, ofClient] = await Promise.all([
    resolver.srv(names.xmpp, signal, question),
    resolver.srv(names.xmpps, signal, question),
    asksForTlsa && endpoint === null ? tlsaAt(clientTlsaOwnerName(domain)) : null,
  ]);
  const services = [xmpp, xmpps];
  const tlsa: TlsaAnswer[] = ofClient === null ? [] : [ofClient];
  const isOver = !asksForTlsa || (ofClient !== null && decidesAlone(ofClient));
  const places = isOver ? [] : placesOf(secureTargets(services), endpoint);
  for (let next = 0; next < Math.min(places.length, MAX_TLSA_TARGETS); next += TLSA_TARGETS_AT_ONCE) {
    if (withheldBy([...services, ...tlsa.map(({ answer }) => answer)]) !== null) break; // this alone decides
    const owners = places.slice(next, next + TLSA_TARGETS_AT_ONCE).map(({ host, port }) => tlsaOwner(host, port));
    tlsa.push(...(await Promise.all(owners.map(tlsaAt))));
  }
  const unasked = Math.max(0, places.length - MAX_TLSA_TARGETS);
  // A client's certificate is matched against DANE-EE records only, as Prosody's mod_s2s_auth_dane_in does.
  return findingOf(services, tlsa, clock.now(), endpoint === null ? 3 : null, unasked);
}

/**
 * The TLSA records of the stream's own endpoint decide. When the endpoint is none of the targets but another name for
 * the same address, the records of all targets count, or this would be a way around them (S8).
 */
function placesOf(targets: readonly SecureTarget[], endpoint: SecureTarget | null): readonly SecureTarget[] {
  const here = targets.filter(({ host, port }) => host === endpoint?.host && port === endpoint.port);
  return here.length > 0 ? here : targets;
}
