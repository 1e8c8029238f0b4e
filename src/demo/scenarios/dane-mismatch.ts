import { admitsNothing, judged, returned, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const daneMismatch: Scenario = {
  id: 'dane-mismatch',
  title: 'DANE says no, and nothing else is asked',
  spec: 'RFC 6698 §4.1, RFC 7673 §4.2',
  story:
    'The certificate of B is good by all rules of PKIX, and its POSH document lists it. But the signed TLSA record names ' +
    'another key: perhaps somebody has forgotten it at the last renewal, perhaps somebody else answers. A does not go on.',
  A: { hosts: ['a.example'] },
  B: {
    hosts: ['b.example'],
    publishes: { 'b.example': { signed: true, posh: 'its own' } },
    tlsa: "somebody else's",
  },
  acts: [[out]],
  checks: [
    judged('A', 'b.example', 'dane: no-tlsa-match'),
    said('A', 'auth EXTERNAL', 0),
    said('A', 'db:result', 0),
    returned(out, 'dane', 'no-tlsa-match'),
    admitsNothing('B'),
    sockets(1, 0),
  ],
};
