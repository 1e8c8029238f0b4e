import { admitted, assertionAnswered, delivered, returned, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const good = message('a.example', 'b.example');
const bad = message('c.example', 'b.example');

export const onePairRefused: Scenario = {
  id: 'one-pair-refused',
  title: 'One pair is refused, the others go on',
  spec: 'XEP-0220 §2.5',
  story:
    'B will have nothing to do with c.example. Its assertion is answered with an error that concerns this pair alone; ' +
    'a.example goes on writing on the same stream.',
  A: { hosts: ['a.example', 'c.example'] },
  B: { hosts: ['b.example'], policy: { deny: ['c.example'] } },
  acts: [[good], [bad], [good]],
  checks: [
    admitted('B', good, 'pkix (strong)'),
    assertionAnswered('B', bad, 'error policy-violation'),
    returned(bad, 'dialback', 'policy-violation'),
    delivered(good, 2),
    said('B', 'stream error policy-violation', 0),
    sockets(1, 1),
  ],
  roadIsKnown: true,
};
