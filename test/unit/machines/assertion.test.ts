/** The assertion as a table: one db:result of ours and its outcome. */
import { assertion } from '../../../machines/index.ts';
import { checkTable, ended } from '../../support/tables.ts';

const answered = (answer: unknown) => ({ type: 'peer.resultAnswered', answer });
const events = {
  'peer.resultAnswered': answered({ type: 'valid' }),
  invalid: answered({ type: 'invalid' }),
  error: answered({ type: 'error', condition: 'item-not-found' }),
};

checkTable({
  machine: assertion,
  spec: 'XEP-0220 §2.1',
  input: { from: 'a.example', to: 'b.example' },
  events,
  ways: {
    awaitingAnswer: [],
    valid: ['peer.resultAnswered'],
    invalid: ['invalid'],
    refused: ['error'],
    late: ['late'],
  },
  table: {
    awaitingAnswer: { 'peer.resultAnswered': ['valid'], invalid: ['invalid'], error: ['refused'], late: ['late'] },
    valid: ended(events),
    invalid: ended(events),
    refused: ended(events),
    late: ended(events),
  },
});
