/** The two main roads through the flow chart (RFC 7712 §4), as each end of a stream passes them. */
const path = (...boxes: readonly string[]): string => boxes.join(' → ');
const UNTIL_TLS = ['streamHeaders', 'tlsNegotiation'];

/** Headers, TLS, the proof of the far end, headers again, SASL EXTERNAL, headers for the last time. */
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

/** The same, with dialback in the place of SASL; what is asserted then is asserted per pair. */
export const DIALBACK_OPENER = path(
  'connecting',
  ...UNTIL_TLS,
  'association',
  'streamHeaders',
  'authentication.dialback',
  'established',
);

/** A client of the demo goes when it knows whom it speaks to. */
export const CLIENT_OPENER = path('connecting', ...UNTIL_TLS, 'association', 'closing', 'closed');
