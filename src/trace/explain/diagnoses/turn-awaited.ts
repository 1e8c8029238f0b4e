/**
 * Many sender domains are asserted on one stream, a limited number at a time; this one waits behind others (RFC 7712
 * §4.4.1).
 */
import { fieldsIn } from '../../context.ts';
import { silence } from './diagnosis.ts';

const countIn = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

export const turnAwaited = silence({
  id: 'turn-awaited',
  states: { pair: ['piggybackingAssertion.awaitingTurn'] },
  because: ({ domain, lasting, negotiation: { stream } }) => {
    const { assertions } = fieldsIn(stream?.context['pending']);
    return `${domain} has left ${countIn(assertions)} of our db:result unanswered, and this one has waited for its turn behind them for ${lasting}.`;
  },
  fix: ({ domain }) =>
    `Look at one of those that wait for an answer from ${domain}: whatever delays them delays this one.`,
});
