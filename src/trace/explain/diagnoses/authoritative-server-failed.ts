/**
 * A key could not be verified because the authoritative server of the sender could not be reached: explains why not.
 */
import { diagnose, type Situation } from '../causes/diagnose.ts';
import { endpointIn, faultIn } from '../../context.ts';
import type { Negotiation } from '../negotiations.ts';
import type { Fault } from '../../../protocol/faults.ts';
import type { Diagnosis, Finding } from './diagnosis.ts';

const OUT_OF_REACH: readonly string[] = [
  'remote-connection-failed',
  'remote-server-not-found',
  'remote-server-timeout',
];

type Context = Readonly<Record<string, unknown>>;

/**
 * For a dialback fault at our end, explains what the peer met on the way to the domain; null if the fault is about
 * something else.
 */
export function outOfReach(
  remote: string,
  why: Fault | null,
  peer: Context | null,
  situation: Situation,
): Finding | null {
  if (why?.layer !== 'dialback' || !OUT_OF_REACH.includes(why.condition)) return null;
  const found = faultIn(peer?.['fault']);
  if (found === null) return null;
  const endpoint = endpointIn(peer?.['endpoint']);
  const { cause, fix } = diagnose({ ...situation, direction: 'outgoing', endpoint, fault: found });
  return {
    cause: `${remote} asserts itself by dialback, and its authoritative server could not be asked (${why.condition}). ${cause}`,
    fix: fix ?? `"xmpp-dna check ${remote}" shows what we see of it.`,
  };
}

function findingOf({ direction, outcome, remote, fault, peer, situation }: Negotiation): Finding | null {
  if (direction !== 'incoming' || outcome !== 'failed') return null;
  return outOfReach(remote, fault, peer?.context ?? null, situation);
}

export const authoritativeServerFailed: Diagnosis = {
  id: 'authoritative-server-failed',
  check: (_, negotiation) => (findingOf(negotiation) === null ? 'ok' : 'suspect'),
  explain: (_, negotiation) => findingOf(negotiation) ?? { cause: '', fix: '' }, // only called if there is one
};
