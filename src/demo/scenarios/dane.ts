import { accepted, admitted, delivered, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');
const back = message('b.example', 'a.example');

export const dane: Scenario = {
  id: 'dane',
  title: 'DANE: the signed DNS names the certificates',
  spec: 'RFC 7712 §5.1, RFC 7671 §5.1',
  story:
    'No authority that anybody trusts has issued these certificates, and they name other hosts. But each domain signs its ' +
    'zone, and the TLSA record of its target host says which key to expect there: that is proof enough, in both directions.',
  A: {
    hosts: ['a.example'],
    certificate: { issuer: 'stranger', names: ['one.example'] },
    publishes: { 'a.example': { signed: true } },
    tlsa: 'its own',
  },
  B: {
    hosts: ['b.example'],
    certificate: { issuer: 'stranger', names: ['two.example'] },
    publishes: { 'b.example': { signed: true } },
    tlsa: 'its own',
  },
  acts: [[out], [back]],
  checks: [
    accepted('A', out, 'dane (strong)'),
    admitted('B', out, 'dane (strong)'),
    delivered(out),
    accepted('B', back, 'dane (strong)'),
    admitted('A', back, 'dane (strong)'),
    delivered(back),
    said('A', 'db:result', 0),
    sockets(2, 2),
  ],
};
