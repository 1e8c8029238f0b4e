/** Selects the credential for a hosted domain. */
import { canonicalDomain, parentDomains } from './names.ts';

/** The credential of the domain, else of its closest parent in `hosts` that has one, else null. Keys are canonical. */
export function credentialOf<C>(hosts: ReadonlyMap<string, C | null>, domain: string): C | null {
  for (const name of [domain, ...parentDomains(domain)]) {
    const credential = hosts.get(name) ?? null;
    if (credential !== null) return credential;
  }
  return null;
}

/**
 * Replaces credentials of domains that are in `hosts`. An unchanged credential stays the same object, so that
 * everything derived from it, and TLS sessions that can be resumed with it, remain usable.
 * @throws TypeError if a domain is not in `hosts`; then none is replaced
 */
export function replaceCredentials<C extends { readonly cert: string; readonly key: string }>(
  hosts: Map<string, C | null>,
  others: Readonly<Record<string, C | null>>,
): void {
  const replaced = Object.entries(others).map(([host, credential]) => {
    const domain = canonicalDomain(host);
    if (domain === null || !hosts.has(domain)) throw new TypeError(`${JSON.stringify(host)} is not hosted`);
    return [domain, credential] as const;
  });
  for (const [domain, credential] of replaced) {
    const before = hosts.get(domain);
    const isSame = before?.cert === credential?.cert && before?.key === credential?.key;
    if (!isSame) hosts.set(domain, credential);
  }
}
