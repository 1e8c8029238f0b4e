/**
 * Our `db:result` was sent, and our authoritative server is not asked about the key: one of the two was lost on its way
 * (XEP-0220 §2.2.1).
 */
import { fixOf } from '../causes/diagnose.ts';
import type { Mover } from '../../../../machines/declare.ts';
import { stoodIn } from '../chain.ts';
import { assertedStates } from '../halves.ts';
import type { Negotiation } from '../negotiations.ts';
import type { ActorView } from '../../view/view.ts';
import { type Diagnosis, silence } from './diagnosis.ts';

const nobodyAsked = ({ authority }: Negotiation): boolean =>
  authority !== null && authority.askedAtMs === null && authority.answered === null;

/** Under TLS and after our features (XEP-0220 §2.2.1): asking requires no authentication. */
const MAY_ASK: readonly string[] = ['authentication', 'established'];

/** The stream on which it could ask us. */
const standing = ({ authority }: Negotiation): ActorView | null =>
  MAY_ASK.includes(authority?.stream?.state[0] ?? '') && authority?.stream?.ended === null ? authority.stream : null;

/** How far the far end has come on its own stream to us. */
function reached(negotiation: Negotiation): string {
  const { authority, local } = negotiation;
  const stream = authority?.stream ?? null;
  const open = standing(negotiation);
  if (open !== null) return `it has reached us (${open.id}), and its question (db:verify) has not arrived.`;
  const came =
    stream === null
      ? 'has not even connected to us'
      : `has got no further with us than ${stoodIn(stream)} (${stream.id})`;
  return `it ${came}. Either it does not reach the servers that the DNS names for ${local}, or our db:result has not reached it.`;
}

const fixFor = (negotiation: Negotiation): string =>
  standing(negotiation) === null
    ? `${fixOf('we-cannot-be-reached', negotiation.situation)} If it can be reached, the log of that server, or "xmpp-dna explain" with two traces, one from each end, says whether our db:result arrived.`
    : 'Look at the log of that server; if it has asked, the question was lost on its way: "xmpp-dna explain" with the two traces, one from each end, shows it.';

const waits = silence({
  id: 'key-not-asked-for',
  states: assertedStates,
  when: nobodyAsked,
  because: ({ negotiation, lasting }) =>
    `${negotiation.remote} was sent our db:result ${lasting} ago, has not answered it, and has not asked us whether the key is ours: ${reached(negotiation)}`,
  fix: ({ negotiation }) => fixFor(negotiation),
});

const moverOf = (negotiation: Negotiation): Mover => (standing(negotiation) === null ? 'operator' : 'peer');

/** It failed: nothing came in time, or the far end gave up the stream for that reason. */
const hasFailed = (negotiation: Negotiation): boolean => {
  const { outcome, fault, authority } = negotiation;
  const isTimeout = ['remote-server-timeout', 'connection-timeout'].includes(fault?.condition ?? '');
  return outcome === 'failed' && isTimeout && authority?.told === null && nobodyAsked(negotiation);
};

export const keyNotAskedFor: Diagnosis = {
  ...waits,
  check: (view, negotiation, nowMs) => (hasFailed(negotiation) ? 'suspect' : waits.check(view, negotiation, nowMs)),
  explain: (view, negotiation, nowMs) => ({
    ...(hasFailed(negotiation)
      ? {
          cause: `${negotiation.remote} never answered our db:result, and never asked us whether the key is ours: ${reached(negotiation)}`,
          fix: fixFor(negotiation),
        }
      : waits.explain(view, negotiation, nowMs)),
    mover: moverOf(negotiation),
  }),
};
