import { accepted, admitted, delivered, judged, pairPath, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const first = message('a.example', 'b.example');
const second = message('a.example', 'd.example');

export const piggybackingSupposition: Scenario = {
  id: 'piggybacking-supposition',
  title: 'Piggybacking: a new target domain, and the dialback optimization',
  spec: 'RFC 7712 §4.4.2',
  story:
    'DNS sends d.example to where b.example already is. A supposes that the stream to it will do, proves d.example by ' +
    'the certificate that B has shown, and only then asserts itself towards it.',
  A: { hosts: ['a.example'] },
  B: { hosts: ['b.example', 'd.example'] },
  acts: [[first], [second]],
  checks: [
    pairPath(
      'A',
      second,
      'awaitingRoute → dnsResolution → connectionReuse → piggybackingSupposition → piggybackingAssertion → routed',
    ),
    judged('A', 'd.example', 'proved'),
    accepted('A', second, 'pkix (strong)'),
    said('A', 'db:result', 1),
    said('B', 'db:verify', 0),
    admitted('B', second, 'pkix (strong)'),
    delivered(first),
    delivered(second),
    sockets(1, 1),
  ],
  roadIsKnown: true,
};
