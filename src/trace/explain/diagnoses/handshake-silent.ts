/** TLS has begun, and its handshake does not end (RFC 6120 §5.4.3). */
import { silence } from './diagnosis.ts';

export const handshakeSilent = silence({
  id: 'handshake-silent',
  states: {
    initiatingStream: ['tlsNegotiation.awaitingHandshake'],
    receivingStream: ['tlsNegotiation.awaitingHandshake'],
  },
  because: ({ where, lasting, negotiation: { direction } }) =>
    direction === 'incoming'
      ? `${where} has asked us for TLS, and has not finished the handshake for ${lasting}.`
      : `The TLS handshake with ${where} has not ended for ${lasting}: our hello is sent, and the answer does not come whole.`,
  fix: 'handshake-unfinished',
});
