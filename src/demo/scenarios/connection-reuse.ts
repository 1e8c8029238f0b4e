import { admitted, delivered, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const senders = ['a.example', 'c.example', 'e.example'];
const targets = ['b.example', 'd.example', 'f.example'];
const pairs = senders.flatMap((from) => targets.map((to) => message(from, to)));

export const connectionReuse: Scenario = {
  id: 'connection-reuse',
  title: 'Connection reuse: nine domain pairs at once',
  spec: 'RFC 7712 §4.4, XEP-0220 §2.6',
  story:
    'Three domains of A write to three of B in the same moment. The first wish opens a stream; the other eight find that ' +
    'it leads where they want to go, wait for it, and share it.',
  A: { hosts: senders },
  B: { hosts: targets },
  acts: [pairs],
  checks: [
    ...pairs.map((pair) => admitted('B', pair, 'pkix (strong)')),
    ...pairs.map((pair) => delivered(pair)),
    sockets(1, 1),
  ],
  roadIsKnown: true,
};
