/** A peer has connected to us and does not continue (RFC 6120 §4.2, §5.3.1, §6.4). */
import { diagnose } from '../causes/diagnose.ts';
import { whyRefused, whyUnproved } from '../../context.ts';
import { type Fault, fault } from '../../../protocol/faults.ts';
import { type Finding, silence, type Told } from './diagnosis.ts';

/** Why it was not offered SASL EXTERNAL, or was refused it; null if neither happened. */
function unproved({ negotiation: { situation, stream } }: Told): Finding | null {
  const finding = (fault: Fault, before = ''): Finding => {
    const { cause, fix } = diagnose({ ...situation, fault });
    return { cause: `${before}${cause}`, fix: fix ?? '' };
  };
  const { associated, negotiation } = stream?.context ?? {};
  const hasNone = situation.isEncrypted === true && situation.certificate === null;
  const lacking = hasNone ? noCertificate : whyUnproved(associated);
  if (lacking !== null)
    return finding(lacking, 'SASL EXTERNAL was not offered to it, and it has not asserted itself by dialback. ');
  const refused = whyRefused(negotiation);
  return refused === null ? null : finding(refused);
}

const noCertificate = fault('pkix', 'no-certificate', 'peer');
const UNPROVED = 'authentication.awaitingAuthentication';

const who = ({ domain }: Told): string => (domain === '' ? 'Somebody' : domain);

export const initiatorSilent = silence({
  id: 'initiator-silent',
  states: {
    receivingStream: [
      'streamHeaders.awaitingHeader',
      'tlsNegotiation.awaitingStartTls',
      UNPROVED,
      'authentication.saslExternal',
    ],
  },
  because: (told) => {
    const { link, lasting } = told;
    if (link.state !== UNPROVED)
      return `${who(told)} has connected to us, and we have waited for ${link.awaits} for ${lasting}.`;
    const why = unproved(told);
    return `${who(told)} has connected to us, and has not proved itself for ${lasting}.${why === null ? '' : ` ${why.cause}`}`;
  },
  fix: (told) =>
    (told.link.state === UNPROVED ? unproved(told)?.fix : undefined) ??
    (told.link.state === 'tlsNegotiation.awaitingStartTls'
      ? 'TLS is required here: switch it on at the server that connects; its log says why it does not begin.'
      : 'Look at the log of the server that connects, at the same time: it may have refused our certificate, or what we offered.'),
});
