/** Targets are tried one after another, and the previous ones have failed (RFC 6120 §3.2.1). */
import { diagnose } from '../causes/diagnose.ts';
import { endpointIn, faultIn, numberIn } from '../../context.ts';
import { isStuck, isWaiting } from '../chain.ts';
import type { Negotiation } from '../negotiations.ts';
import { domainsOf } from '../situation.ts';
import type { Endpoint } from '../../../protocol/dns.ts';
import type { Fault } from '../../../protocol/faults.ts';
import type { ActorView, View } from '../../view/view.ts';
import type { Diagnosis } from './diagnosis.ts';

/** The fault of the last target that failed, while the next one is being tried. */
function failedBefore({ outcome, peer }: Negotiation): Fault | null {
  if (outcome !== 'waits' || peer === null || peer.ended !== null) return null;
  return (numberIn(peer.context['attempts']) ?? 0) > 0 ? faultIn(peer.context['fault']) : null;
}

/** Number of targets that failed; `attempts` also counts the one that is being tried now. */
function countFailed({ peer }: Negotiation): number {
  const attempts = numberIn(peer?.context['attempts']) ?? 0;
  return peer?.state[0] === 'connecting' ? attempts - 1 : attempts;
}

/** Where the last of them was dialled. */
function placeBefore(view: View, { remote, stream }: Negotiation): Pick<Endpoint, 'host' | 'port' | 'tls'> | null {
  const bornMs = stream?.bornMs ?? Infinity;
  let last: ActorView | null = null;
  for (const id of view.actors.keys()) {
    const actor = id.startsWith('stream:') && !id.includes('/') ? view.actors.get(id) : undefined;
    if (actor?.machine !== 'initiatingStream' || actor.id === stream?.id || domainsOf(actor).remote !== remote)
      continue;
    const isLater = (actor.bornMs ?? 0) >= (last?.bornMs ?? 0);
    if ((actor.bornMs ?? 0) <= bornMs && isLater) last = actor;
  }
  return endpointIn(last?.context['endpoint']);
}

export const targetsTried: Diagnosis = {
  id: 'targets-tried',
  check: (view, negotiation) =>
    failedBefore(negotiation) === null
      ? 'ok'
      : isStuck(negotiation.chain.filter(isWaiting), view.atMs)
        ? 'suspect'
        : 'not-yet',
  explain: (view, negotiation) => {
    const { situation, peer } = negotiation;
    const fault = failedBefore(negotiation) ?? situation.fault;
    const { cause, fix } = diagnose({ ...situation, fault, endpoint: placeBefore(view, negotiation) });
    const failed = countFailed(negotiation);
    const now = endpointIn(peer?.context['endpoint']);
    const next = now === null ? '' : ` Now ${now.host} port ${now.port} is tried.`;
    return {
      cause: `${failed === 1 ? 'One attempt has' : `${failed} attempts have`} failed. The last failure: ${cause}${next}`,
      fix: fix ?? '',
    };
  },
};
