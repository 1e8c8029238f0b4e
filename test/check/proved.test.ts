/** The output of check where everything is correct. */
import assert from 'node:assert/strict';
import { authority, checking, DOMAIN, good, LOCAL } from '../support/check-stage.ts';

const STANZAS = ['message', 'presence', 'iq'];

checking(
  'every step to the proof is told, in the order of the flow chart (RFC 7712 §4.2)',
  async ({ serve, check }) => {
    const end = await serve({ external: 'accepted' });
    const { verdict, steps } = await check();
    assert.deepEqual(
      { ...verdict, explanation: '' },
      {
        domain: DOMAIN,
        service: 'xmpp-server',
        verdict: 'proved',
        prooftype: 'pkix',
        isJudged: true,
        federation: 'authenticated',
        fault: null,
        cause: null,
        explanation: '',
        fix: null,
      },
    );
    assert.deepEqual(
      steps.map(({ state, outcome }) => `${state} ${outcome}`),
      [
        'dnsResolution insecure',
        'dnsResolution nodata-insecure',
        'dnsResolution insecure',
        'connecting done',
        'streamHeaders done',
        'tlsNegotiation done',
        'association undetermined',
        'association proved',
        'streamHeaders done',
        'authentication skipped',
      ],
    );
    assert.deepEqual(
      [end.sni, end.alpn, end.header['from'], end.header['to']],
      [DOMAIN, ['xmpp-server'], LOCAL, DOMAIN],
    );
    assert.ok(!end.heard.some((name) => STANZAS.includes(name)));
    assert.ok(!end.heard.includes('auth') && !end.heard.includes('db:result'), 'nothing to show, nothing claimed');
  },
);

const ours = authority.issue({ dnsNames: [LOCAL] });
const authentication = { credential: ours, dialbackSecret: 'sixteen or more characters' };

checking('with a certificate of ours the far end is asked to accept us (SASL EXTERNAL)', async ({ serve, check }) => {
  const end = await serve({ external: 'accepted' });
  const { verdict, steps } = await check({ authentication });
  assert.equal(verdict.verdict, 'proved', verdict.explanation);
  assert.match(verdict.explanation, /lets a\.example send/);
  assert.deepEqual(
    steps.filter(({ state }) => state === 'authentication').map(({ outcome }) => outcome),
    ['accepted'],
  );
  assert.ok(!end.heard.some((name) => STANZAS.includes(name)));
});

checking('what EXTERNAL does not give, dialback may (XEP-0178 §3)', async ({ serve, check }) => {
  await serve({ external: 'refused' });
  const { verdict, steps } = await check({ authentication });
  assert.equal(verdict.verdict, 'proved', verdict.explanation);
  assert.deepEqual(
    steps
      .filter(({ state }) => state === 'authentication')
      .map(({ outcome, evidence }) => [outcome, evidence['method']]),
    [
      ['refused', 'SASL EXTERNAL'],
      ['accepted', 'dialback'],
    ],
  );
});

checking(
  'a further target is tried where the first does not prove the domain (RFC 6120 §3.2.1)',
  async ({ dns, serve, check }) => {
    const other = await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) }, false);
    const right = await serve({}, false);
    dns.set('_xmpp-server._tcp.b.example', [
      { type: 'SRV', target: 'one.b.example', port: other.port, priority: 1 },
      { type: 'SRV', target: 'two.b.example', port: right.port, priority: 2 },
    ]);
    for (const host of ['one.b.example', 'two.b.example']) dns.set(host, [{ type: 'A', address: '127.0.0.1' }]);
    const { verdict } = await check();
    assert.equal(verdict.verdict, 'proved', verdict.explanation);
    assert.match(verdict.explanation, /two\.b\.example/);
    assert.equal(other.connections, 1);
  },
);

checking('the federation is what was found: dialback under TLS is encrypted (XEP-0238)', async ({ serve, check }) => {
  await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) });
  const { verdict } = await check({ policy: { federation: 'encrypted' } });
  assert.deepEqual([verdict.verdict, verdict.prooftype, verdict.federation], ['proved', 'dialback', 'encrypted']);
});

checking('permissive federation proves nothing where there is nothing (XEP-0238)', async ({ serve, check }) => {
  await serve({ credential: authority.issue({ dnsNames: ['other.example'] }), dialback: null, external: 'absent' });
  const { verdict } = await check({ policy: { federation: 'permissive' } });
  assert.deepEqual([verdict.verdict, verdict.prooftype, verdict.federation], ['refuted', null, 'permissive']);
});

checking(
  'permissive federation without dialback proves nothing by it, though it is offered',
  async ({ serve, check }) => {
    await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) });
    const { verdict } = await check({ policy: { federation: 'permissive', prooftypes: ['pkix'] }, authentication });
    assert.deepEqual([verdict.verdict, verdict.prooftype, verdict.federation], ['refuted', null, 'permissive']);
  },
);

checking(
  'as a client: names, port, ALPN and namespace of clients, and the end after the proof (RFC 7712 §3)',
  async ({ dns, serve, check }) => {
    const end = await serve({ contentNamespace: 'jabber:client', dialback: null }, false);
    dns.set('_xmpp-client._tcp.b.example', [{ type: 'SRV', target: 'xmpp.b.example', port: end.port }]);
    dns.set('xmpp.b.example', [{ type: 'A', address: '127.0.0.1' }]);
    const { verdict, steps } = await check({ service: 'xmpp-client', local: '' });
    assert.deepEqual(
      [verdict.service, verdict.verdict, verdict.prooftype],
      ['xmpp-client', 'proved', 'pkix'],
      verdict.explanation,
    );
    assert.equal(steps.at(-1)?.state, 'association');
    assert.deepEqual([end.sni, end.alpn], [DOMAIN, ['xmpp-client']]);
    assert.deepEqual(
      [end.header['xmlns'], end.header['from'], end.header['xmlns:db']],
      ['jabber:client', undefined, undefined],
    );
    // The second header is needed to send a closing tag; the client flow ends here.
    assert.deepEqual(end.heard, ['stream', 'starttls', 'stream']);
  },
);

checking('a client goes where the DNS says: a fixed target is that of servers', async ({ dns, serve, check }) => {
  const end = await serve({ contentNamespace: 'jabber:client', dialback: null }, false);
  const servers = await serve({}, false);
  dns.set('_xmpp-client._tcp.b.example', [{ type: 'SRV', target: 'xmpp.b.example', port: end.port }]);
  dns.set('xmpp.b.example', [{ type: 'A', address: '127.0.0.1' }]);
  const target = { host: '127.0.0.1', port: servers.port, tls: 'starttls' } as const;
  const policy = { domains: { [DOMAIN]: { target } } };
  const { verdict } = await check({ service: 'xmpp-client', local: '', policy });
  assert.equal(verdict.verdict, 'proved', verdict.explanation);
  assert.equal(servers.connections, 0);
});

checking('TLS from the first byte (XEP-0368)', async ({ serve, check }) => {
  await serve({ tls: 'direct', credential: good });
  const { verdict, steps } = await check();
  assert.equal(verdict.verdict, 'proved', verdict.explanation);
  assert.equal(steps.find(({ state }) => state === 'connecting')?.evidence['tls'], 'direct');
});
