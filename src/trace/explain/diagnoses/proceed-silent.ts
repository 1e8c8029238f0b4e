/** `<starttls/>` was sent, and neither `<proceed/>` nor `<failure/>` comes (RFC 6120 §5.4.2). */
import { fixOf } from '../causes/diagnose.ts';
import { silence } from './diagnosis.ts';

export const proceedSilent = silence({
  id: 'proceed-silent',
  states: { initiatingStream: ['tlsNegotiation.awaitingProceed'] },
  because: ({ where, lasting, negotiation: { situation } }) =>
    situation.startTls === 'absent'
      ? `${where} offers no STARTTLS, and has not answered when asked to begin TLS all the same, for ${lasting}.`
      : `${where} offers STARTTLS, and has not answered <starttls/> for ${lasting}.`,
  fix: ({ negotiation: { situation } }) =>
    fixOf(situation.startTls === 'absent' ? 'starttls-not-offered' : 'starttls-refused', situation),
});
