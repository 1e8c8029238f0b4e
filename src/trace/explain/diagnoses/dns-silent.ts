/** A DNS query has no answer yet: neither "there is none" nor "it failed" (RFC 6120 §3.2). */
import { silence } from './diagnosis.ts';

const WHAT: Readonly<Record<string, string>> = {
  awaitingServiceRecords: 'its SRV records',
  awaitingAddresses: 'the addresses of its server',
  awaitingTlsa: 'the TLSA records of its server',
  awaitingSecureDelegation: 'its signed records',
};

export const dnsSilent = silence({
  id: 'dns-silent',
  states: {
    resolution: ['awaitingServiceRecords', 'awaitingAddresses', 'awaitingTlsa'],
    association: ['awaitingSecureDelegation'],
    peer: ['dnsResolution'],
  },
  because: ({ domain, link, lasting }) =>
    `The DNS has not answered for ${domain} (${WHAT[link.state] ?? 'where it is served'}) for ${lasting}; silence is not absence, so nothing is guessed.`,
  fix: 'dns-silent',
});
