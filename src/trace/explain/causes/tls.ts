/** From <starttls/> to the end of the handshake. */
import { requiresTls } from '../../../protocol/policy.ts';
import { serviceFacts } from '../../../protocol/service.ts';
import { type Cause, place, said, says, subject } from './cause.ts';

/** What the alert says about our certificate (RFC 8446 §6.2), and the fix. */
const fixOfOurs: readonly (readonly [RegExp, string])[] = [
  [/expired/, 'Renew our certificate, and have it loaded; it may be that the clock of the far end is wrong.'],
  [/revoked/, 'Our certificate was revoked: get another one, with a new key.'],
  [/unknown ca/, 'Show it a certificate from an authority that it trusts, with its chain ("fullchain.pem").'],
  [
    /unsupported/,
    'It wants a certificate for clients (clientAuth), which public authorities no longer issue: the far end has to accept serverAuth, or stop asking for a certificate and accept dialback; or use one from a private authority that it trusts.',
  ],
  [
    /^/,
    'Look at our own certificate; the far end may want an authority that it trusts, or clientAuth in it, which public authorities no longer issue.',
  ],
];

export const tlsCauses: readonly Cause[] = [
  {
    id: 'starttls-not-offered',
    direction: 'outgoing',
    layers: ['tls', 'stream', 'tcp', 'xml'],
    when: ({ startTls, isEncrypted, policy, fault }) =>
      startTls === 'absent' &&
      isEncrypted !== true &&
      (policy === undefined || requiresTls(policy) || fault.layer === 'tls'),
    because: (situation) =>
      `${place(situation)} does not offer STARTTLS, and did not begin TLS when asked anyway; the policy requires TLS${said(situation)}.`,
    fix: ({ domain }) =>
      `Give the server a certificate for ${domain} and switch TLS on for streams between servers; if it is on, somebody on the way has removed the offer.`,
  },
  {
    id: 'starttls-refused',
    direction: 'outgoing',
    layers: ['tls'],
    conditions: ['starttls-refused', 'proceed-timeout'],
    because: (situation) => `${place(situation)} offers STARTTLS and then refuses it, or says nothing more.`,
    fix: ({ domain }) =>
      `Look at the log of the server: most often its certificate or key for ${domain} cannot be loaded, or may not be read.`,
  },
  {
    id: 'direct-on-starttls-port',
    direction: 'outgoing',
    layers: ['tls'],
    when: (situation) =>
      situation.endpoint?.tls === 'direct' &&
      (['handshake-timeout', 'connection-reset'].includes(situation.fault.condition) ||
        says(/wrong version|packet length|record/i)(situation)),
    because: (situation) =>
      `${place(situation)} is published for TLS from the first byte, but does not speak it${said(situation)}.`,
    fix: ({ service = 'xmpp-server', domain }) => {
      const { srv, directSrv } = serviceFacts[service];
      return `If it is the port for STARTTLS, publish it under ${srv}.${domain} and remove it from ${directSrv}.${domain}; else have the server speak TLS there.`;
    },
  },
  {
    id: 'tls-too-old',
    layers: ['tls'],
    conditions: ['no-shared-protocol'],
    because: (situation) =>
      `${subject(situation)} speaks no version of TLS that is new enough: at least ${situation.policy?.minTls ?? '1.2'} is required here${said(situation)}.`,
    fix: ({ policy }) =>
      `Have the server speak TLS 1.2 and 1.3${policy?.minTls === '1.3' ? '; or set minTls to "1.2" for this domain' : ''}.`,
  },
  {
    id: 'no-shared-cipher',
    layers: ['tls'],
    conditions: ['no-shared-cipher'],
    because: (situation) => `${subject(situation)} and we have no cipher suite in common${said(situation)}.`,
    fix: () => 'Have the server offer the suites of RFC 9325 §4.2, with ECDHE and AES-GCM.',
  },
  {
    id: 'handshake-refused',
    layers: ['tls'],
    // The alert gives no further reason (RFC 5246 §7.4.6, RFC 8446 §6.2).
    when: says(/alert handshake failure/),
    because: (situation) =>
      `${subject(situation)} refused the handshake without saying why: it has no certificate that it could show, wants one that we have not shown, or has no cipher suite in common with us${said(situation)}.`,
    fix: () =>
      'Look at the log of that server: whether its certificate and key are loaded, and which suites it takes (those of RFC 9325 §4.2, with ECDHE and AES-GCM, are offered here).',
  },
  {
    id: 'alpn-refused',
    direction: 'outgoing',
    layers: ['tls'],
    conditions: ['no-application-protocol'],
    because: (situation) =>
      `${place(situation)} does not know the protocol "${situation.service ?? 'xmpp-server'}" (ALPN).`,
    fix: ({ service = 'xmpp-server' }) =>
      `Have the server, or the proxy before it, accept the protocol name "${service}" in ALPN (XEP-0368 §7).`,
  },
  {
    id: 'name-not-served',
    direction: 'outgoing',
    layers: ['tls'],
    conditions: ['unrecognized-name'],
    because: (situation) => `${place(situation)} has no certificate to show for ${situation.domain} (SNI).`,
    fix: ({ domain }) => `Give the server a certificate for ${domain}; SNI names the domain, not the host.`,
  },
  {
    id: 'our-certificate-rejected',
    mover: 'operator',
    layers: ['tls'],
    conditions: ['certificate-rejected'],
    because: (situation) =>
      `${subject(situation)} ended the handshake because of the certificate that we showed${said(situation)}.`,
    fix: ({ fault: { text = '' } }) => fixOfOurs.find(([alert]) => alert.test(text))?.[1] ?? '',
  },
  {
    id: 'own-credential-invalid',
    mover: 'operator',
    layers: ['tls'],
    conditions: ['credential-invalid', 'no-certificate'],
    because: (situation) => `Our own certificate or key cannot be used${said(situation)}.`,
    fix: () => 'Look at cert and key of the host in the configuration.',
  },
  {
    id: 'handshake-unfinished',
    direction: 'outgoing',
    layers: ['tls'],
    conditions: ['handshake-timeout'],
    because: (situation) => `The TLS handshake with ${place(situation)} was not finished in time.`,
    fix: ({ endpoint }) =>
      endpoint?.tls === 'direct'
        ? 'See whether that port speaks TLS from the first byte at all ("openssl s_client -connect"); if it does, look for a proxy whose backend is down.'
        : 'Look for a path that loses large packets (MTU: a firewall that drops ICMP), or a proxy in between that waits; then look at the log of that server.',
  },
  {
    id: 'handshake-failed',
    direction: 'outgoing',
    layers: ['tls'],
    because: (situation) => `The TLS handshake with ${place(situation)} failed${said(situation)}.`,
    fix: () => 'Look at the log of the server, or try "openssl s_client -starttls xmpp-server" against it.',
  },
];
