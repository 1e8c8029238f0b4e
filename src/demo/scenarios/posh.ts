import { accepted, admitted, delivered, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const back = message('b.example', 'a.example');

export const posh: Scenario = {
  id: 'posh',
  title: 'POSH: the website of a domain names its certificate',
  spec: 'RFC 7712 §5.2, RFC 7711',
  story:
    'B shows a certificate that it has made itself. PKIX refuses it; the document that b.example has on the web lists ' +
    'it, and so A goes on. B finds the certificate of A good as it is, and fetches nothing.',
  A: { hosts: ['a.example'] },
  B: {
    hosts: ['b.example'],
    certificate: { issuer: 'stranger' },
    publishes: { 'b.example': { posh: 'its own' } },
  },
  acts: [[out], [back]],
  checks: [
    accepted('A', out, 'posh (strong)'),
    admitted('B', out, 'pkix (strong)'),
    delivered(out),
    accepted('B', back, 'pkix (strong)'),
    admitted('A', back, 'posh (strong)'),
    delivered(back),
    said('A', 'db:result', 0),
    sockets(2, 2),
  ],
};
