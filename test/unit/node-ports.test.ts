/** The real ports as a whole: which certificate is presented in a handshake. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { createNodePorts } from '../../src/node-ports.ts';
import type { ConnectionEvents } from '../../src/ports.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const nothing: ConnectionEvents = {
  connected: () => undefined,
  data: () => undefined,
  secured: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

function namesShown(port: number, servername: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subjectaltname);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('T3: STARTTLS shows the certificate of the SNI name, else of the stream to, else the first (RFC 6120 §13.7.1)', async () => {
  const authority = createCertificateAuthority({ name: 'Of these tests' });
  const ports = createNodePorts({
    hosts: {
      'a.example': authority.issue({ dnsNames: ['a.example'] }),
      'b.example': authority.issue({ dnsNames: ['b.example'] }),
    },
    trust: { system: false, anchors: [authority.certPem] },
    dns: { servers: ['127.0.0.1@53999'] },
  });
  const cases = [
    ['b.example', 'xmpp.hoster.example', 'DNS:b.example'],
    ['b.example', 'a.example', 'DNS:a.example'],
    ['stranger.example', 'xmpp.hoster.example', 'DNS:a.example'],
    [null, 'xmpp.hoster.example', 'DNS:a.example'],
  ] as const;
  for (const [streamTo, serverName, shown] of cases) {
    const where = { address: '127.0.0.1', port: 0, tls: 'starttls' as const };
    const listening = await ports.network.listen(where, ({ connection }) => {
      connection.startTlsServer({ streamTo });
      return nothing;
    });
    try {
      assert.equal(await namesShown(listening.port, serverName), shown, `to ${streamTo}, SNI ${serverName}`);
    } finally {
      await listening.close();
    }
  }
  ports.close();
});

test('a domain without a certificate of its own shows that of its parent, not that of the first host; an unknown one the first', async () => {
  const authority = createCertificateAuthority({ name: 'Of these tests' });
  const ports = createNodePorts({
    hosts: {
      'a.example': authority.issue({ dnsNames: ['a.example'] }),
      'b.example': authority.issue({ dnsNames: ['b.example'] }),
      'comp.b.example': null,
    },
    trust: { system: false, anchors: [authority.certPem] },
    dns: { servers: ['127.0.0.1@53999'] },
  });
  const where = { address: '127.0.0.1', port: 0, tls: 'direct' as const };
  const listening = await ports.network.listen(where, () => nothing);
  try {
    const shown = await Promise.all(
      ['a.example', 'comp.b.example', 'stranger.example'].map((name) => namesShown(listening.port, name)),
    );
    assert.deepEqual(shown, ['DNS:a.example', 'DNS:b.example', 'DNS:a.example']);
  } finally {
    await listening.close();
  }
});
