/** Our closing tag was sent, and the far end's does not come (RFC 6120 §4.4). */
import { faultSentence } from '../../../protocol/faults.ts';
import { faultIn } from '../../context.ts';
import { silence } from './diagnosis.ts';

export const closingUnanswered = silence({
  id: 'closing-unanswered',
  states: { initiatingStream: ['closing'], receivingStream: ['closing'] },
  because: ({ negotiation: { stream, direction }, domain, where, lasting }) => {
    const who = domain || 'somebody';
    const [which, whom] = direction === 'outgoing' ? [`to ${who}`, where] : [`that ${who} opened to us`, 'it'];
    const why = faultIn(stream?.context['fault']);
    const reason = why === null ? '' : ` (${faultSentence(why)})`;
    return `The stream ${which} is ended${reason}, and ${whom} has not answered our closing tag for ${lasting}.`;
  },
  fix: ({ domain }) =>
    `Nothing needs to be done for this stream: its connection is dropped soon, and the next stanza opens another. If every stream to ${domain || 'it'} ends like this, look in between for a dead connection that was not closed, or at the log of that server.`,
});
