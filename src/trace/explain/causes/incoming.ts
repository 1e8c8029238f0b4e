/**
 * Connections to us that are not proved: by dialback (XEP-0220 §2.2), by certificate, or because they ended before
 * that.
 */
import { type Cause, said, says, type Situation } from './cause.ts';

/** By condition, the result of a request for SASL EXTERNAL. */
const REFUSALS: Readonly<Record<string, string>> = {
  'invalid-authzid': 'was refused, because it named an identity other than the domain of its stream',
  'incorrect-encoding': 'was refused, because what it sent is not base64',
  'invalid-mechanism': 'was refused, because it asked for another mechanism, which was not offered',
  'not-authorized': 'was refused, because that was not offered to it',
  aborted: 'aborted it itself',
};

const who = ({ domain }: Situation): string => domain || 'Somebody';

export const incomingCauses: readonly Cause[] = [
  {
    id: 'sender-key-disowned',
    layers: ['dialback'],
    conditions: ['forbidden'],
    because: ({ domain }) =>
      `The server that connected claims to be ${domain}; the authoritative server that the DNS names for ${domain} does not know the key.`,
    fix: ({ domain }) =>
      `If several servers answer for ${domain}, all need the same dialback secret; if its operator knows nothing of this, somebody else claims its name, and refusing it was right.`,
  },
  {
    id: 'sender-not-found',
    layers: ['dialback'],
    conditions: ['remote-server-not-found'],
    because: (situation) =>
      `${situation.domain} asserts itself by dialback, but no authoritative server for it can be found from here${said(situation)}.`,
    fix: ({ domain }) =>
      `Have ${domain} publish where it is served: "xmpp-dna check ${domain}" shows what we see of it.`,
  },
  {
    id: 'sender-server-unreachable',
    layers: ['dialback'],
    conditions: ['remote-connection-failed'],
    because: (situation) =>
      `${situation.domain} asserts itself by dialback, but its authoritative server cannot be reached from here${said(situation)}.`,
    fix: ({ domain }) =>
      `Let the server of ${domain} be reached from outside, at the port that its DNS names: "xmpp-dna check ${domain}" shows how far we get.`,
  },
  {
    id: 'sender-server-silent',
    layers: ['dialback'],
    conditions: ['remote-server-timeout'],
    because: (situation) =>
      `${situation.domain} asserts itself by dialback, but its authoritative server did not say in time whether the key is its own${said(situation)}.`,
    fix: ({ domain }) =>
      `Look at the log of the server of ${domain}: answering db:verify is a mere computation, which depends on nobody else.`,
  },
  {
    id: 'target-not-hosted',
    layers: ['dialback'],
    conditions: ['item-not-found'],
    because: ({ domain, local = '' }) => `${domain} asserts itself to ${local}, which is not served here.`,
    fix: ({ local = '' }) =>
      `Add ${local} to the hosts or components here; or have the DNS of ${local} name the server that serves it.`,
    mover: 'operator',
  },
  {
    id: 'sender-denied-here',
    layers: ['dialback'],
    conditions: ['policy-violation'],
    because: (situation) => `Our own policy does not let ${situation.domain} in${said(situation)}.`,
    fix: () =>
      'If the policy requires TLS, have the far end switch it on; else change policy.allow or policy.deny here.',
    mover: 'operator',
  },
  {
    id: 'sender-not-proved',
    layers: ['dialback'],
    because: (situation) =>
      `${situation.domain} asserted itself and was not believed: ${situation.fault.condition}${said(situation)}.`,
    fix: ({ domain }) =>
      `Give the server of ${domain} a certificate that proves it: "xmpp-dna check ${domain}" shows what is missing; or accept dialback in the policy towards it.`,
  },
  {
    id: 'header-to-not-hosted',
    layers: ['stream'],
    conditions: ['host-unknown', 'host-gone'],
    because: (situation) => `${who(situation)} connected to us for a domain that is not served here${said(situation)}.`,
    fix: () => 'Add that domain to the hosts or components here; or have its DNS name the server that serves it.',
    mover: 'operator',
  },
  {
    id: 'client-at-server-port',
    layers: ['xml', 'stream'],
    conditions: ['invalid-namespace'],
    when: says(/\bjabber:client\b/),
    because: (situation) =>
      `A client has connected to the port for servers${situation.domain === '' ? '' : `, as ${situation.domain}`}${said(situation)}.`,
    fix: () =>
      'Point it at the port for clients, usually 5222; its SRV record is _xmpp-client. Nothing is wrong between servers.',
  },
  {
    id: 'initiator-handshake-unfinished',
    layers: ['tls'],
    conditions: ['handshake-timeout'],
    because: (situation) => `${who(situation)} connected to us, and did not finish the TLS handshake in time.`,
    fix: () =>
      'Look at the log of the server that connected, and for a path that loses large packets (MTU: a firewall that drops ICMP); something that begins TLS at once and stays silent may not be a server at all.',
  },
  {
    id: 'initiator-handshake-failed',
    layers: ['tls'],
    because: (situation) =>
      `${who(situation)} connected to us, and the TLS handshake failed: ${situation.fault.condition}${said(situation)}.`,
    fix: () =>
      'Look at the log of the server that connected; "openssl s_client -starttls xmpp-server" against our own shows what it sees.',
  },
  {
    id: 'initiator-without-tls',
    layers: ['stream'],
    conditions: ['connection-timeout'],
    when: says(/<starttls\/>/),
    because: ({ domain }) => `${domain || 'Somebody'} connected to us, and did not begin TLS in time.`,
    fix: () => 'TLS is required here: switch it on at the server that connected; its log says why it does not begin.',
  },
  {
    id: 'initiator-disbelieves-us',
    layers: ['stream'],
    conditions: ['not-authorized'],
    // Our own error for a stanza on a stream where nothing is proved has the same condition (routing/router.ts).
    when: (situation) => situation.isEncrypted === true && !says(/^nothing is proved on this stream$/)(situation),
    because: (situation) =>
      `${who(situation)} connected to us, saw our certificate, and left: it does not believe that this is ${situation.local || 'the server that it wants'}${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Show a certificate here that names ${local || 'the domain'}, and that others trust: "xmpp-dna check ${local || 'DOMAIN'}" tells what is wrong with it as others see it.`,
    mover: 'operator',
  },
  {
    id: 'initiator-without-certificate',
    layers: ['sasl', 'stream', 'tcp'],
    when: ({ isEncrypted, certificate }) => isEncrypted === true && certificate === null,
    because: ({ domain }) =>
      `${domain || 'Somebody'} connected to us and showed no certificate, so SASL EXTERNAL was not offered to it; dialback did not prove it either.`,
    fix: ({ domain }) =>
      `Have the server that connected present its certificate on outgoing connections as well: a certificate with the dNSName ${domain || 'of its domain'}.`,
  },
  {
    id: 'external-refused-here',
    layers: ['sasl'],
    because: ({ domain, fault: { condition } }) =>
      `${domain || 'Somebody'} asked us for SASL authentication, and ${REFUSALS[condition] ?? 'was refused'} (${condition}); it has not proved itself otherwise.`,
    fix: ({ domain }) =>
      `Have the server that connected use the mechanism EXTERNAL, with ${domain || 'the domain of its stream'} or nothing ("=") as its authorization identity (XEP-0178 §3); or let dialback follow.`,
  },
  {
    id: 'initiator-sent-no-stream',
    layers: ['xml'],
    because: (situation) =>
      `What ${situation.domain || 'whoever connected'} sent us is not an XMPP stream: ${situation.fault.condition}${said(situation)}.`,
    fix: ({ domain }) =>
      domain === ''
        ? 'If it was meant to be an XMPP server, look at its log; if not, nothing needs to be done: ports get scanned.'
        : `Look at the log of the server of ${domain}, and for anything in between that may change what it sends.`,
  },
  {
    id: 'initiator-late',
    layers: ['stream'],
    conditions: ['connection-timeout'],
    because: (situation) =>
      `${situation.domain || 'Somebody'} connected to us, and did not prove itself in time${said(situation)}.`,
    fix: () =>
      'Look at the log of the server that connected: it may have refused our certificate, or what we offered it.',
  },
  {
    id: 'initiator-left',
    layers: ['stream', 'tcp'],
    because: (situation) =>
      `${situation.domain || 'Somebody'} connected to us, and the stream ended before it had proved itself: ${situation.fault.condition}${said(situation)}.`,
    fix: () =>
      'Look at the log of the server that connected: it may have refused our certificate, or what we offered it.',
  },
];
