/** Namespace names as sent on the wire; no other code spells them out. */
export const NS = {
  /** The stream itself, with prefix `stream` by convention (RFC 6120 §4.8.1). */
  streams: 'http://etherx.jabber.org/streams',
  /** Content namespace between servers (RFC 6120 §4.8.3). */
  server: 'jabber:server',
  /** Content namespace between client and server (RFC 6120 §4.8.3). */
  client: 'jabber:client',
  /** Content namespace of an external component (XEP-0114 §3). */
  component: 'jabber:component:accept',
  /** Conditions of stream errors (RFC 6120 §4.9). */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** Conditions of stanza errors (RFC 6120 §8.3). */
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  /** STARTTLS (RFC 6120 §5). */
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  /** SASL (RFC 6120 §6). */
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  /** Server dialback elements, with prefix `db` (XEP-0220 §2.1). */
  dialback: 'jabber:server:dialback',
  /** Dialback as advertised in stream features (XEP-0220 §2.4). */
  dialbackFeature: 'urn:xmpp:features:dialback',
  /** The bidi element (XEP-0288 §2). */
  bidi: 'urn:xmpp:bidi',
  /** Bidi as advertised in stream features: not the same name as the element's (XEP-0288 §2). */
  bidiFeature: 'urn:xmpp:features:bidi',
  /** Domain Name Assertions of 2009: which end speaks for which domain, and the proof (ProtoXEP 0.0.1 §4). */
  dna: 'urn:xmpp:dna:0',
  /** Ping (XEP-0199 §2). */
  ping: 'urn:xmpp:ping',
  /** Service discovery: the identity and features of an entity (XEP-0030 §3). */
  discoInfo: 'http://jabber.org/protocol/disco#info',
  /** Bound to the prefix `xml` and to no other (Namespaces in XML 1.0 §3). */
  xml: 'http://www.w3.org/XML/1998/namespace',
  /** Bound to the prefix `xmlns` and never declared (Namespaces in XML 1.0 §3). */
  xmlns: 'http://www.w3.org/2000/xmlns/',
} as const;
