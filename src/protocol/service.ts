/** The two services of a domain that XMPP knows (RFC 6120 §3.2.1, §14.3), and what differs between them. */

export type Service = 'xmpp-server' | 'xmpp-client';
