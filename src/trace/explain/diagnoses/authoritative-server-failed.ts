/** A key could not be looked into, because the authoritative server of the sender could not be reached: why it could not. */
import { diagnose } from '../causes/diagnose.ts';
import { endpointIn, faultIn } from '../../context.ts';
import type { Negotiation } from '../negotiations.ts';
import type { Fault } from '../../../protocol/faults.ts';
import type { Diagnosis } from './diagnosis.ts';

const OUT_OF_REACH: readonly string[] = [
  'remote-connection-failed',
  'remote-server-not-found',
  'remote-server-timeout',
];

/** Of the stream that was opened to ask. */
function faultOfPeer({ direction, outcome, fault, peer }: Negotiation): Fault | null {
  if (direction !== 'incoming' || outcome !== 'failed' || fault?.layer !== 'dialback') return null;
  return OUT_OF_REACH.includes(fault.condition) ? faultIn(peer?.context['fault']) : null;
}

export const authoritativeServerFailed: Diagnosis = {
  id: 'authoritative-server-failed',
  check: (_, negotiation) => (faultOfPeer(negotiation) === null ? 'ok' : 'suspect'),
  explain: (_, negotiation) => {
    const { situation, remote, fault, peer } = negotiation;
    const { cause, fix } = diagnose({
      ...situation,
      direction: 'outgoing',
      endpoint: endpointIn(peer?.context['endpoint']),
      fault: faultOfPeer(negotiation) ?? situation.fault,
    });
    return {
      cause: `${remote} asserts itself by dialback, and its authoritative server could not be asked (${fault?.condition ?? ''}). ${cause}`,
      fix: fix ?? `"xmpp-dna check ${remote}" shows what we see of it.`,
    };
  },
};
