/**
 * A pair, or a verification, waits for a stream about which nothing is known, because the trace begins late or has lost
 * records.
 */
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
    `A stream to ${domain} has been wanted for ${lasting}, and these records do not say what is being done about it.`,
  fix: ({ domain }) => `"xmpp-dna check ${domain}" shows how far a stream to it comes now.`,
});
