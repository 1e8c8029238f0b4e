import { admitsNothing, judged, returned, said, sockets } from '../checks.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const clientUsageOnly: Scenario = {
  id: 'client-usage-only',
  title: 'The contrast: a certificate for clients only',
  spec: 'RFC 6120 §13.7, RFC 5280 §4.2.1.12',
  story:
    'The same road with a certificate that is no server’s. It proves no domain, in either direction: B offers no ' +
    'EXTERNAL and a key is not enough for it, on a second stream neither. The message goes back to its sender.',
  A: { hosts: ['a.example'], certificate: { usage: 'clientAuth' } },
  B: { hosts: ['b.example'] },
  acts: [[out]],
  checks: [
    judged('B', 'a.example', 'pkix: invalid-purpose'),
    said('A', 'auth EXTERNAL', 0),
    returned(out, 'dialback', 'not-authorized'),
    admitsNothing('B'),
    sockets(2, 2),
  ],
};
