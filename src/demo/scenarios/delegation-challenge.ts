import { accepted, admitted, delivered, said, sockets } from '../checks.ts';
import { targetOf } from '../published.ts';
import { message, type Scenario } from '../scenario.ts';

const toB = message('a.example', 'b.example');
const toD = message('a.example', 'd.example');

export const delegationChallenge: Scenario = {
  id: 'delegation-challenge',
  title: 'The challenge of 2009: by whose leave do you serve this domain?',
  spec: 'XEP "Domain Name Assertions" 0.0.1',
  story:
    'B has a certificate for its own host, and nothing in the DNS or on the web says that b.example and d.example are ' +
    'served there. Their owners have signed a delegation each, one an attribute certificate, one an assertion in XML. A ' +
    'challenges B for them, on the stream.',
  A: { hosts: ['a.example'], policy: { prooftypes: ['pkix', 'attribute-cert', 'xml-assertion'] } },
  B: {
    hosts: ['b.example', 'd.example'],
    certificate: { names: [targetOf('B')] },
    delegatedBy: { 'b.example': 'attribute-cert', 'd.example': 'xml-assertion' },
  },
  acts: [[toB], [toD]],
  checks: [
    accepted('A', toB, 'attribute-cert (strong)'),
    accepted('A', toD, 'xml-assertion (strong)'),
    admitted('B', toB, 'pkix (strong)'),
    admitted('B', toD, 'pkix (strong)'),
    delivered(toB),
    delivered(toD),
    said('A', 'dna:challenge', 2),
    sockets(1, 1),
  ],
};
