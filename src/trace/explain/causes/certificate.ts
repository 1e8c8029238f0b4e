/** PKIX: the content of the certificate, and the authority that vouches for it (RFC 6120 §13.7). */
import { formatTlsa, tlsaOwner } from '../../../protocol/tlsa.ts';
import { dayOf } from '../../dates.ts';
import { at, type Cause, said, type Situation, subject } from './cause.ts';

const day = (atMs: number | undefined): string => dayOf(atMs ?? NaN);

/** Up to this difference, a wrong clock is more likely than intention. */
const LITTLE_MS = 24 * 3_600_000;
const isLittle = (ms: number): boolean => ms >= 0 && ms < LITTLE_MS;
const minutes = (ms: number): string =>
  ms < 7_200_000 ? `${Math.ceil(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;

const issuerOf = ({ certificate }: Situation): string => certificate?.issuer ?? 'its issuer';

const namesUserOnly = ({ certificate, domain }: Situation): boolean =>
  certificate?.presented.xmppAddrs.some((address) => address.split('/')[0]?.endsWith(`@${domain}`)) ?? false;

/** The name is in the subject, which is no longer used for identity (RFC 9525 App. A). */
const namesInSubject = ({ certificate, domain }: Situation): boolean =>
  certificate != null &&
  certificate.subject
    .toLowerCase()
    .split(/[\s,=/]+/)
    .includes(domain);

/** Anybody may connect and claim any name. */
const orAnImpostor = ({ domain, direction }: Situation): string =>
  direction === 'incoming' ? ` If it is not one of the servers of ${domain}, refusing it was right.` : '';

const certificateFor = ({ domain }: Situation): string => `a certificate with the dNSName ${domain}`;

export const certificateCauses: readonly Cause[] = [
  {
    id: 'tlsa-not-signed',
    layers: ['pkix'],
    when: ({ ignoredTlsa = [] }) => ignoredTlsa.length > 0,
    because: (situation) => {
      const { endpoint, ignoredTlsa = [], fault } = situation;
      const owner = endpoint == null ? 'the server' : tlsaOwner(endpoint.host, endpoint.port);
      const records = ignoredTlsa.slice(0, 2).map((record) => formatTlsa(record).slice(0, 40));
      return `The TLSA records of ${owner} (${records.join(', ')}) are ignored, because the path to them is not signed with DNSSEC throughout; without DANE the certificate proves nothing: ${fault.condition}${said(situation)}.`;
    },
    fix: (situation) =>
      `Sign the zones of ${situation.domain} and of ${situation.endpoint?.host ?? 'the host'}, with DS records in their parents; or get ${certificateFor(situation)} from a public authority.`,
  },
  {
    id: 'certificate-of-user',
    layers: ['pkix'],
    conditions: ['name-mismatch'],
    when: namesUserOnly,
    because: (situation) =>
      `${subject(situation)} shows the certificate of a user, not of a server: ${situation.certificate?.presented.xmppAddrs.join(', ') ?? ''} (xmppAddr).`,
    fix: (situation) => `Give the server ${certificateFor(situation)}; an xmppAddr of a server has no "@".`,
  },
  {
    id: 'name-in-subject-only',
    layers: ['pkix'],
    conditions: ['name-mismatch'],
    when: namesInSubject,
    because: (situation) =>
      `The certificate names ${situation.domain} only in its subject (CN), which is no longer checked under RFC 9525${said(situation)}.`,
    fix: (situation) => `Get ${certificateFor(situation)} in its subjectAltName.`,
  },
  {
    id: 'certificate-names-others',
    layers: ['pkix'],
    conditions: ['name-mismatch'],
    because: (situation) => `The certificate ${at(situation)} does not name ${situation.domain}${said(situation)}.`,
    fix: (situation) =>
      `Give the server ${certificateFor(situation)}; or, if it belongs to a provider, delegate to it by a signed SRV record (DNSSEC) or a POSH document.${orAnImpostor(situation)}`,
  },
  {
    id: 'certificate-just-expired',
    layers: ['pkix'],
    conditions: ['certificate-expired'],
    when: ({ certificate, nowMs }) => certificate != null && isLittle((nowMs ?? Infinity) - certificate.notAfterMs),
    because: (situation) =>
      `The certificate ${at(situation)} expired ${minutes((situation.nowMs ?? 0) - (situation.certificate?.notAfterMs ?? 0))} ago, by the clock of this machine.`,
    fix: () =>
      'Renew it and have the server load the new one; if it has not really expired, set the clock of this machine.',
  },
  {
    id: 'certificate-expired',
    layers: ['pkix'],
    conditions: ['certificate-expired'],
    because: (situation) =>
      situation.certificate != null && situation.certificate.notAfterMs <= (situation.nowMs ?? Infinity)
        ? `The certificate ${at(situation)} expired on ${day(situation.certificate.notAfterMs)}.`
        : `A certificate in the chain ${at(situation)} has expired${said(situation)}.`,
    fix: () => 'Renew it and have the server load the new one; servers keep using the old one until they reload.',
  },
  {
    id: 'clock-behind',
    layers: ['pkix'],
    conditions: ['certificate-not-yet-valid'],
    when: ({ certificate, nowMs }) => certificate != null && isLittle(certificate.notBeforeMs - (nowMs ?? -Infinity)),
    because: (situation) =>
      `The certificate ${at(situation)} becomes valid in ${minutes((situation.certificate?.notBeforeMs ?? 0) - (situation.nowMs ?? 0))}, by the clock of this machine: most likely that clock is behind.`,
    fix: () => 'Set the clock of this machine (NTP); if it is right, the clock of the issuing authority is ahead.',
    mover: 'operator',
  },
  {
    id: 'certificate-not-yet-valid',
    layers: ['pkix'],
    conditions: ['certificate-not-yet-valid'],
    because: (situation) =>
      situation.certificate != null && situation.certificate.notBeforeMs > (situation.nowMs ?? -Infinity)
        ? `The certificate ${at(situation)} is not valid before ${day(situation.certificate.notBeforeMs)}.`
        : `A certificate in the chain ${at(situation)} is not valid yet${said(situation)}.`,
    fix: () => 'Wait, or use the previous certificate; and check the clock of this machine.',
  },
  {
    id: 'certificate-self-signed',
    layers: ['pkix'],
    conditions: ['self-signed'],
    because: (situation) => `The certificate ${at(situation)} is signed by itself: no authority vouches for it.`,
    fix: (situation) =>
      `Get ${certificateFor(situation)} from a public authority; or publish this one by DANE (TLSA in a signed zone) or by POSH.`,
  },
  {
    id: 'intermediate-missing',
    layers: ['pkix'],
    conditions: ['unknown-issuer'],
    when: ({ chainLength }) => chainLength === 1,
    because: (situation) =>
      `${subject(situation)} sends only its own certificate, and its issuer "${issuerOf(situation)}" is not among the authorities trusted here: the intermediate certificate is missing, or the authority is a private one.`,
    fix: () =>
      'Have the server send the whole chain ("fullchain.pem", not "cert.pem"); for a private authority, trust its root here (trust.files).',
  },
  {
    id: 'authority-unknown',
    layers: ['pkix'],
    conditions: ['unknown-issuer', 'untrusted-root'],
    because: (situation) =>
      `The chain ${at(situation)} leads to an authority that is not trusted here; the certificate is from "${issuerOf(situation)}".`,
    fix: (situation) =>
      `Get ${certificateFor(situation)} from a public authority; or trust that one here (trust.files), if you know it. If others see a different certificate, somebody on the path from here terminates TLS.`,
  },
  {
    id: 'issuer-no-authority',
    layers: ['pkix'],
    conditions: ['invalid-ca'],
    because: (situation) =>
      `A certificate in the chain ${at(situation)} has issued another, but is not that of an authority, or may not issue at this depth${said(situation)}.`,
    fix: (situation) => `Get ${certificateFor(situation)} from an authority, and send that authority's chain with it.`,
  },
  {
    id: 'revocation-unknown',
    layers: ['pkix'],
    conditions: [
      'revocation-unknown',
      'revocation-list-invalid',
      'revocation-list-not-yet-valid',
      'revocation-list-expired',
    ],
    because: (situation) =>
      `It cannot be determined whether the certificate ${at(situation)} was revoked: ${situation.fault.condition}${said(situation)}.`,
    fix: () => 'Fetch the certificate revocation list (CRL) that is used here again; see trust in the configuration.',
    mover: 'operator',
  },
  {
    id: 'certificate-wrong-purpose',
    layers: ['pkix'],
    conditions: ['invalid-purpose'],
    because: (situation) => `The certificate ${at(situation)} was not issued for servers${said(situation)}.`,
    fix: (situation) => `Get ${certificateFor(situation)} for the purpose serverAuth.`,
  },
  {
    id: 'no-certificate',
    layers: ['pkix', 'dane', 'posh'],
    conditions: ['no-certificate'],
    because: (situation) =>
      situation.isEncrypted === true
        ? `${subject(situation)} showed no certificate.`
        : `The stream ${at(situation)} has no TLS, so there is no certificate that could prove ${situation.domain}.`,
    fix: (situation) =>
      `Give the server ${certificateFor(situation)}${situation.isEncrypted === true ? '' : ', and switch TLS on'}${situation.direction === 'incoming' ? '; and have it present that on outgoing connections as well' : ''}.`,
  },
  {
    id: 'certificate-invalid',
    layers: ['pkix'],
    because: (situation) =>
      `The certificate chain ${at(situation)} cannot be trusted: ${situation.fault.condition}${said(situation)}.`,
    fix: (situation) => `Get ${certificateFor(situation)} from a public authority.`,
  },
];
