import { admitsNothing, judged, returned, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const wrongCertificate: Scenario = {
  id: 'wrong-certificate',
  title: 'A wrong certificate is refused',
  spec: 'RFC 7712 §4.2, RFC 9525',
  story:
    'Whoever answers for b.example has a good certificate, but for somebody else. A closes the stream before it has ' +
    'asserted anything, and the message goes back to its sender.',
  A: { hosts: ['a.example'] },
  B: { hosts: ['b.example'], certificate: { names: ['mallory.example'] } },
  acts: [[out]],
  checks: [
    judged('A', 'b.example', 'pkix: name-mismatch'),
    said('A', 'auth EXTERNAL', 0),
    said('A', 'db:result', 0),
    returned(out, 'pkix', 'name-mismatch'),
    admitsNothing('B'),
    sockets(1, 0),
  ],
};
