/** Our `db:result` was sent, the far end has asked about the key, and has said nothing since (XEP-0220 §2.1.1). */
import { fixOf } from '../causes/diagnose.ts';
import { assertedStates } from '../halves.ts';
import type { Negotiation } from '../negotiations.ts';
import { type Diagnosis, silence } from './diagnosis.ts';

const waits = silence({
  id: 'result-unanswered',
  states: assertedStates,
  because: ({ negotiation: { remote, authority }, lasting }) => {
    const answered = authority?.answered ?? null;
    return answered === null
      ? `${remote} was sent our db:result ${lasting} ago, and has asked us whether the key is ours; we have not answered.`
      : `${remote} was sent our db:result ${lasting} ago, has asked us whether the key is ours, and we have answered that it is ${answered.type}; it has not told us its verdict.`;
  },
  fix: ({ negotiation: { authority, situation } }) =>
    authority?.answered == null
      ? 'That is a bug in this program: report it, with --bundle.'
      : fixOf('result-unanswered', situation),
});

const endedInSilence = ({ outcome, fault, authority }: Negotiation): boolean =>
  outcome === 'failed' &&
  ['remote-server-timeout', 'connection-timeout'].includes(fault?.condition ?? '') &&
  authority?.answered != null &&
  authority.told === null;

export const resultUnanswered: Diagnosis = {
  ...waits,
  check: (view, negotiation, nowMs) =>
    endedInSilence(negotiation) ? 'suspect' : waits.check(view, negotiation, nowMs),
  explain: (view, negotiation, nowMs) => {
    if (!endedInSilence(negotiation)) return waits.explain(view, negotiation, nowMs);
    const { remote, authority, situation } = negotiation;
    return {
      cause: `${remote} never answered our db:result, though it has asked us about the key and we have answered that it is ${authority?.answered?.type ?? ''}.`,
      fix: fixOf('result-unanswered', situation),
      mover: 'peer',
    };
  },
};
