/** `<starttls/>` is sent, and neither `<proceed/>` nor `<failure/>` comes (RFC 6120 §5.4.2). */
import { silence } from './diagnosis.ts';

export const proceedSilent = silence({
  id: 'proceed-silent',
  states: { initiatingStream: ['tlsNegotiation.awaitingProceed'] },
  because: ({ where, lasting, negotiation: { situation } }) =>
    situation.startTls === 'absent'
      ? `${where} offers no STARTTLS, and has not answered when asked to begin TLS all the same, for ${lasting}.`
      : `${where} offers STARTTLS, and has not answered <starttls/> for ${lasting}.`,
  fix: 'starttls-refused',
});
