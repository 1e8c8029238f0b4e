/** The two main paths through the flow chart (RFC 7712 §4), for each end of a stream. */
const path = (...boxes: readonly string[]): string => boxes.join(' → ');
const UNTIL_TLS = ['streamHeaders', 'tlsNegotiation'];

/** Headers, TLS, proof of the far end, headers again, SASL EXTERNAL, headers for the last time. */
export const EXTERNAL_OPENER = path(
  'connecting',
  ...UNTIL_TLS,
  'association',
  'streamHeaders',
  'authentication.saslExternal',
  'streamHeaders',
  'established',
);
export const EXTERNAL_ACCEPTOR = path(
  ...UNTIL_TLS,
  'streamHeaders',
  'association',
  'authentication',
  'streamHeaders',
  'established',
);

/** The same, with dialback instead of SASL; the assertions that follow are per pair. */
export const DIALBACK_OPENER = path(
  'connecting',
  ...UNTIL_TLS,
  'association',
  'streamHeaders',
  'authentication.dialback',
  'established',
);

/** A client of the demo disconnects once the server is proved. */
export const CLIENT_OPENER = path('connecting', ...UNTIL_TLS, 'association', 'closing', 'closed');
