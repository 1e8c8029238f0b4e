/** Our answer about our key and the far end's verdict on it contradict each other (XEP-0220 §2.2.2). */
import type { Negotiation } from '../negotiations.ts';
import type { Diagnosis } from './diagnosis.ts';

const DISOWNED: readonly string[] = ['invalid', 'forbidden'];

/** The answer of our authoritative server, if it contradicts the result for the key. */
function contested({ outcome, fault, authority }: Negotiation): 'valid' | 'invalid' | null {
  if (outcome !== 'failed' || fault?.layer !== 'dialback' || authority?.answered == null || authority.told === null)
    return null;
  const isDisowned = DISOWNED.includes(fault.condition);
  if (authority.answered.type === 'valid')
    return isDisowned || fault.condition === 'remote-server-timeout' ? 'valid' : null;
  return isDisowned ? 'invalid' : null;
}

const COMPARE = '"xmpp-dna explain" with the two traces, one from each end, names what was lost or altered on the way';

export const keyContested: Diagnosis = {
  id: 'key-contested',
  check: (_, negotiation) => (contested(negotiation) === null ? 'ok' : 'suspect'),
  explain: (_, negotiation) => {
    const { remote, fault } = negotiation;
    const condition = fault?.condition ?? '';
    const says = DISOWNED.includes(condition) ? 'it says that it is not' : 'it says that it could not find out';
    return contested(negotiation) === 'valid'
      ? {
          cause: `We have told ${remote} that the key is valid, and ${says}: ${condition}. Our answer was lost or altered on its way, or it asked another server as well.`,
          fix: `Find out what is between the two servers: ${COMPARE}.`,
          mover: 'peer',
        }
      : {
          cause: `We ourselves have told ${remote} that the key is not ours: it is not the one that we sent, or not for the stream on which we sent it.`,
          fix: `Find out what alters it, or the id of the stream, on its way: ${COMPARE}, except the key itself, which is in neither. Otherwise that server is at fault, because it relays another key.`,
          mover: 'peer',
        };
  },
};
