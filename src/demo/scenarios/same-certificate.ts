import { admitted, delivered, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const sameCertificate: Scenario = {
  id: 'same-certificate',
  title: 'A self-made certificate: dialback without the question',
  spec: 'XEP-0344 §2.4',
  story:
    'Nobody trusts the authority of A. But where B dials back, by what DNS says of a.example, the very certificate that ' +
    'A showed is shown again: the key need not be asked about.',
  A: { hosts: ['a.example'], certificate: { issuer: 'stranger' } },
  B: { hosts: ['b.example'], policy: { federation: 'encrypted' } },
  acts: [[out]],
  checks: [
    said('A', 'db:result', 1),
    said('B', 'db:verify', 0),
    admitted('B', out, 'dialback (weak)'),
    delivered(out),
    sockets(2, 1),
  ],
};
