/** Somebody has connected to us, and does not go on (RFC 6120 §4.2, §5.3.1, §6.4). */
import { diagnose } from '../causes/diagnose.ts';
import { tellingFault } from '../causes/telling-fault.ts';
import { silence, type Told } from './diagnosis.ts';

/** Why its certificate does not prove it, so that it was not offered SASL EXTERNAL; null where it was. */
function unproved({ negotiation: { situation } }: Told): ReturnType<typeof diagnose> | null {
  const { attempts = [] } = situation;
  const last = attempts.at(-1)?.verdict;
  if (last === undefined || last.kind === 'proved') return null;
  return diagnose({ ...situation, fault: tellingFault(attempts, last.fault) });
}

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
