import { accepted, admitted, delivered, judged, returned, sockets } from '../checks.ts';
import { pinnedKey } from '../pinned-key.ts';
import { message, type ProviderSetup, type Scenario } from '../scenario.ts';

const toB = message('a.example', 'b.example');
const toD = message('a.example', 'd.example');
const back = message('b.example', 'a.example');

const A = { hosts: ['a.example'], certificate: { issuer: 'stranger', names: ['one.example'] } } as const;
const B = { hosts: ['b.example', 'd.example'], certificate: { issuer: 'stranger', names: ['two.example'] } } as const;
const before: ProviderSetup = { hosts: [], certificate: { issuer: 'stranger', names: ['before.example'] } };

export const ownProoftype: Scenario = {
  id: 'own-prooftype',
  title: 'A prooftype of your own: keys that the operators told each other',
  spec: 'RFC 7712 §7',
  story:
    'Names and authorities of these certificates mean nothing. But the operators have told each other their keys, and both ' +
    'have added thirty lines: a prooftype that compares them. For d.example A still has the key of before, and refuses.',
  A: {
    ...A,
    policy: { prooftypes: ['pinned-key'] },
    prooftypes: { 'pinned-key': pinnedKey({ 'b.example': B, 'd.example': before }) },
  },
  B: { ...B, policy: { prooftypes: ['pinned-key'] }, prooftypes: { 'pinned-key': pinnedKey({ 'a.example': A }) } },
  acts: [[toB], [back], [toD]],
  checks: [
    accepted('A', toB, 'pinned-key (strong)'),
    admitted('B', toB, 'pinned-key (strong)'),
    delivered(toB),
    accepted('B', back, 'pinned-key (strong)'),
    delivered(back),
    judged('A', 'd.example', 'prooftype: no-pin-matches'),
    returned(toD, 'prooftype', 'no-pin-matches'),
    sockets(3, 2),
  ],
};
