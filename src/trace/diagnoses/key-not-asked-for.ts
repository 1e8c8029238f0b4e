/** `db:result` is sent, and nobody asks our authoritative side about the key: it cannot be reached from there (XEP-0220 §2.2.1). */
import { assertedStates } from '../explain-halves.ts';
import { silence } from './diagnosis.ts';

export const keyNotAskedFor = silence({
  id: 'key-not-asked-for',
  states: assertedStates,
  when: ({ authority }) => authority !== null && authority.askedAtMs === null && authority.answered === null,
  because: ({ negotiation: { local, remote, authority }, lasting }) => {
    const stream = authority?.stream ?? null;
    const came =
      stream === null
        ? 'has not even connected to us'
        : `has got no further with us than ${stream.state.join('.')} (${stream.id})`;
    return `${remote} has had our db:result for ${lasting}, does not answer it, and has not asked us whether the key is ours: it ${came}. It dials the servers that the DNS names for ${local}, and does not reach them.`;
  },
  fix: 'we-cannot-be-reached',
  mover: 'operator',
});
