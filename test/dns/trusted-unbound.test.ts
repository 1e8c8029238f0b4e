/**
 * A trusted resolver that is a real unbound in front of a real nsd, with zones that are signed here (RFC 4035 §4.9.3).
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTrustedResolver } from '../../src/adapters/dns/trusted-resolver.ts';
import type { Resolver } from '../../src/ports.ts';
import {
  assertAnswers,
  behaviours,
  DIGEST,
  type DnssecWorld,
  startDnssecWorld,
  worldMissing,
} from '../support/dnssec-world.ts';
import { startUnbound, type UnboundDaemon, unboundDaemonMissing } from '../support/unbound-daemon.ts';

const never = new AbortController().signal;
const skip = worldMissing ?? unboundDaemonMissing ?? false;

let world: DnssecWorld;
let taciturn: UnboundDaemon;
let talkative: UnboundDaemon;
const resolvers: Resolver[] = [];

before(async () => {
  if (skip !== false) return;
  world = await startDnssecWorld();
  const { stubs, anchor } = world;
  taciturn = await startUnbound({ stubs, trustAnchors: [anchor] });
  talkative = await startUnbound({ stubs, trustAnchors: [anchor], extendedErrors: true });
  for (const { address } of [taciturn, talkative]) resolvers.push(createTrustedResolver({ servers: [address] }));
});
after(async () => {
  if (skip !== false) return;
  await Promise.all([taciturn.stop(), talkative.stop(), world.stop()]);
});

for (const [behaviour, expected] of Object.entries(behaviours)) {
  test(`AD bit: ${behaviour}`, { skip }, async () => {
    for (const resolver of resolvers) await assertAnswers(resolver, expected, { reasons: false });
  });
}

test('AD bit: services, addresses and certificates come as they stand in the zone', { skip }, async () => {
  for (const resolver of resolvers) {
    const { records: services } = await resolver.srv('_xmpp-server._tcp.good.example', never);
    assert.deepEqual(
      [...services].sort((x, y) => x.priority - y.priority),
      [
        { priority: 10, weight: 5, port: 5269, target: 'xmpp.good.example' },
        { priority: 20, weight: 0, port: 5269, target: 'backup.elsewhere.example' },
      ],
    );
    assert.deepEqual((await resolver.addresses('xmpp.good.example', never)).records, [
      { family: 6, address: '2001:db8::1' },
      { family: 4, address: '192.0.2.1' },
    ]);
    const { records: certificates } = await resolver.tlsa('_5269._tcp.xmpp.good.example', never);
    assert.deepEqual(
      [...certificates].sort((x, y) => x.usage - y.usage),
      [
        { usage: 2, selector: 0, matching: 1, data: DIGEST.ca },
        { usage: 3, selector: 1, matching: 1, data: DIGEST.spki },
      ],
    );
  }
});

test('AD bit: an authoritative server is no resolver: it has nothing to vouch with', { skip }, async () => {
  const resolver = createTrustedResolver({ servers: [world.address] });
  for (const name of ['xmpp.good.example', 'nowhere.good.example']) {
    const { status, reason } = await resolver.addresses(name, never);
    assert.deepEqual([status, reason], ['error', 'the server does not resolve for us (RA is not set)']);
  }
});
