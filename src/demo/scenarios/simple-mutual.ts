import { accepted, admitted, delivered, said, sockets, streamPath } from '../checks.ts';
import { EXTERNAL_ACCEPTOR, EXTERNAL_OPENER } from '../chart-paths.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const back = message('b.example', 'a.example');

export const simpleMutual: Scenario = {
  id: 'simple-mutual',
  title: 'Simple mutual authentication',
  spec: 'RFC 7712 §4.2',
  story:
    'Both providers have certificates that the other trusts. Each proves the other before it says who it is, then ' +
    'itself by SASL EXTERNAL; the answer takes a stream of its own, since streams are one-way.',
  A: { hosts: ['a.example'] },
  B: { hosts: ['b.example'] },
  acts: [[out], [back]],
  checks: [
    streamPath('A', 1, 'opener', EXTERNAL_OPENER),
    streamPath('A', 1, 'acceptor', EXTERNAL_ACCEPTOR),
    accepted('A', out, 'pkix (strong)'),
    admitted('B', out, 'pkix (strong)'),
    delivered(out),
    accepted('B', back, 'pkix (strong)'),
    admitted('A', back, 'pkix (strong)'),
    delivered(back),
    said('A', 'db:result', 0),
    sockets(2, 2),
  ],
};
