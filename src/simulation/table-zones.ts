/**
 * Islands of security held in the process, for the demo and for simulations: signed zones that no signed zone delegates
 * to. The records come from a table resolver; there are no signatures, and a name within such a zone counts as signed.
 */
import { X509Certificate } from 'node:crypto';
import type { OpenValidator } from '../adapters/dna/dnssec-ta/anchored-zones.ts';
import { dsRecord, type ZoneKey, zoneKeyOf } from '../adapters/dna/dnssec-ta/zone-key.ts';
import type { Outcome } from '../adapters/dns/outcome.ts';
import type { Resolver } from '../ports.ts';

/** A validator that has a zone's key as trust anchor finds its records secure; any other finds them insecure. */
export interface TableZones {
  readonly open: OpenValidator;
  /** Declares that `zone` is signed with the key of this certificate (PEM), or unsigned (null). */
  set(zone: string, certificate: string | null): void;
}

export function createTableZones(resolver: Pick<Resolver, 'srv'>): TableZones {
  const keys = new Map<string, Buffer>();
  const zoneOf = (name: string): string | undefined =>
    [...keys.keys()].find((zone) => name === zone || name.endsWith(`.${zone}`));

  return {
    set: (zone, certificate) => {
      if (certificate === null) keys.delete(zone);
      else keys.set(zone, dnskey(zoneKeyOf(new X509Certificate(certificate).publicKey)));
    },
    open: (trustAnchors) => {
      const isAnchored = (name: string): boolean => {
        const zone = zoneOf(name);
        const key = zone === undefined ? undefined : keys.get(zone);
        return zone !== undefined && key !== undefined && trustAnchors.includes(dsRecord(zone, key));
      };
      return {
        dnskeys: (zone) => {
          const key = keys.get(zone);
          return Promise.resolve(outcomeOf(key === undefined ? [] : [key], isAnchored(zone)));
        },
        srv: async (name, stop) => {
          const { status, records, ttlSeconds, reason = status } = await resolver.srv(name, stop);
          if (status === 'bogus') return { kind: 'bogus', reason };
          if (status === 'error') return { kind: 'failed', reason };
          return outcomeOf(records, isAnchored(name), ttlSeconds);
        },
        addresses: () => Promise.resolve(notHere),
        tlsa: null,
        close: () => undefined,
      };
    },
  };
}

const notHere: Outcome<never> = { kind: 'failed', reason: 'the table of zones knows SRV records and keys only' };

function outcomeOf<Found>(found: readonly Found[], secure: boolean, ttlSeconds = 300): Outcome<Found> {
  if (found.length === 0) return { kind: 'absent', secure, ttlSeconds };
  return { kind: 'found', found, secure, ttlSeconds, canonicalName: null };
}

/** RDATA of the DNSKEY record, as for a key signing key (RFC 4034 §2.1). */
function dnskey({ algorithms: [algorithm = 0], octets }: ZoneKey): Buffer {
  return Buffer.concat([Buffer.of(1, 1, 3, algorithm), octets]);
}
