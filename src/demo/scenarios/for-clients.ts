import { admitsNothing, said, sockets, sought, streamPath } from '../checks.ts';
import { CLIENT_OPENER } from '../chart-paths.ts';
import type { Scenario } from '../scenario.ts';

const domains = ['b.example', 'd.example', 'f.example', 'h.example'];

export const forClients: Scenario = {
  id: 'for-clients',
  title: 'The same proofs for clients, as far as the login',
  spec: 'RFC 7712 §3',
  story:
    'Before a client sends a password it wants to know who gets it. B shows one certificate for all of its domains: it names ' +
    'b.example, the website of d.example lists it, the signed DNS of f.example leads to its TLSA record, and for h.example ' +
    'nothing speaks for it. No client proves anything in return: that is what the password is for.',
  A: { hosts: ['a.example'] },
  B: {
    hosts: domains,
    certificate: { names: ['b.example'] },
    publishes: { 'd.example': { posh: 'its own' }, 'f.example': { signed: true } },
    tlsa: 'its own',
  },
  sought: domains,
  acts: [],
  checks: [
    streamPath('A', 1, 'opener', CLIENT_OPENER),
    sought('b.example', 'pkix'),
    sought('d.example', 'posh'),
    sought('f.example', 'dane'),
    sought('h.example', 'pkix: name-mismatch'),
    said('A', 'auth EXTERNAL', 0),
    said('A', 'db:result', 0),
    admitsNothing('B'),
    sockets(4, 0),
  ],
};
