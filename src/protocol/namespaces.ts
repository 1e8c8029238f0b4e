/** Namespace names as they go over the wire. Each stands where its section has it; nothing else spells them out. */

/** Stream namespace (RFC 6120 §4.8.1), with prefix `stream` by convention. */
export const NS_STREAM = 'http://etherx.jabber.org/streams';

/** Content namespace of server-to-server streams (RFC 6120 §4.8.3). */
export const NS_SERVER = 'jabber:server';
/** Content namespace of client-to-server streams (RFC 6120 §4.8.3). */
export const NS_CLIENT = 'jabber:client';
/** Content namespace of streams of external components (XEP-0114 §3). */
export const NS_COMPONENT = 'jabber:component:accept';

/** Conditions of stream errors (RFC 6120 §4.9). */
export const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams';
/** Conditions of stanza errors (RFC 6120 §8.3). */
export const NS_STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
/** STARTTLS (RFC 6120 §5). */
export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
/** SASL (RFC 6120 §6). */
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

/** Server dialback elements, with prefix `db` (XEP-0220 §2.1). */
export const NS_DIALBACK = 'jabber:server:dialback';
/** Dialback as advertised in stream features (XEP-0220 §2.4). */
export const NS_DIALBACK_FEATURE = 'urn:xmpp:features:dialback';

/** The bidi element that the initiating server sends (XEP-0288 §2). */
export const NS_BIDI = 'urn:xmpp:bidi';
/** Bidi as advertised in stream features: another name than the element's (XEP-0288 §2). */
export const NS_BIDI_FEATURE = 'urn:xmpp:features:bidi';

/** Stream management (XEP-0198 §2). */
export const NS_SM = 'urn:xmpp:sm:3';

/** Application-specific errors, such as `stanza-too-big` (XEP-0205 §4.5). */
export const NS_ERRORS = 'urn:xmpp:errors';

/** The DNA protocol of 2009: assert, challenge, proof (DESIGN §3). */
export const NS_DNA = 'urn:xmpp:dna:0';

/** Bound to the prefix `xml` and to no other (Namespaces in XML 1.0 §3). */
export const NS_XML = 'http://www.w3.org/XML/1998/namespace';
/** Bound to the prefix `xmlns` and never declared (Namespaces in XML 1.0 §3). */
export const NS_XMLNS = 'http://www.w3.org/2000/xmlns/';
