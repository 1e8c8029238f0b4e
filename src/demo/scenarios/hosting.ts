import { accepted, admitted, delivered, sockets } from '../checks.ts';
import { targetOf } from '../published.ts';
import { message, type Scenario } from '../scenario.ts';

const tenants = ['b.example', 'd.example', 'f.example'];
const pairs = tenants.map((to) => message('a.example', to));
const backs = tenants.map((from) => message(from, 'a.example'));
const [toSigned, toListed, toNamed] = [pairs.slice(0, 1), pairs.slice(1, 2), pairs.slice(2)];

export const hosting: Scenario = {
  id: 'hosting',
  title: 'Virtual hosting: three tenants, three proofs, one stream',
  spec: 'RFC 7712 §6, RFC 7673 §4.1',
  story:
    'B serves three domains, and holds the keys of none. b.example delegates to it in a signed zone, so the name of the ' +
    'host will do; d.example lists its certificate on the web; f.example had itself put into it. All of them share one stream.',
  A: { hosts: ['a.example'], bidi: true },
  B: {
    hosts: tenants,
    certificate: { names: [targetOf('B'), 'f.example'] },
    publishes: { 'b.example': { signed: true }, 'd.example': { posh: 'its own' } },
    bidi: true,
  },
  acts: [pairs.slice(0, 1), pairs.slice(1), backs],
  checks: [
    ...toSigned.map((pair) => accepted('A', pair, 'pkix (strong)')),
    ...toListed.map((pair) => accepted('A', pair, 'posh (strong)')),
    ...toNamed.map((pair) => accepted('A', pair, 'pkix (strong)')),
    ...pairs.map((pair) => admitted('B', pair, 'pkix (strong)')),
    ...[...pairs, ...backs].map((pair) => delivered(pair)),
    sockets(1, 1),
  ],
  roadIsKnown: true,
};
