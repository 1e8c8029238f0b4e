/** One target after the other is tried, and those before have failed (RFC 6120 §3.2.1). */
import { diagnose } from '../causes/diagnose.ts';
import { endpointIn, faultIn, numberIn } from '../explain-context.ts';
import { isStuck } from '../explain-chain.ts';
import type { Negotiation } from '../explain-negotiations.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { Diagnosis } from './diagnosis.ts';

/** Of the last that was tried in vain, while the next is. */
function failedBefore({ outcome, peer }: Negotiation): Fault | null {
  if (outcome !== 'waits' || peer === null || peer.ended !== null) return null;
  return (numberIn(peer.context['attempts']) ?? 0) > 0 ? faultIn(peer.context['fault']) : null;
}

export const targetsTried: Diagnosis = {
  id: 'targets-tried',
  check: (_, negotiation, nowMs) =>
    failedBefore(negotiation) === null ? 'ok' : isStuck(negotiation.chain, nowMs) ? 'suspect' : 'not-yet',
  explain: (_, negotiation) => {
    const { situation, peer } = negotiation;
    const fault = failedBefore(negotiation) ?? situation.fault;
    const { cause, fix } = diagnose({ ...situation, fault, endpoint: null });
    const attempts = numberIn(peer?.context['attempts']) ?? 0;
    const now = endpointIn(peer?.context['endpoint']);
    const next = now === null ? '' : ` Now ${now.host} port ${now.port} is tried.`;
    return { cause: `${attempts} attempts; the one before failed: ${cause}${next}`, fix: fix ?? '' };
  },
};
