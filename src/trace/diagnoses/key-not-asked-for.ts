/** `db:result` is sent, and nobody asks our authoritative side about the key: it cannot be reached from there (XEP-0220 §2.2.1). */
import { fixOf } from '../causes/diagnose.ts';
import { authorityHalf } from '../explain-halves.ts';
import { assertedStates } from './result-unanswered.ts';
import { silence } from './diagnosis.ts';

export const keyNotAskedFor = silence({
  id: 'key-not-asked-for',
  states: assertedStates,
  when: (view, { local, remote }, { sinceMs }) => authorityHalf(view, local, remote, sinceMs).askedAtMs === null,
  because: ({ view, negotiation: { local, remote }, link, lasting }) => {
    const { stream } = authorityHalf(view, local, remote, link.sinceMs);
    const came =
      stream === null
        ? 'has not even connected to us'
        : `has got no further with us than ${stream.state.join('.')} (${stream.id})`;
    return `${remote} has had our db:result for ${lasting}, does not answer it, and has not asked us whether the key is ours: it ${came}. It dials the servers that the DNS names for ${local}, and does not reach them.`;
  },
  fix: ({ negotiation: { situation } }) => fixOf('we-cannot-be-reached', situation),
  mover: 'operator',
});
