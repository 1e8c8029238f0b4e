/** `db:result` is sent, the far end has asked about the key, and says nothing more (XEP-0220 §2.1.1). */
import { fixOf } from '../causes/diagnose.ts';
import { assertedStates } from '../explain-halves.ts';
import { silence } from './diagnosis.ts';

export const resultUnanswered = silence({
  id: 'result-unanswered',
  states: assertedStates,
  because: ({ negotiation: { remote, authority }, lasting }) => {
    const answered = authority?.answered ?? null;
    return answered === null
      ? `${remote} has had our db:result for ${lasting}, and has asked us whether the key is ours; we have not answered.`
      : `${remote} has had our db:result for ${lasting}, and our word that the key is ${answered.type}; it has not told us its verdict.`;
  },
  fix: ({ negotiation: { authority, situation } }) =>
    authority?.answered == null
      ? 'That is a fault of this program: report it, with --bundle.'
      : fixOf('result-unanswered', situation),
});
