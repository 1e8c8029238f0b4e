import { accepted, admitted, delivered, returned, said, sockets } from '../checks.ts';
import { targetOf } from '../published.ts';
import { message, type Scenario } from '../scenario.ts';

const toB = message('a.example', 'b.example');
const toD = message('a.example', 'd.example');

export const suppliedTrustAnchor: Scenario = {
  id: 'supplied-trust-anchor',
  title: 'A supplied trust anchor: the zone is signed, and nobody says so',
  spec: 'docs/delegation-proofs.md §6',
  story:
    'b.example signs its zone, but its parent does not vouch for the key: to everybody the SRV record is unsigned. ' +
    'Challenged, B hands out a certificate of b.example whose key is that of the zone. A knows its authority, takes the key ' +
    'for an anchor, for this one question, and finds B delegated. The zone of d.example has another key by now. (The zones ' +
    'are a table here; with libunbound, as in the daemon, the signatures are checked.)',
  A: { hosts: ['a.example'], policy: { prooftypes: ['pkix', 'dnssec-ta'] } },
  B: {
    hosts: ['b.example', 'd.example'],
    certificate: { names: [targetOf('B')] },
    publishes: { 'b.example': { island: 'its own' }, 'd.example': { island: "somebody else's" } },
    delegatedBy: { 'b.example': 'dnssec-ta', 'd.example': 'dnssec-ta' },
  },
  acts: [[toB], [toD]],
  checks: [
    accepted('A', toB, 'dnssec-ta (strong)'),
    admitted('B', toB, 'pkix (strong)'),
    delivered(toB),
    returned(toD, 'dna', 'anchor-not-in-zone'),
    said('A', 'dna:valid', 1),
    said('A', 'dna:invalid', 2),
    sockets(2, 1),
  ],
};
