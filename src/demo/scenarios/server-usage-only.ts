import { admitted, delivered, judged, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const serverUsageOnly: Scenario = {
  id: 'server-usage-only',
  title: 'A client certificate for servers only',
  spec: 'RFC 6120 §13.7, RFC 7712 §4.2',
  story:
    'The certificate that A shows as a client may be used by servers only, as public authorities issue them today. A TLS ' +
    'library would refuse it; between servers it proves a.example, and EXTERNAL works.',
  A: { hosts: ['a.example'], certificate: { usage: 'serverAuth' } },
  B: { hosts: ['b.example'] },
  acts: [[out]],
  checks: [
    judged('B', 'a.example', 'proved'),
    said('A', 'auth EXTERNAL', 1),
    said('B', 'success', 1),
    admitted('B', out, 'pkix (strong)'),
    delivered(out),
    sockets(1, 1),
  ],
};
