import { accepted, admitted, delivered, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const back = message('b.example', 'a.example');

export const bidirectional: Scenario = {
  id: 'bidirectional',
  title: 'Both ways on one stream',
  spec: 'XEP-0288',
  story:
    'The first scenario again, but both providers speak bidi. A asks for it once TLS stands and B is proved; the answer ' +
    'comes back on the stream that brought the question.',
  A: { hosts: ['a.example'], bidi: true },
  B: { hosts: ['b.example'], bidi: true },
  acts: [[out], [back]],
  checks: [
    said('A', 'bidi', 1),
    admitted('B', out, 'pkix (strong)'),
    accepted('B', back, 'pkix (strong)'),
    admitted('A', back, 'pkix (strong)'),
    delivered(out),
    delivered(back),
    sockets(1, 1),
  ],
};
