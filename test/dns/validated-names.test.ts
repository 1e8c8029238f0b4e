/**
 * The DNSSEC status of a name decides whom we believe, and whether we connect at all: real nsd, libunbound, TCP and
 * TLS.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts, type NodePorts } from '../../src/node-ports.ts';
import type { Credential } from '../../src/ports.ts';
import type { Delivery } from '../../src/routing/types.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { type Nsd, nsdMissing, startNsd } from '../support/nsd.ts';
import { signingMissing, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;
const authority = createCertificateAuthority({ name: 'Of these tests' });
/** The hoster serves all of its tenants with a certificate that names only its own host. */
const HOSTER = 'xmpp.hoster.example';
const TENANTS = ['signed.example', 'unsigned.example'];

const zone = (name: string, records: string): string => `$ORIGIN ${name}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
${records}
`;

/** A place where nobody should ever connect. */
const trap = createServer((socket) => {
  visits += 1;
  socket.destroy();
});
let visits = 0;
let nsd: Nsd;
let hoster: Provider;
let sender: Provider;

interface Provider {
  readonly manager: ConnectionManager;
  readonly ports: NodePorts;
}

async function startProvider(
  hosts: Readonly<Record<string, Credential>>,
  dns: Parameters<typeof createNodePorts>[0]['dns'] = {},
): Promise<Provider> {
  const ports = createNodePorts({ hosts, trust: { system: false, anchors: [authority.certPem] }, dns });
  const manager = new ConnectionManager({ hosts, listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }] }, ports);
  manager.stanzas$.subscribe(() => undefined);
  await manager.start();
  return { manager, ports };
}

before(async () => {
  if (skip !== false) return;
  trap.listen(0, '127.0.0.1');
  await once(trap, 'listening');
  const served = authority.issue({ dnsNames: [HOSTER] });
  hoster = await startProvider(Object.fromEntries(TENANTS.map((tenant) => [tenant, served])), {
    servers: ['127.0.0.1@1'],
  });
  const port = hoster.manager.listening[0]?.port ?? 0;
  const trapPort = (trap.address() as AddressInfo).port;
  const srv = (to: number): string => `_xmpp-server._tcp SRV 0 0 ${to} ${HOSTER}.`;
  const signed = signZone('signed.example', zone('signed.example', srv(port)));
  const late = signZone('late.example', zone('late.example', srv(trapPort)), { expired: true });
  const lateHost = signZone('late-host.example', zone('late-host.example', `xmpp A 127.0.0.1`), { expired: true });
  const target = `_xmpp-server._tcp SRV 0 0 ${trapPort} xmpp.late-host.example.`;
  const parent = signZone(
    'example',
    zone(
      'example',
      [
        ...['signed', 'unsigned', 'late', 'late-host', 'led-astray'].map((name) => `${name} NS ns`),
        ...[signed, late, lateHost].map(({ ds }) => ds),
        'xmpp.hoster A 127.0.0.1',
      ].join('\n'),
    ),
  );
  nsd = await startNsd({
    example: parent.text,
    'signed.example': signed.text,
    'unsigned.example': zone('unsigned.example', srv(port)),
    'late.example': late.text,
    'late-host.example': lateHost.text,
    'led-astray.example': zone('led-astray.example', target),
  });
  sender = await startProvider(
    { 'a.test': authority.issue({ dnsNames: ['a.test'] }) },
    { validator: 'libunbound', stubs: { example: nsd.address }, trustAnchors: [parent.ds] },
  );
});

after(async () => {
  if (skip !== false) return;
  await Promise.all([sender, hoster].map(({ manager }) => manager.stop()));
  for (const { ports } of [sender, hoster]) ports.close();
  await nsd.stop();
  trap.close();
});

const sendTo = (domain: string): Promise<Delivery> =>
  sender.manager.send(xml('message', { from: 'juliet@a.test', to: `romeo@${domain}` }, xml('body', {}, 'hello')));

test(
  'A7: the target of a signed SRV is a name that the certificate may show instead of the domain (RFC 6125 §2.1)',
  { skip },
  async () => {
    assert.equal((await sendTo('signed.example')).outcome, 'sent');
  },
);

test(
  'A7: that of an unsigned SRV is not: whoever writes the zone on the way would choose the certificate',
  { skip },
  async () => {
    const delivery = await sendTo('unsigned.example');
    assert.equal(delivery.outcome === 'returned' ? delivery.fault.condition : delivery.outcome, 'name-mismatch');
  },
);

test(
  'S4: a bogus answer leads to no connection, be it of the service or of the host (RFC 7673 §3.1, §3.2)',
  { skip },
  async () => {
    for (const domain of ['late.example', 'led-astray.example']) {
      const delivery = await sendTo(domain);
      assert.equal(delivery.outcome, 'returned', domain);
      const { layer, condition, origin, text } = delivery.fault;
      assert.deepEqual([layer, condition, origin], ['dns', 'bogus', 'dns']);
      assert.match(text ?? '', /signature expired/, domain);
    }
    assert.equal(visits, 0);
  },
);
