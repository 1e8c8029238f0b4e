import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import test from 'node:test';
import type { PoshCondition } from '../../src/protocol/posh-conditions.ts';
import { fingerprintMatches } from '../../src/protocol/posh.ts';
import { held } from '../support/https-client.ts';
import { answers, redirects, says, strangeAuthority, webAuthority, type Handler } from '../support/https-server.ts';
import { lists, ours, poshStage as stage, theirs } from '../support/posh-stage.ts';

const DAY_SECONDS = 86_400;

test('A8: a domain lists certificates at its well-known URL, one for each service (RFC 7711 §3.1, RFC 7712 §5.2)', async (t) => {
  const { web, clock, fetch } = await stage(t);
  web.serve('a.example', (request, response) =>
    lists(60, request.url?.includes('client') === true ? theirs : ours)(request, response),
  );
  const material = await fetch();
  assert.deepEqual(material, {
    fingerprints: [{ 'sha-512': ours.sha512, 'sha-256': ours.sha256 }],
    expiresAtMs: clock.now() + 60_000,
    url: 'https://a.example/.well-known/posh/xmpp-server.json',
  });
  assert.deepEqual([fingerprintMatches(material, ours), fingerprintMatches(material, theirs)], [true, false]);
  assert.ok(fingerprintMatches(await fetch('a.example', {}, 'xmpp-client'), theirs));
  assert.deepEqual(
    web.asked,
    ['server', 'client'].map((end) => `a.example /.well-known/posh/xmpp-${end}.json`),
  );
});

test('several certificates, as in a rollover: any of them matches (RFC 7711 §3.1)', async (t) => {
  const { web, fetch } = await stage(t);
  web.serve('a.example', lists(60, ours, theirs));
  const material = await fetch();
  assert.ok(fingerprintMatches(material, ours) && fingerprintMatches(material, theirs));
});

test('a reference leads to the document of the provider, which may stand anywhere (RFC 7711 §3.2)', async (t) => {
  const { web, fetch } = await stage(t);
  web.serve('a.example', says({ url: 'https://hosting.example/tenants/a.json', expires: 60 }));
  web.serve('hosting.example', lists());
  assert.equal((await fetch()).url, 'https://hosting.example/tenants/a.json');
  assert.deepEqual(web.asked, ['a.example /.well-known/posh/xmpp-server.json', 'hosting.example /tenants/a.json']);
});

test('a reference may redirect, and so may what it leads to (RFC 7711 §10)', async (t) => {
  const { web, fetch } = await stage(t);
  web.serve('a.example', redirects('https://www.a.example/posh'));
  web.serve('www.a.example', says({ url: 'https://b.example/1', expires: 60 }));
  web.serve('b.example', redirects('https://hosting.example/2', 308));
  web.serve('hosting.example', lists());
  assert.equal((await fetch()).url, 'https://hosting.example/2');
});

test('a reference to a reference is refused, also to itself (RFC 7711 §3.2)', async (t) => {
  const { web, outcome } = await stage(t);
  web.serve('a.example', says({ url: 'https://b.example/', expires: 60 }));
  web.serve('b.example', says({ url: 'https://c.example/', expires: 60 }));
  web.serve('c.example', lists());
  assert.equal(await outcome(), 'reference-to-reference');
  assert.equal(web.asked.length, 2, 'where it leads is not asked');
  web.serve('d.example', says({ url: 'https://d.example/.well-known/posh/xmpp-server.json', expires: 60 }));
  assert.equal(await outcome('d.example'), 'reference-to-reference');
});

test('of both `expires` the lower one counts, and a day at most (RFC 7711 §6)', async (t) => {
  const { web, secondsLeft } = await stage(t);
  const cases = [
    [100, 200, 100],
    [200, 100, 100],
    [10 * DAY_SECONDS, 10 * DAY_SECONDS, DAY_SECONDS],
    [1, 1, 1],
  ] as const;
  for (const [i, [reference, fingerprints, left]] of cases.entries()) {
    web.serve(`a${i}.example`, says({ url: 'https://b.example/', expires: reference }));
    web.serve('b.example', lists(fingerprints));
    assert.equal(await secondsLeft(`a${i}.example`), left);
  }
  web.serve('c.example', lists(99_999_999_999));
  assert.equal(await secondsLeft('c.example'), DAY_SECONDS);
});

test('`expires` 0 in either document makes the material invalid (RFC 7711 §3.1, §3.2)', async (t) => {
  const { web, outcome } = await stage(t);
  web.serve('a.example', lists(0));
  assert.equal(await outcome(), 'expires-zero');
  web.serve('b.example', says({ url: 'https://c.example/', expires: 0 }));
  web.serve('c.example', lists());
  assert.equal(await outcome('b.example'), 'expires-zero');
  assert.equal(web.asked.length, 2, 'a withdrawn reference is not followed');
  web.serve('d.example', says({ url: 'https://e.example/', expires: 60 }));
  web.serve('e.example', lists(0));
  assert.equal(await outcome('d.example'), 'expires-zero');
});

test('404 of the domain alone is "no POSH"; nothing else is (RFC 7711 §3)', async (t) => {
  const { web, outcome } = await stage(t);
  const good = says({ url: 'https://b.example/', expires: 60 });
  const cases: readonly (readonly [PoshCondition, Handler, Handler?])[] = [
    ['document-missing', answers(404)],
    ['document-missing', redirects('https://b.example/'), answers(404)],
    ['document-unavailable', good, answers(404)],
    ['document-unavailable', answers(410)],
    ['document-unavailable', answers(403)],
    ['document-unavailable', answers(500)],
    ['document-unavailable', answers(503)],
    ['document-unavailable', answers(304)],
    ['document-unavailable', good, answers(500)],
    ['document-invalid', answers(204)],
    ['document-invalid', says('<html>soft 404</html>')],
    ['document-invalid', says({ fingerprints: [], expires: 60 })],
    ['document-invalid', says({ url: 'http://b.example/', expires: 60 })],
    ['document-invalid', good, says('{')],
    ['no-known-hash', says({ fingerprints: [{ 'sha-1': 'AAAA' }], expires: 60 })],
    ['too-large', says('x'.repeat(65_537))],
    ['connection-closed', ({ socket }) => socket.destroy()],
    ['response-invalid', ({ socket }) => socket.end('no HTTP\r\n\r\n')],
    ['insecure-redirect', redirects('http://a.example/')],
    ['too-many-redirects', redirects('/again')],
    ['redirect-invalid', answers(302)],
    ['private-address', redirects('https://10.0.0.1/')],
    ['private-address', says({ url: 'https://169.254.169.254/latest/', expires: 60 })],
    ['no-address', redirects('https://nowhere.example/')],
  ];
  const local = await stage(t, { allowPrivate: (address) => address === '127.0.0.1' });
  for (const [condition, first, second] of cases) {
    const { web: where, outcome: told } = condition === 'private-address' ? local : { web, outcome };
    where.serve('a.example', first);
    if (second !== undefined) where.serve('b.example', second);
    assert.equal(await told('a.example', { fresh: true }), condition);
  }
  web.serve('a.example', lists(), strangeAuthority.issue({ dnsNames: ['a.example'] }));
  assert.equal(await outcome('a.example', { fresh: true }), 'web-certificate-untrusted');
  web.serve('a.example', says({ url: 'https://b.example/', expires: 60 }));
  web.serve('b.example', lists(), webAuthority.issue({ dnsNames: ['a.example'] }));
  assert.equal(await outcome('a.example', { fresh: true }), 'web-certificate-name-mismatch');
  assert.equal(await outcome('nowhere.example'), 'no-address');
  web.resolver.set('c.example', { status: 'bogus', reason: 'the test says so' });
  assert.equal(await outcome('c.example'), 'address-bogus');
});

test('private addresses are refused unless that is configured', async (t) => {
  const { web, outcome } = await stage(t, { allowPrivate: false });
  web.serve('a.example', lists());
  assert.equal(await outcome(), 'private-address');
  assert.equal(web.connections, 0);
});

test('what is no domain is not asked for', async (t) => {
  const { outcome } = await stage(t);
  for (const domain of ['', 'A.example', 'a.example.', 'a.example/x', 'me@a.example', 'a.example:8443', '..'])
    assert.equal(await outcome(domain), 'url-invalid', domain);
});

test('a reference takes no second turn: one turn is enough for both documents', async (t) => {
  const { web, outcome } = await stage(t, { maxTurns: 1, maxWaiting: 0 });
  web.serve('a.example', says({ url: 'https://b.example/', expires: 60 }));
  web.serve('b.example', lists());
  assert.equal(await outcome(), 'found');
});

test('both documents share the ten seconds', async (t) => {
  const { web, clock, outcome } = await stage(t);
  const [first, second] = [held(), held()];
  web.serve('a.example', first.handler);
  web.serve('b.example', second.handler);
  const told = outcome();
  const response: ServerResponse = await first.reached;
  await clock.advance(6_000);
  response.end(JSON.stringify({ url: 'https://b.example/', expires: 60 }));
  await second.reached;
  await clock.advance(4_000);
  assert.equal(await told, 'timeout');
});

test('after closing nothing is fetched', async (t) => {
  const { source, outcome } = await stage(t);
  source.close();
  assert.equal(await outcome(), 'cancelled');
});
