/** A key could not be looked into, because the authoritative server of the sender could not be reached: why it could not. */
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

/** Of a fault of dialback at our end, by what the peer found on the way to the domain; null where it is about something else. */
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
  explain: (_, negotiation) => findingOf(negotiation) ?? { cause: '', fix: '' }, // asked where there is one
};
