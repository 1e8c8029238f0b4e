/** A pair, or a verification, waits for a stream of which nothing is known: where a trace begins late, or has lost records. */
import { silence } from './diagnosis.ts';

export const streamAwaited = silence({
  id: 'stream-awaited',
  states: {
    pair: ['awaitingRoute'],
    peer: ['connectionReuse', 'connecting'],
    dialbackProoftype: ['awaitingVerifyStream'],
    queue: ['waiting'],
  },
  because: ({ domain, lasting }) =>
    `A stream to ${domain} has been wanted for ${lasting}, and what is being done about it is not in these records.`,
  fix: ({ domain }) => `"xmpp-dna check ${domain}" shows how far a stream to it comes now.`,
});
