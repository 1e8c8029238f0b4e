/** `<auth mechanism="EXTERNAL"/>` was sent, and the far end does not answer (RFC 6120 §6). */
import { silence } from './diagnosis.ts';

export const saslSilent = silence({
  id: 'sasl-silent',
  states: { initiatingStream: ['authentication.saslExternal'] },
  because: ({ where, lasting, negotiation: { local } }) =>
    `${where} offered SASL EXTERNAL, and has not said for ${lasting} whether it accepts our certificate for ${local}: it is still checking, or has lost the request.`,
  fix: 'sasl-unanswered',
});
