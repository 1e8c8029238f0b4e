/** POSH: what the domain publishes over HTTPS about its certificate (RFC 7711). */
import { poshUrl } from '../../../protocol/posh.ts';
import { type Cause, place, said, type Situation } from './cause.ts';

const url = ({ domain, service = 'xmpp-server' }: Situation): string => poshUrl(domain, service);

const otherProof = ({ domain }: Situation): string => `or give the server a certificate with the dNSName ${domain}`;

export const poshCauses: readonly Cause[] = [
  {
    id: 'posh-off',
    layers: ['posh'],
    conditions: ['not-available'],
    because: ({ domain }) => `${domain} could only be proved by POSH, but POSH documents are not fetched here.`,
    fix: ({ domain }) =>
      `Have them fetched (posh.enabled in the configuration), or name other prooftypes in the policy towards ${domain}.`,
    mover: 'operator',
  },
  {
    id: 'posh-lists-others',
    layers: ['posh'],
    conditions: ['no-fingerprint-match'],
    because: (situation) =>
      `The POSH document at ${url(situation)} lists other certificates than the one that ${place(situation)} shows.`,
    fix: () => 'Put the fingerprint of the certificate in use into the document; before a roll-over, both.',
  },
  {
    id: 'posh-malformed',
    layers: ['posh'],
    conditions: ['document-invalid', 'no-known-hash', 'reference-to-reference', 'too-large', 'response-invalid'],
    because: (situation) => `The POSH document at ${url(situation)} cannot be used${said(situation)}.`,
    fix: () =>
      'Write it as in RFC 7711 §3.1: {"fingerprints":[{"sha-256":"…base64 of the hash of the whole certificate…"}],"expires":86400}',
  },
  {
    id: 'posh-withdrawn',
    layers: ['posh'],
    conditions: ['expires-zero'],
    because: (situation) => `The POSH document at ${url(situation)} says "expires": 0, so it does not count.`,
    fix: () => 'Give "expires" the number of seconds that the document may be kept, such as 86400.',
  },
  {
    id: 'posh-missing',
    layers: ['posh'],
    conditions: ['document-missing', 'document-unavailable'],
    because: (situation) => `There is no POSH document at ${url(situation)}${said(situation)}.`,
    fix: (situation) => `Publish one there, with the fingerprint of the certificate in use; ${otherProof(situation)}.`,
  },
  {
    id: 'posh-web-certificate',
    layers: ['posh'],
    conditions: [
      'web-certificate-expired',
      'web-certificate-not-yet-valid',
      'web-certificate-untrusted',
      'web-certificate-name-mismatch',
      'web-certificate-invalid',
      'tls-failed',
    ],
    because: (situation) =>
      `The web server of ${situation.domain} cannot be trusted, so neither can its POSH document: ${situation.fault.condition}${said(situation)}.`,
    fix: (situation) => `Give the web server at https://${situation.domain}/ a certificate that browsers accept.`,
  },
  {
    id: 'posh-certificate-expired',
    layers: ['posh'],
    conditions: ['certificate-expired'],
    because: (situation) =>
      `The certificate at ${place(situation)} is outside its validity period, and no POSH document changes that.`,
    fix: () => 'Renew it, and put the fingerprint of the new one into the document.',
  },
  {
    id: 'posh-redirect',
    layers: ['posh'],
    conditions: ['insecure-redirect', 'redirect-invalid', 'too-many-redirects'],
    because: (situation) => `${url(situation)} redirects in a way that is not followed${said(situation)}.`,
    fix: () => 'Redirect to https, at most five times, or serve the document there itself.',
  },
  {
    id: 'posh-private-address',
    layers: ['posh'],
    conditions: ['private-address'],
    because: (situation) =>
      `The web server of ${situation.domain} has only addresses of a private network, which are not contacted${said(situation)}.`,
    fix: (situation) =>
      `Publish an address of the web server that the Internet can reach; ${otherProof(situation)}. In a private network of your own, set posh.allowPrivate.`,
  },
  {
    id: 'posh-no-turn',
    layers: ['posh'],
    conditions: ['too-many-fetches', 'cancelled'],
    because: (situation) =>
      `The POSH document of ${situation.domain} was not fetched, because too many others were${said(situation)}.`,
    fix: ({ domain }) => `Nothing needs to be done at ${domain}: the next attempt asks for it again.`,
    mover: 'us',
  },
  {
    id: 'posh-unreachable',
    layers: ['posh'],
    because: (situation) =>
      `The POSH document of ${situation.domain} could not be fetched: ${situation.fault.condition}${said(situation)}.`,
    fix: (situation) => `Have the web server answer at ${url(situation)}; ${otherProof(situation)}.`,
  },
];
