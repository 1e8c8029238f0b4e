/** The TLS handshake has begun and does not finish (RFC 6120 §5.4.3). */
import { fixOf, subject } from '../causes/diagnose.ts';
import { silence } from './diagnosis.ts';

export const handshakeSilent = silence({
  id: 'handshake-silent',
  states: {
    initiatingStream: ['tlsNegotiation.awaitingHandshake'],
    receivingStream: ['tlsNegotiation.awaitingHandshake'],
  },
  because: ({ where, lasting, negotiation: { direction, situation } }) =>
    direction === 'incoming'
      ? `${subject(situation)} has not finished the TLS handshake for ${lasting}.`
      : `The TLS handshake with ${where} has not finished for ${lasting}: our ClientHello was sent, and the answer does not arrive completely.`,
  fix: ({ negotiation: { direction, situation } }) =>
    fixOf(direction === 'incoming' ? 'initiator-handshake-unfinished' : 'handshake-unfinished', situation),
});
