/** `db:result` is sent, and nobody asks our authoritative side about the key: it cannot be reached from there (XEP-0220 §2.2.1). */
import { fixOf } from '../causes/diagnose.ts';
import { assertedStates } from '../explain-halves.ts';
import type { Negotiation } from '../explain-negotiations.ts';
import { type Diagnosis, silence } from './diagnosis.ts';

const nobodyAsked = ({ authority }: Negotiation): boolean =>
  authority !== null && authority.askedAtMs === null && authority.answered === null;

/** How far it has come with us meanwhile. */
function reached({ authority, local }: Negotiation): string {
  const stream = authority?.stream ?? null;
  const came =
    stream === null
      ? 'has not even connected to us'
      : `has got no further with us than ${stream.state.join('.')} (${stream.id})`;
  return `it ${came}. It dials the servers that the DNS names for ${local}, and does not reach them.`;
}

const waits = silence({
  id: 'key-not-asked-for',
  states: assertedStates,
  when: nobodyAsked,
  because: ({ negotiation, lasting }) =>
    `${negotiation.remote} has had our db:result for ${lasting}, does not answer it, and has not asked us whether the key is ours: ${reached(negotiation)}`,
  fix: 'we-cannot-be-reached',
  mover: 'operator',
});

const hasFailed = (negotiation: Negotiation): boolean =>
  negotiation.outcome === 'failed' &&
  negotiation.fault?.condition === 'remote-server-timeout' &&
  nobodyAsked(negotiation);

export const keyNotAskedFor: Diagnosis = {
  ...waits,
  check: (view, negotiation, nowMs) => (hasFailed(negotiation) ? 'suspect' : waits.check(view, negotiation, nowMs)),
  explain: (view, negotiation, nowMs) =>
    hasFailed(negotiation)
      ? {
          cause: `${negotiation.remote} never answered our db:result, and never asked us whether the key is ours: ${reached(negotiation)}`,
          fix: fixOf('we-cannot-be-reached', negotiation.situation),
          mover: 'operator',
        }
      : waits.explain(view, negotiation, nowMs),
};
