/** A stream was ended because of a stanza of a pair that is not proved on it (RFC 6120 §8.1.1.2): S1, S3. */
import type { Diagnosis, Finding } from './diagnosis.ts';
import type { Asserted, Refusal } from '../refusals.ts';

export const sentUnasserted: Diagnosis = {
  id: 'sent-unasserted',
  check: (_, { refusal }) => (refusal === null ? 'ok' : 'suspect'),
  explain: (_, { refusal, stream }) => {
    if (refusal === null || stream === null) return { cause: '', fix: '' };
    const { remote } = stream.context;
    const whose = typeof remote === 'string' && remote !== '' ? remote : 'the far end';
    return findingOn(refusal, whose, stream.id);
  },
};

function findingOn({ from, to, fault, asserted }: Refusal, whose: string, stream: string): Finding {
  const sent = `The server of ${whose} sent a stanza from ${from} to ${to} on ${stream}`;
  const ended = `The stream was ended for that (${fault.condition}).`;
  if (fault.condition !== 'invalid-from')
    return {
      cause: `${sent}, and ${to} is not served here. ${ended}`,
      fix: `Add ${to} to the hosts or components here; or have the DNS of ${to} name the server that serves it.`,
      mover: 'operator',
    };
  return {
    cause: `${sent}, and ${from} ${before(asserted, to)}. ${ended}`,
    fix: `Look at the log of the server of ${whose}: ${right(from, to, asserted)}`,
    mover: 'peer',
  };
}

/** What that server has to do. */
function right(from: string, to: string, asserted: Asserted | null): string {
  if (asserted === null)
    return `before it sends for ${from} it has to assert ${from} to ${to} on that stream (db:result) and be told that it is valid, or open a stream as ${from}. If ${from} is not one of its domains, find out who sends there in the name of ${from}.`;
  if (asserted.answer === 'valid')
    return `our permission was withdrawn before the stanza came, by us or by that server: "xmpp-dna explain ${from}" shows which.`;
  return asserted.answer === null
    ? `it may not send for ${from} before we have answered that it is valid.`
    : `it may not send for ${from} after that answer. "xmpp-dna explain ${from}" shows why ${from} was not believed.`;
}

function before(asserted: Asserted | null, to: string): string {
  if (asserted === null) return `was never asserted to ${to} there; proofs of other domains do not count for it`;
  const how = asserted.by === 'dialback' ? 'by db:result' : 'in the DNA protocol';
  return asserted.answer === null
    ? `was asserted there ${how}, and not proved yet`
    : `was asserted there ${how}, and our answer was ${asserted.answer}`;
}
