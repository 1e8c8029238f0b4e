/** The demo's two certificate authorities and what they issue; made once per process, so that runs can be compared. */
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssueOptions,
} from '../simulation/certificate-authority.ts';
import type { Credential } from '../ports.ts';
import type { ProviderSetup } from './scenario.ts';

const authorities = new Map<string, CertificateAuthority>();
const issued = new Map<string, Credential>();

function authority(issuer: 'trusted' | 'stranger'): CertificateAuthority {
  const known = authorities.get(issuer);
  if (known !== undefined) return known;
  const made = createCertificateAuthority({ name: issuer === 'trusted' ? 'Demo CA' : 'A CA that nobody trusts' });
  authorities.set(issuer, made);
  return made;
}

/** The certificate, PEM, of the authority that both providers trust. */
export const trustAnchor = (): string => authority('trusted').certPem;

/** The certificate issued to a provider. */
export function credentialOf({ hosts, certificate = {} }: ProviderSetup): Credential {
  const { issuer = 'trusted', names = hosts, usage = 'serverAuth' } = certificate;
  const options: IssueOptions = { dnsNames: names, eku: [usage] };
  const key = JSON.stringify([issuer, options]);
  const known = issued.get(key);
  if (known !== undefined) return known;
  const made = authority(issuer).issue(options);
  issued.set(key, made);
  return made;
}
