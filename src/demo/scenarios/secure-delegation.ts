import { accepted, admitted, delivered, judged, rests, returned, said, sockets } from '../checks.ts';
import { targetOf } from '../published.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const unsigned = message('a.example', 'd.example');

export const secureDelegation: Scenario = {
  id: 'secure-delegation',
  title: 'The DNS asserts the delegation: a signed SRV record',
  spec: 'RFC 7712 §6, RFC 7673 §4.1',
  story:
    'Neither certificate names a domain: both name the hosts that the domains are served at. Where the zone is signed, the ' +
    'DNS itself says that the host speaks for the domain, at either end of the stream. d.example has the same host, and no ' +
    'signature: for it the name of the host is worth nothing.',
  A: { hosts: ['a.example'], certificate: { names: [targetOf('A')] }, publishes: { 'a.example': { signed: true } } },
  B: {
    hosts: ['b.example', 'd.example'],
    certificate: { names: [targetOf('B')] },
    publishes: { 'b.example': { signed: true } },
  },
  acts: [[out], [unsigned]],
  checks: [
    accepted('A', out, 'pkix (strong)'),
    rests('A', 'b.example', 'identifier', targetOf('B')),
    admitted('B', out, 'pkix (strong)'),
    rests('B', 'a.example', 'identifier', targetOf('A')),
    delivered(out),
    judged('A', 'd.example', 'pkix: name-mismatch'),
    returned(unsigned, 'pkix', 'name-mismatch'),
    said('A', 'db:result', 0),
    sockets(2, 1),
  ],
};
