/** Somebody has connected to us, and does not go on (RFC 6120 §4.2, §5.3.1, §6.4). */
import { diagnose } from '../causes/diagnose.ts';
import { whyUnproved } from '../../context.ts';
import { fault } from '../../../protocol/faults.ts';
import { silence, type Told } from './diagnosis.ts';

/** Why it was not offered SASL EXTERNAL; null where it was. */
function unproved({ negotiation: { situation, stream } }: Told): ReturnType<typeof diagnose> | null {
  if (situation.isEncrypted === true && situation.certificate === null)
    return diagnose({ ...situation, fault: noCertificate });
  const why = whyUnproved(stream?.context['associated']);
  return why === null ? null : diagnose({ ...situation, fault: why });
}

const noCertificate = fault('pkix', 'no-certificate', 'peer');

const who = ({ domain }: Told): string => (domain === '' ? 'Somebody' : domain);

export const initiatorSilent = silence({
  id: 'initiator-silent',
  states: {
    receivingStream: [
      'streamHeaders.awaitingHeader',
      'tlsNegotiation.awaitingStartTls',
      'authentication.awaitingAuthentication',
      'authentication.saslExternal',
    ],
  },
  because: (told) => {
    const { link, lasting } = told;
    if (link.state === 'authentication.awaitingAuthentication') {
      const why = unproved(told);
      const offered =
        why === null ? '' : ` SASL EXTERNAL was not offered to it, and it does not use dialback. ${why.cause}`;
      return `${who(told)} has connected to us, and has not proved itself for ${lasting}.${offered}`;
    }
    return `${who(told)} has connected to us, and has owed ${link.awaits} for ${lasting}.`;
  },
  fix: (told) =>
    unproved(told)?.fix ??
    (told.link.state === 'tlsNegotiation.awaitingStartTls'
      ? 'TLS is required here: switch it on at the server that connects; its log says why it does not begin.'
      : 'Look at the log of the server that connects, at the same time: it may have refused our certificate, or what we offered.'),
});
