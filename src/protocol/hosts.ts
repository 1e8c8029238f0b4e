/** Which credential speaks for a hosted domain. */
import { parentDomains } from './names.ts';

/** That of the domain itself, else of its closest parent host that has one; null where there is none. Keys are canonical. */
export function credentialOf<C>(hosts: ReadonlyMap<string, C | null>, domain: string): C | null {
  for (const name of [domain, ...parentDomains(domain)]) {
    const credential = hosts.get(name) ?? null;
    if (credential !== null) return credential;
  }
  return null;
}
