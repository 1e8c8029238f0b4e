/** `db:result` is sent, the far end has asked about the key, and says nothing more (XEP-0220 §2.1.1). */
import { authorityHalf } from '../explain-halves.ts';
import { silence } from './diagnosis.ts';

/** Where a pair of ours waits for the answer to its `db:result`. */
export const assertedStates = {
  pair: ['piggybackingAssertion.awaitingAnswer'],
  assertion: ['awaitingAnswer'],
} as const;

export const resultUnanswered = silence({
  id: 'result-unanswered',
  states: assertedStates,
  because: ({ view, negotiation: { local, remote }, link, lasting }) => {
    const { answered } = authorityHalf(view, local, remote, link.sinceMs);
    return answered === null
      ? `${remote} has had our db:result for ${lasting}, and has asked us whether the key is ours; we have not answered.`
      : `${remote} has had our db:result for ${lasting}, and our word that the key is ${answered.type}; it has not told us its verdict.`;
  },
  fix: ({ view, negotiation: { local, remote }, link }) =>
    authorityHalf(view, local, remote, link.sinceMs).answered === null
      ? 'That is a fault of this program: report it, with --bundle.'
      : 'Look at the log of that server: it has all that it needs. A new stream may help; the pair is asserted again on the next.',
});
