/** Rows of the table of open streams, as a test needs them. */
import { newStream, nothingNegotiated, type StreamContext } from '../../machines/stream/context.ts';
import { undelegated } from '../../src/protocol/secure-delegation.ts';
import type { StreamRow } from '../../src/control/standing-streams.ts';
import type { AddressRecord, Endpoint } from '../../src/protocol/dns.ts';

const ipv4 = (...addresses: string[]): AddressRecord[] => addresses.map((address) => ({ family: 4, address }));
export const endpointOf = (host: string, ...addresses: string[]): Endpoint => ({
  host,
  port: 5269,
  tls: 'starttls',
  secureDelegation: false,
  delegatedUntilMs: null,
  expandedHost: null,
  addresses: ipv4(...addresses),
  dane: undelegated.dane,
});

/** A stream of ours to `endpoint`, opened for evil.example. */
export function rowOf(id: number, endpoint: Endpoint, changes: Partial<StreamContext>): StreamRow {
  const input = {
    stream: id,
    settings: {
      hosted: [],
      policy: {},
      bidi: true,
      material: { secureDns: false, posh: false },
      dna: { checks: false, proofs: [] },
    },
    service: 'xmpp-server' as const,
    purpose: 'stanzas' as const,
    local: 'here.example',
    remote: 'evil.example',
    endpoint,
    directTls: false,
    avoidExternal: false,
  };
  const features = {
    kind: 'features' as const,
    startTls: 'absent' as const,
    mechanisms: [],
    dialback: true,
    dialbackErrors: true,
    bidi: false,
    unknown: [],
  };
  const context = { ...newStream({ input }), negotiation: { ...nothingNegotiated, features }, ...changes };
  return {
    id,
    initiating: true,
    purpose: 'stanzas',
    endpoint,
    openedFrom: null,
    context: () => context,
    stage: 'opening',
    leadsTo: new Set(),
    bytes: null,
    openedAt: 0,
    establishedAt: Infinity,
    chain: null,
  };
}
