/** Broken set-ups, from the name to the end of the TLS handshake: check names the cause and the fix. */
import assert from 'node:assert/strict';
import type { ConnectionEvents, Connection, Ports } from '../../src/ports.ts';
import { assertDiagnosed, authority, checkedAt, checking, DOMAIN, good } from '../support/check-stage.ts';

// ——— names

checking('no SRV record and no address (RFC 6120 §3.2.2)', async ({ check }) => {
  assertDiagnosed(await check(), {
    cause: 'no-srv-no-address',
    fault: 'dns no-address dns',
    because: /neither SRV records nor an address/,
    fix: /_xmpp-server\._tcp\.b\.example\. SRV 0 0 5269/,
  });
});

checking('an SRV target of "." (RFC 2782)', async ({ dns, check }) => {
  dns.set('_xmpp-server._tcp.b.example', [{ type: 'SRV', target: '.', port: 0 }]);
  dns.set(DOMAIN, [{ type: 'A', address: '127.0.0.1' }]);
  assertDiagnosed(await check(), {
    cause: 'service-declined',
    fault: 'dns service-absent dns',
    because: /publishes that it has no such XMPP service/,
    fix: /publish its host instead of the "\."/,
  });
});

checking('an SRV target without an address (RFC 6120 §3.2.1)', async ({ dns, check }) => {
  dns.set('_xmpp-server._tcp.b.example', [{ type: 'SRV', target: 'gone.b.example', port: 5269 }]);
  assertDiagnosed(await check(), {
    cause: 'target-without-address',
    fault: 'dns no-address dns',
    because: /gone\.b\.example/,
    fix: /an A or AAAA record/,
  });
});

checking('an SRV target that is an IP address (RFC 2782)', async ({ dns, check }) => {
  dns.set('_xmpp-server._tcp.b.example', [{ type: 'SRV', target: '127.0.0.1', port: 5269 }]);
  assertDiagnosed(await check(), {
    cause: 'srv-target-invalid',
    fault: 'dns lookup-failed dns',
    because: /name no usable host: they have an IP address/,
    fix: /is the name of a host/,
  });
});

checking('a name server that fails (RFC 7672 §2.1)', async ({ dns, check }) => {
  dns.fail('_xmpp-server._tcp.b.example', 'servfail');
  assertDiagnosed(await check(), {
    cause: 'dns-server-failed',
    fault: 'dns lookup-failed dns',
    because: /SERVFAIL/,
    fix: /log of the name servers/,
  });
});

checking('a name server that says nothing: silence is not absence (RFC 7673 §3.1)', async ({ dns, check }) => {
  dns.fail('_xmpp-server._tcp.b.example', 'silent');
  assertDiagnosed(await check(), {
    cause: 'dns-silent',
    fault: 'dns srv-timeout dns',
    because: /not the same as "there is none"/,
    fix: /answer over UDP and over TCP/,
  });
});

checking('no name server at all', async ({ check }) => {
  const { verdict } = await check({}, { dns: { servers: ['127.0.0.1@1'] } });
  assert.equal(verdict.cause, 'dns-unreachable', verdict.explanation);
  assert.match(verdict.fix ?? '', /dns\.servers/);
});

// ——— TCP

checking('nothing listens at the port', async ({ serve, check }) => {
  const end = await serve();
  await end.close();
  assertDiagnosed(await check(), {
    cause: 'connection-refused',
    fault: 'tcp connection-refused peer',
    because: new RegExp(`Nothing listens at xmpp\\.b\\.example port ${end.port}`),
    fix: /Start the server/,
  });
});

checking('packets are dropped on the way', async ({ dns, serve, check: _ }) => {
  await serve();
  // A firewall that drops packets: the SYN is never answered.
  const filtered = (ports: Ports): Ports => ({
    ...ports,
    network: {
      ...ports.network,
      connect: (_options, _events: ConnectionEvents): Connection => ({
        remoteAddress: '127.0.0.1',
        bufferedBytes: 0,
        writable: true,
        write: () => undefined,
        cork: () => undefined,
        uncork: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
        startTlsClient: () => undefined,
        startTlsServer: () => undefined,
        end: () => undefined,
        destroy: () => undefined,
      }),
    },
  });
  assertDiagnosed(await checkedAt({ dns: { servers: [dns.address] } }, {}, filtered), {
    cause: 'connection-filtered',
    fault: 'tcp connect-timeout peer',
    because: /does not answer at all/,
    fix: /Open TCP port \d+ .* firewall/,
  });
});

checking('a server that takes the connection and closes it', async ({ serve, check }) => {
  await serve({ closes: true });
  const { verdict } = await check();
  assert.equal(verdict.cause, 'closed-at-once', verdict.explanation);
  assert.match(verdict.explanation, /without a word/);
  assert.match(verdict.fix ?? '', /access lists/);
});

checking('a server that takes the connection and says nothing', async ({ serve, check }) => {
  await serve({ silent: true });
  assertDiagnosed(await check(), {
    cause: 'silent-server',
    fault: 'stream header-timeout peer',
    because: /said nothing in time/,
    fix: /name for direct TLS/,
  });
});

// ——— who is there

checking('a web server at the port', async ({ serve, check }) => {
  await serve({ banner: 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n' });
  const { verdict } = await check();
  assert.equal(verdict.cause, 'http-server', verdict.explanation);
  assert.equal(verdict.fault?.layer, 'xml');
  assert.match(verdict.explanation, /web server: it answered "HTTP\/1\.1 400 Bad Request"/);
  assert.match(verdict.fix ?? '', /port of the XMPP server/);
});

checking('another server at the port', async ({ serve, check }) => {
  await serve({ banner: '220 mail.b.example ESMTP\r\n' });
  const { verdict } = await check();
  assert.equal(verdict.cause, 'not-xmpp', verdict.explanation);
  assert.match(verdict.explanation, /220 mail\.b\.example/);
});

checking('a port for TLS from the first byte, published for STARTTLS (XEP-0368 §3)', async ({ dns, serve, check }) => {
  const end = await serve({ tls: 'direct' }, false);
  dns.serve(DOMAIN, { port: end.port, target: 'xmpp.b.example' });
  const { verdict } = await check();
  assert.equal(verdict.cause, 'starttls-on-direct-port', verdict.explanation);
  assert.match(verdict.fix ?? '', /under _xmpps-server\._tcp\.b\.example/);
});

checking('a port for STARTTLS, published for TLS from the first byte (XEP-0368 §3)', async ({ dns, serve, check }) => {
  const end = await serve({ banner: `<?xml version='1.0'?><stream:error/>` }, false);
  dns.serve(DOMAIN, { directTlsPort: end.port, target: 'xmpp.b.example' });
  assertDiagnosed(await check(), {
    cause: 'direct-on-starttls-port',
    fault: 'tls handshake-failed peer',
    because: /published for TLS from the first byte, but does not speak it/,
    fix: /under _xmpp-server\._tcp\.b\.example/,
  });
});

checking('the domain is not served there (RFC 6120 §4.9.3.6)', async ({ serve, check }) => {
  await serve({ streamError: 'host-unknown' });
  assertDiagnosed(await check(), {
    cause: 'domain-not-served',
    fault: 'stream host-unknown peer',
    because: /does not serve b\.example/,
    fix: /Add b\.example to the hosts/,
  });
});

checking('the far end does not talk to us (RFC 6120 §4.9.3.14)', async ({ serve, check }) => {
  await serve({ streamError: 'policy-violation' });
  assertDiagnosed(await check(), {
    cause: 'we-are-refused',
    fault: 'stream policy-violation peer',
    because: /does not talk to a\.example/,
    fix: /--from/,
  });
});

checking('the far end has no room now (RFC 6120 §4.9.3.17)', async ({ serve, check }) => {
  await serve({ streamError: 'resource-constraint' });
  assertDiagnosed(await check(), {
    cause: 'far-end-overloaded',
    fault: 'stream resource-constraint peer',
    fix: /Try again later/,
  });
});

checking('our own policy denies the domain: nothing is dialled (P2)', async ({ serve, check }) => {
  const end = await serve();
  assertDiagnosed(await check({ policy: { deny: ['example'] } }), {
    cause: 'denied-here',
    fault: 'policy policy-violation local',
    because: /Our own policy forbids b\.example/,
    fix: /policy\.deny/,
  });
  assert.equal(end.connections, 0);
});

// ——— TLS

checking('no STARTTLS on offer (RFC 7590 §3.1)', async ({ serve, check }) => {
  await serve({ startTls: 'absent' });
  assertDiagnosed(await check(), {
    cause: 'starttls-not-offered',
    fault: 'tls starttls-refused peer',
    because: /does not offer STARTTLS/,
    fix: /switch TLS on/,
  });
});

checking('no STARTTLS on offer, and no answer to it', async ({ serve, check }) => {
  await serve({ startTls: 'ignored' });
  assertDiagnosed(await check(), {
    cause: 'starttls-not-offered',
    fault: 'tls proceed-timeout peer',
    fix: /removed the offer/,
  });
});

checking('STARTTLS is offered and then refused (RFC 6120 §5.4.2.2)', async ({ serve, check }) => {
  await serve({ startTls: 'refused' });
  assertDiagnosed(await check(), {
    cause: 'starttls-refused',
    fault: 'tls starttls-refused peer',
    because: /offers STARTTLS and then refuses it/,
    fix: /cannot be loaded/,
  });
});

checking('TLS 1.1 and nothing newer (RFC 9325 §3.1.1)', async ({ serve, check }) => {
  await serve({ maxVersion: 'TLSv1.1' });
  assertDiagnosed(await check(), {
    cause: 'tls-too-old',
    fault: 'tls no-shared-protocol peer',
    because: /at least 1\.2 is required/,
    fix: /TLS 1\.2 and 1\.3/,
  });
});

checking('TLS 1.2, where the policy wants 1.3 (T6)', async ({ serve, check }) => {
  await serve({ maxVersion: 'TLSv1.2' });
  assertDiagnosed(await check({ policy: { minTls: '1.3' } }), {
    cause: 'tls-too-old',
    fault: 'tls no-shared-protocol peer',
    because: /at least 1\.3 is required/,
    fix: /set minTls to "1\.2"/,
  });
});

checking('a server without a certificate cannot shake hands', async ({ serve, check }) => {
  await serve({ credential: null });
  const { verdict } = await check();
  assert.equal(verdict.fault?.layer, 'tls');
  assert.equal(verdict.cause, 'handshake-refused', verdict.explanation);
  assert.match(verdict.explanation, /it has no certificate that it could show/);
});

// ——— how the far end judges us

const authentication = {
  credential: authority.issue({ dnsNames: ['a.example'] }),
  dialbackSecret: 'sixteen or more characters',
};

checking('no method is on offer to us (XEP-0178 §3)', async ({ serve, check }) => {
  await serve({ dialback: null });
  assertDiagnosed(await check({ authentication }), {
    cause: 'no-method-for-us',
    fault: 'sasl no-method-offered peer',
    because: /offers a\.example no way to prove itself/,
    fix: /Our certificate has to satisfy it/,
  });
});

checking('our certificate is refused, and dialback is not offered (RFC 6120 §6.5)', async ({ serve, check }) => {
  await serve({ external: 'refused', dialback: null });
  assertDiagnosed(await check({ authentication }), {
    cause: 'we-are-not-believed',
    fault: 'sasl not-authorized peer',
    because: /did not accept our certificate for a\.example/,
    fix: /xmpp-dna check a\.example/,
    verdict: 'refuted',
  });
});

checking('dialback alone would do, and no secret is known', async ({ serve, check }) => {
  await serve();
  assertDiagnosed(await check({ authentication: { ...authentication, dialbackSecret: null } }), {
    cause: 'no-dialback-secret',
    fault: 'dialback no-secret local',
    fix: /Set dialback\.secret/,
  });
});

checking('our own server disowns the key (XEP-0220 §2.1)', async ({ serve, check }) => {
  await serve({ dialback: 'invalid' });
  assertDiagnosed(await check({ authentication }), {
    cause: 'key-disowned',
    fault: 'dialback invalid peer',
    because: /did not know our dialback key/,
    fix: /the same dialback\.secret on every server/,
    verdict: 'refuted',
  });
});

checking('our own domain cannot be found by the far end (XEP-0220 §2.5)', async ({ serve, check }) => {
  await serve({ dialback: 'error remote-server-not-found' });
  assertDiagnosed(await check({ authentication }), {
    cause: 'we-cannot-be-found',
    fault: 'dialback remote-server-not-found peer',
    because: /cannot find a server for a\.example/,
    fix: /Publish where a\.example is served/,
  });
});

checking('our own server cannot be reached by the far end (XEP-0220 §2.5)', async ({ serve, check }) => {
  await serve({ dialback: 'error remote-connection-failed' });
  assertDiagnosed(await check({ authentication }), {
    cause: 'we-cannot-be-reached',
    fault: 'dialback remote-connection-failed peer',
    fix: /reached from outside/,
  });
});

checking('the far end wants more than dialback (XEP-0220 §2.5)', async ({ serve, check }) => {
  await serve({ dialback: 'error policy-violation', credential: good });
  assertDiagnosed(await check({ authentication }), {
    cause: 'dialback-refused',
    fault: 'dialback policy-violation peer',
    fix: /more than dialback/,
  });
});
