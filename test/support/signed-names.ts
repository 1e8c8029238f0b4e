/**
 * The names of providers under test, in zones of every kind: signed with NSEC and with NSEC3, not signed, with expired
 * signatures, and one that nobody serves. A real nsd serves them; the queries are recorded.
 */
import assert from 'node:assert/strict';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { formatTlsa, tlsaFor } from '../../src/protocol/tlsa.ts';
import type { NodePortsOptions } from '../../src/node-ports.ts';
import { startDnsRelay } from './dns-relay.ts';
import { nsdMissing, startNsd } from './nsd.ts';
import { signingMissing, signZone } from './signed-zone.ts';
import { unboundMissing } from './unbound.ts';

/** Why such names cannot be served or validated here; false when they can: `test(name, { skip: namesMissing }, …)`. */
export const namesMissing: string | false = nsdMissing ?? signingMissing ?? unboundMissing ?? false;

export const ZONES = ['signed.example', 'hashed.example', 'open.example', 'late.example'] as const;
/** Its server answers with SERVFAIL. */
export const LAME = 'lame.example';

export interface SignedNames {
  /** libunbound, which trusts these zones. */
  readonly dns: Required<Pick<NonNullable<NodePortsOptions['dns']>, 'validator' | 'stubs' | 'trustAnchors'>>;
  /** The DS record that is the root of trust. */
  readonly anchor: string;
  /** The name server, `127.0.0.1@PORT`. */
  readonly address: string;
  /** The queries that the name server received: `TLSA _5269._tcp.xmpp.signed.example`, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

/** Serves `records`: lines of master files with fully qualified owner names, each in the zone that it belongs to. */
export async function startSignedNames(records: readonly string[]): Promise<SignedNames> {
  const stray = records.find((line) => !ZONES.some((zone) => isIn(zone, line)));
  assert.equal(stray, undefined, 'a record of none of the zones');
  const texts = ZONES.map((zone) =>
    zoneText(
      zone,
      records.filter((line) => isIn(zone, line)),
    ),
  );
  const [signed, hashed, open, late] = texts.map((text, i) => {
    if (ZONES[i] === 'open.example') return { text, ds: '' };
    return signZone(ZONES[i] ?? '', text, {
      nsec3: ZONES[i] === 'hashed.example',
      expired: ZONES[i] === 'late.example',
    });
  });
  const zones = [signed, hashed, open, late].map((zone) => zone ?? { text: '', ds: '' });
  const delegations = [...ZONES, LAME].map((zone) => `${zone}. NS ns.example.`);
  const parent = signZone('example', zoneText('example', [...delegations, ...zones.map(({ ds }) => ds)]));
  const nsd = await startNsd({
    example: parent.text,
    ...Object.fromEntries(ZONES.map((zone, i) => [zone, zones[i]?.text ?? ''])),
  });
  const relay = await startDnsRelay(nsd.port, ({ name }) => (`.${name}`.endsWith(`.${LAME}`) ? 'failed' : 'answered'));
  return {
    dns: {
      validator: 'libunbound',
      stubs: { example: relay.address, [LAME]: relay.address },
      trustAnchors: [parent.ds],
    },
    anchor: parent.ds,
    address: relay.address,
    asked: relay.asked,
    stop: async () => {
      await relay.close();
      await nsd.stop();
    },
  };
}

/** The TLSA data `usage selector matching …` of a certificate. */
export function tlsaData(der: Uint8Array, usage: number, selector: number, matching: number): string {
  const parts = certificateParts(der);
  assert.ok(parts);
  return formatTlsa(tlsaFor(parts, { usage, selector, matching }));
}

const isIn = (zone: string, line: string): boolean => line.split(' ', 1)[0]?.endsWith(`.${zone}.`) === true;

const zoneText = (zone: string, records: readonly string[]): string => `$ORIGIN ${zone}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
${records.join('\n')}
`;
