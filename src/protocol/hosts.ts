/** Which credential speaks for a hosted domain. */
import { canonicalDomain, parentDomains } from './names.ts';

/** That of the domain itself, else of its closest parent host that has one; null where there is none. Keys are canonical. */
export function credentialOf<C>(hosts: ReadonlyMap<string, C | null>, domain: string): C | null {
  for (const name of [domain, ...parentDomains(domain)]) {
    const credential = hosts.get(name) ?? null;
    if (credential !== null) return credential;
  }
  return null;
}

/**
 * Other credentials for domains that are in `hosts`. One that is the same as before stays the same object: what was made of it,
 * and sessions that can be resumed with it, go on.
 * @throws TypeError when one is not in `hosts`; then none is replaced
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
