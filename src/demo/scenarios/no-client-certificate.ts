import { accepted, admitted, assertionAnswered, delivered, said, sockets, streamPath } from '../checks.ts';
import { DIALBACK_OPENER } from '../chart-paths.ts';
import { message, type Scenario } from '../scenario.ts';

const out = message('a.example', 'b.example');

export const noClientCertificate: Scenario = {
  id: 'no-client-certificate',
  title: 'No client certificate: dialback',
  spec: 'RFC 7712 §4.3, XEP-0220',
  story:
    'A shows no certificate when it connects. B offers no EXTERNAL, takes the key that A shows instead, and asks the ' +
    'authoritative server of a.example about it, on a second socket that is closed when the answer is in.',
  A: { hosts: ['a.example'], certificate: { shownAsClient: false } },
  B: { hosts: ['b.example'], policy: { federation: 'encrypted' } },
  acts: [[out]],
  checks: [
    streamPath('A', 1, 'opener', DIALBACK_OPENER),
    accepted('A', out, 'pkix (strong)'),
    said('A', 'db:result', 1),
    said('B', 'db:verify', 1),
    said('A', 'db:verify valid', 1),
    assertionAnswered('B', out, 'valid'),
    admitted('B', out, 'dialback (weak)'),
    delivered(out),
    sockets(2, 1),
  ],
};
