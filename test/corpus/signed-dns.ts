/** The DNS of b.example as its operator would run it: signed, served by a real nsd, and validated by libunbound. */
import { createValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import type { Resolver } from '../../src/ports.ts';
import { formatTlsa, type TlsaRecord } from '../../src/protocol/tlsa.ts';
import { startDnsRelay } from '../support/dns-relay.ts';
import { worldMissing } from '../support/dnssec-world.ts';
import { startNsd } from '../support/nsd.ts';
import { signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';
import { B, type Stage } from './stage.ts';

/** Why it is not available here, or null when it is. */
export const signedDnsMissing: string | null = worldMissing ?? unboundMissing;

const PARENT = 'example';

export interface SignedDnsOptions {
  /** The TLSA records of the server at `port`. @defaultValue none */
  readonly tlsa?: readonly TlsaRecord[];
  /** False: the parent proves that b.example has no DS. @defaultValue true */
  readonly isSigned?: boolean;
  /** Changes the zone after it was signed. */
  readonly spoil?: (text: string) => string;
  /** The name server does not answer queries for records of this type. @defaultValue it always answers */
  readonly silentFor?: 'SRV' | 'TLSA';
}

export interface SignedDns {
  /** It trusts the zone above b.example. */
  readonly resolver: Resolver;
  /** Resolves when the name server has received a query and left it unanswered. */
  readonly unanswered: () => Promise<void>;
}

/** b.example is served by xmpp.b.example at `port`. */
export async function signedDns(stage: Stage, port: number, options: SignedDnsOptions = {}): Promise<SignedDns> {
  const { tlsa = [], isSigned = true, spoil = (text: string): string => text, silentFor } = options;
  const plain = zone(B, [
    'xmpp A 127.0.0.1',
    `_xmpp-server._tcp SRV 0 0 ${port} xmpp`,
    ...tlsa.map((record) => `_${port}._tcp.xmpp TLSA ${formatTlsa(record)}`),
  ]);
  const { text, ds } = isSigned ? signZone(B, plain) : { text: plain, ds: '' };
  const parent = signZone(PARENT, zone(PARENT, [`${B}. NS ns`, ds]));
  const nsd = await startNsd({ [PARENT]: parent.text, [B]: spoil(text) });
  stage.atEnd(() => nsd.stop());
  let hasKeptSilent = false;
  const relay = await startDnsRelay(nsd.port, ({ type }) => {
    if (type !== silentFor) return 'answered';
    hasKeptSilent = true;
    stage.changed();
    return 'dropped';
  });
  stage.atEnd(() => relay.close());
  const resolver = createValidatingResolver({
    stubs: { [PARENT]: relay.address, [B]: relay.address },
    trustAnchors: [parent.ds],
    clock: stage.clock,
  });
  stage.atEnd(() => resolver.close());
  const unanswered = (): Promise<void> =>
    stage.until(
      () => hasKeptSilent,
      () => `a question that is left without an answer, of ${relay.asked.join(', ')}`,
    );
  return { resolver, unanswered };
}

const zone = (name: string, records: readonly string[]): string => `$ORIGIN ${name}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
${records.join('\n')}
`;
