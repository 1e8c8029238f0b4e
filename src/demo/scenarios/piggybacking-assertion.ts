import { admitted, delivered, pairPath, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const first = message('a.example', 'b.example');
const second = message('c.example', 'b.example');

export const piggybackingAssertion: Scenario = {
  id: 'piggybacking-assertion',
  title: 'Piggybacking: a new sender domain',
  spec: 'RFC 7712 §4.4.1',
  story:
    'A stream stands for a.example. c.example, hosted by A too, is asserted on it with db:result; the certificate that ' +
    'B has already seen proves it, and nobody is dialled back.',
  A: { hosts: ['a.example', 'c.example'] },
  B: { hosts: ['b.example'] },
  acts: [[first], [second]],
  checks: [
    pairPath('A', second, 'awaitingRoute → piggybackingAssertion → routed'),
    said('A', 'db:result', 1),
    said('B', 'db:verify', 0),
    admitted('B', first, 'pkix (strong)'),
    admitted('B', second, 'pkix (strong)'),
    delivered(first),
    delivered(second),
    sockets(1, 1),
  ],
  roadIsKnown: true,
};
