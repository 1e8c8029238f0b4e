/** Somebody has connected to us, and does not go on (RFC 6120 §4.2, §5.3.1, §6.4). */
import { diagnose } from '../causes/diagnose.ts';
import { whyRefused, whyUnproved } from '../../context.ts';
import { type Fault, fault } from '../../../protocol/faults.ts';
import { silence, type Told } from './diagnosis.ts';

/** Why it was not offered SASL EXTERNAL, or was refused it; null where neither is so. */
function unproved({
  negotiation: { situation, stream },
}: Told): { readonly cause: string; readonly fix: string } | null {
  const told = (why: Fault, before = ''): { readonly cause: string; readonly fix: string } => {
    const { cause, fix } = diagnose({ ...situation, fault: why });
    return { cause: `${before}${cause}`, fix: fix ?? '' };
  };
  const { associated, negotiation } = stream?.context ?? {};
  const hasNone = situation.isEncrypted === true && situation.certificate === null;
  const lacking = hasNone ? noCertificate : whyUnproved(associated);
  if (lacking !== null) return told(lacking, 'SASL EXTERNAL was not offered to it, and it does not use dialback. ');
  const refused = whyRefused(negotiation);
  return refused === null ? null : told(refused);
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
      return `${who(told)} has connected to us, and has not proved itself for ${lasting}.${why === null ? '' : ` ${why.cause}`}`;
    }
    return `${who(told)} has connected to us, and has owed ${link.awaits} for ${lasting}.`;
  },
  fix: (told) =>
    unproved(told)?.fix ??
    (told.link.state === 'tlsNegotiation.awaitingStartTls'
      ? 'TLS is required here: switch it on at the server that connects; its log says why it does not begin.'
      : 'Look at the log of the server that connects, at the same time: it may have refused our certificate, or what we offered.'),
});
