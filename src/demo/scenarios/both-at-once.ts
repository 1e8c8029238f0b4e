import { admitted, delivered, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const back = message('b.example', 'a.example');

export const bothAtOnce: Scenario = {
  id: 'both-at-once',
  title: 'Both sides open at once',
  spec: 'RFC 6120 §4.1, RFC 7712 §4.2',
  story:
    'A writes to B and B to A in the same moment. Without bidi a stream serves one direction, so two of them are right, ' +
    'one for each; neither waits for the other.',
  A: { hosts: ['a.example'] },
  B: { hosts: ['b.example'] },
  acts: [[out, back]],
  checks: [
    admitted('B', out, 'pkix (strong)'),
    admitted('A', back, 'pkix (strong)'),
    delivered(out),
    delivered(back),
    sockets(2, 2),
  ],
  roadIsKnown: true,
};
