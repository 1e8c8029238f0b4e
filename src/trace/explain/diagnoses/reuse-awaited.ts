/** Another domain is opening a stream to the same endpoint, and this one waits to share it (RFC 7712 §4.4.2). */
import { silence } from './diagnosis.ts';

export const reuseAwaited = silence({
  id: 'reuse-awaited',
  states: { peer: ['connectionReuse'] },
  because: ({ where, lasting }) =>
    `Another stream is being opened to ${where}, and this domain has waited for ${lasting} to share it.`,
  fix: () => 'Look into the stream that is being opened: "xmpp-dna explain" without a pair shows where it stands.',
});
