import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import test from 'node:test';
import { createHttpsClient } from '../../src/adapters/https/client.ts';
import type { Credential, LookUpOptions, Resolver } from '../../src/ports.ts';
import type { HttpsCondition } from '../../src/protocol/posh-conditions.ts';
import { clientStage as stage, never } from '../support/https-client.ts';
import { answers, redirects, says, startWeb, strangeAuthority, webAuthority } from '../support/https-server.ts';
import { freePort } from '../support/processes.ts';

test('a document comes over HTTPS, as it was sent', async (t) => {
  const { web, clock, get } = await stage(t);
  web.serve('a.example', says('{"a":"é"}'));
  const { status, body, url } = await get('https://a.example/x/y.json?z=1#here');
  assert.deepEqual([status, Buffer.from(body).toString()], [200, '{"a":"é"}']);
  assert.equal(url, 'https://a.example/x/y.json?z=1');
  assert.deepEqual(web.asked, ['a.example /x/y.json?z=1']);
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('any success has a body; of other answers the status is told, and what they say is not read', async (t) => {
  const { web, get } = await stage(t);
  web.serve('a.example', (_, response) => response.writeHead(203).end('as somebody else has it'));
  assert.equal((await get('https://a.example/')).body.length, 23);
  for (const status of [204, 300, 304, 400, 401, 403, 404, 410, 421, 500, 503]) {
    web.serve('a.example', (_, response) => response.writeHead(status).end(status === 204 ? '' : 'x'.repeat(100_000)));
    const answer = await get('https://a.example/');
    assert.deepEqual([answer.status, answer.body.length], [status, 0]);
  }
});

test('neither cookies nor credentials are sent, and nobody is asked to compress', async (t) => {
  const { web, get, fails } = await stage(t);
  const heads: IncomingHttpHeaders[] = [];
  web.serve('a.example', (request, response) => {
    heads.push(request.headers);
    if (request.url === '/') redirects('/next')(request, response.setHeader('set-cookie', 'id=1; Path=/'));
    else says('there')(request, response);
  });
  await get('https://a.example/');
  assert.deepEqual(heads[1], {
    host: 'a.example',
    connection: 'close',
    accept: 'application/json',
    'accept-encoding': 'identity',
  });
  await fails(get('https://me:secret@a.example/'), 'url-invalid');
  web.serve('a.example', redirects('https://me:secret@a.example/next'));
  await fails(get('https://a.example/'), 'redirect-invalid');
});

test('a web server must show a certificate that names it and leads to an anchor (RFC 7711 §3, RFC 9110 §4.3.4)', async (t) => {
  const { web, textOf, get, fails } = await stage(t);
  const own = { dnsNames: ['a.example'] };
  const good: Readonly<Record<string, Credential>> = {
    wildcard: webAuthority.issue({ dnsNames: ['*.example'] }),
    'one name of many': webAuthority.issue({ dnsNames: ['b.example', 'A.Example'] }),
    'through an intermediate': webAuthority.intermediate({ name: 'Below' }).issue(own),
  };
  for (const [what, credential] of Object.entries(good)) {
    web.serve('a.example', says(what), credential);
    assert.equal(await textOf('https://a.example/'), what);
  }
  const selfSigned = strangeAuthority.issue({ ...own, ca: true });
  const bad: readonly (readonly [HttpsCondition, Credential])[] = [
    ['web-certificate-expired', webAuthority.issue({ ...own, notAfter: Date.UTC(2024, 0, 1) })],
    ['web-certificate-not-yet-valid', webAuthority.issue({ ...own, notBefore: Date.UTC(2040, 0, 1) })],
    ['web-certificate-untrusted', strangeAuthority.issue(own)],
    ['web-certificate-untrusted', selfSigned],
    ['web-certificate-name-mismatch', webAuthority.issue({ dnsNames: ['b.example'] })],
    ['web-certificate-name-mismatch', webAuthority.issue({ dnsNames: ['*.a.example'] })],
    ['web-certificate-name-mismatch', webAuthority.issue({ dnsNames: ['a*.example'] })],
    ['web-certificate-name-mismatch', webAuthority.issue({ commonName: 'a.example' })],
    ['web-certificate-name-mismatch', webAuthority.issue({ srvNames: ['_xmpp-server.a.example'] })],
    ['web-certificate-name-mismatch', webAuthority.issue({ xmppAddrs: ['a.example'] })],
    ['web-certificate-invalid', webAuthority.issue({ ...own, eku: ['clientAuth'] })],
  ];
  const asked = web.asked.length;
  for (const [condition, credential] of bad) {
    web.serve('a.example', says('nothing to be heard'), credential);
    await fails(get('https://a.example/'), condition, /^https:\/\/a\.example\/: /);
  }
  assert.equal(web.asked.length, asked, 'nothing was asked of them');
});

test('anchors are those of the operator, and the system’s unless they are switched off', async (t) => {
  const { web, get, fails } = await stage(t, { anchors: [strangeAuthority.certPem, webAuthority.certPem] });
  web.serve('a.example', says('x'), strangeAuthority.issue({ dnsNames: ['a.example'] }));
  await get('https://a.example/');
  const systemOnly = createHttpsClient({ allowPrivate: true, port: web.port, resolver: web.resolver });
  await fails(
    systemOnly.turn((fetch) => fetch('https://a.example/'), never),
    'web-certificate-untrusted',
  );
  assert.throws(() => createHttpsClient({ anchors: ['no PEM'] }), /trust-anchor-malformed/);
});

test('redirects are followed, absolute and relative, temporary or not (RFC 7711 §10)', async (t) => {
  const { web, get } = await stage(t);
  web.serve('b.example', says('{}'));
  for (const status of [301, 302, 303, 307, 308]) {
    web.serve('a.example', redirects('https://b.example/there#part', status));
    const { status: last, url } = await get('https://a.example/');
    assert.deepEqual([last, url], [200, 'https://b.example/there'], String(status));
  }
  web.serve('a.example', (request, response) =>
    request.url === '/x/1'
      ? redirects('2?y')(request, response)
      : request.url === '/x/2?y'
        ? redirects('//b.example/3')(request, response)
        : answers(404)(request, response),
  );
  assert.equal((await get('https://a.example/x/1')).url, 'https://b.example/3');
});

test('a redirect to anything but https is not followed (RFC 7711 §10)', async (t) => {
  const { web, get, fails } = await stage(t);
  for (const location of [
    'http://a.example/',
    'HTTP://a.example/',
    'ftp://a.example/',
    'file:///etc/passwd',
    'data:,x',
  ]) {
    web.serve('a.example', redirects(location));
    await fails(get('https://a.example/'), 'insecure-redirect');
  }
  for (const handler of [
    answers(302),
    redirects('https://'),
    redirects('https://a b/'),
    redirects(`/${'x'.repeat(3_000)}`),
  ]) {
    web.serve('a.example', handler);
    await fails(get('https://a.example/'), 'redirect-invalid');
  }
  web.serve('a.example', (_, response) => response.writeHead(302, ['location', '/1', 'location', '/2']).end());
  await fails(get('https://a.example/'), 'redirect-invalid');
});

test('five redirects are followed, the sixth and a loop are not (RFC 7711 §10)', async (t) => {
  const { web, get, fails } = await stage(t);
  web.serve('a.example', (request, response) => {
    const left = Number(request.url?.slice(1));
    (left === 0 ? says('{}') : redirects(`/${left - 1}`))(request, response);
  });
  assert.equal((await get('https://a.example/5')).status, 200);
  await fails(get('https://a.example/6'), 'too-many-redirects');
  web.serve('b.example', redirects('https://c.example/'));
  web.serve('c.example', redirects('https://b.example/'));
  const before = web.asked.length;
  await fails(get('https://b.example/'), 'too-many-redirects');
  assert.equal(web.asked.length - before, 6);
});

test('each hop must show a certificate of its own', async (t) => {
  const { web, get, fails } = await stage(t);
  web.serve('a.example', redirects('https://b.example/'));
  web.serve('b.example', says('{}'), webAuthority.issue({ dnsNames: ['a.example'] }));
  await fails(get('https://a.example/'), 'web-certificate-name-mismatch', /^https:\/\/b\.example\//);
});

test('nothing but the public Internet is connected to, unless that is allowed', async (t) => {
  const { web, get, fails } = await stage(t, { allowPrivate: false });
  web.serve('a.example', says('{}'));
  web.resolver.set('b.example', { addresses: [{ family: 6, address: '::ffff:127.0.0.1' }] });
  web.resolver.set('c.example', {
    addresses: [
      { family: 4, address: '0.0.0.0' },
      { family: 6, address: '::1' },
    ],
  });
  for (const url of [
    'a.example',
    'b.example',
    'c.example',
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:7f00:1]',
  ])
    await fails(get(`https://${url}:${web.port}/`), 'private-address');
  assert.equal(web.connections, 0);
});

test('each hop is looked at as the first one was, by the address that it has then', async (t) => {
  const home = '127.0.0.1';
  const { web, get, fails } = await stage(t, { allowPrivate: (address) => address === home });
  web.serve('a.example', redirects('https://inside.example/'));
  web.serve('inside.example', says('{}'));
  assert.equal((await get('https://a.example/')).status, 200);
  web.resolver.set('inside.example', { addresses: [{ family: 4, address: '127.0.0.2' }] });
  await fails(get('https://a.example/'), 'private-address');
  for (const url of [`https://127.0.0.2:${web.port}/`, 'https://[::1]/', 'https://169.254.169.254/latest/meta-data']) {
    web.serve('a.example', redirects(url));
    await fails(get('https://a.example/'), 'private-address');
  }
});

test('a name is looked up once for each connection: what was allowed is what is dialled', async (t) => {
  const looked: string[] = [];
  const rebinding = (web: { resolver: Resolver }): Pick<Resolver, 'addresses'> => ({
    addresses: async (host, signal) => {
      looked.push(host);
      const answer = await web.resolver.addresses(host, signal);
      return looked.length === 1 ? answer : { ...answer, records: [{ family: 4, address: '127.0.0.2' }] };
    },
  });
  const web = await startWeb();
  t.after(() => web.close());
  web.serve('a.example', says('{}'));
  const client = createHttpsClient({
    system: false,
    anchors: [webAuthority.certPem],
    allowPrivate: (address) => address === '127.0.0.1',
    port: web.port,
    resolver: rebinding(web),
  });
  assert.equal((await client.turn((get) => get('https://a.example/'), never)).status, 200);
  assert.deepEqual(looked, ['a.example']);
});

test('of several addresses only those that are allowed are raced, and the next is tried when one refuses', async (t) => {
  const { web, textOf } = await stage(t, { allowPrivate: (address) => address !== '127.0.0.2' });
  web.serve('a.example', says('there'));
  const addresses = ['127.0.0.2', '127.0.0.9', '127.0.0.1'].map((address) => ({ family: 4, address }) as const);
  web.resolver.set('a.example', { addresses });
  let knocks = 0;
  const inside = createServer((socket) => {
    knocks += 1;
    socket.destroy();
  }).listen(web.port, '127.0.0.2');
  t.after(() => inside.close());
  await once(inside, 'listening');
  assert.equal(await textOf('https://a.example/'), 'there');
  assert.equal(knocks, 0);
});

test('S4: a bogus answer leads to no connection, nor does one that failed or an empty one', async (t) => {
  const { web, get, fails } = await stage(t);
  web.serve('a.example', says('{}'));
  const records = [{ family: 4, address: '127.0.0.1' }] as const;
  const cases = {
    bogus: 'address-bogus',
    error: 'address-unknown',
    'nodata-secure': 'no-address',
    'nodata-insecure': 'no-address',
  } as const;
  for (const [status, condition] of Object.entries(cases) as [keyof typeof cases, HttpsCondition][]) {
    web.resolver.set('a.example', { status, reason: 'as the test says', addresses: records });
    await fails(get('https://a.example/'), condition);
  }
  const careless: Pick<Resolver, 'addresses'> = {
    addresses: () => Promise.resolve({ status: 'bogus', records, ttlSeconds: 60 }),
  };
  const client = createHttpsClient({ system: false, allowPrivate: true, port: web.port, resolver: careless });
  await fails(
    client.turn((fetch) => fetch('https://a.example/'), never),
    'address-bogus',
  );
  assert.equal(web.connections, 0);
});

test('on whose behalf it is asked is told to the resolver', async (t) => {
  const told: (LookUpOptions | undefined)[] = [];
  const silent: Pick<Resolver, 'addresses'> = {
    addresses: (_host, _signal, options) => {
      told.push(options);
      return Promise.resolve({ status: 'nodata-insecure', records: [], ttlSeconds: 0 });
    },
  };
  const { get, fails } = await stage(t, { resolver: silent });
  await fails(get('https://a.example/', { purpose: 'verification', fresh: true }), 'no-address');
  assert.deepEqual(told, [{ purpose: 'verification', fresh: true }]);
});

test('IPv6, and addresses for names: the certificate names the address (RFC 9110 §4.3.5)', async (t) => {
  const { web, textOf, get, fails } = await stage(t, { address: '::1' });
  web.serve('a.example', says('over IPv6'));
  web.serve('[::1]', says('by its address'));
  assert.equal(await textOf('https://a.example/'), 'over IPv6');
  assert.equal(await textOf('https://[::1]/'), 'by its address');
  assert.equal(await textOf('https://[0:0::1]/'), 'by its address');
  await fails(get(`https://127.0.0.1:${web.port}/`), 'unreachable');
});

test('hosts that cannot be, and URLs that are too long, are not asked', async (t) => {
  const { web, get, fails } = await stage(t);
  for (const url of [
    'http://a.example/',
    'https://-a.example/',
    'https://a..example/',
    `https://a.example/${'x'.repeat(2_048)}`,
    'x',
  ])
    await fails(get(url), 'url-invalid');
  assert.equal(web.connections, 0);
});

test('nobody listens there', async (t) => {
  const { web, get, fails } = await stage(t);
  web.serve('a.example', says('{}'));
  await fails(get(`https://a.example:${await freePort()}/`), 'unreachable', /connection-refused/);
});

test('a handshake that fails for another reason than the certificate is told as such', async (t) => {
  const { web, get, fails } = await stage(t);
  web.serve('a.example', says('{}'));
  const plain = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  t.after(() => plain.close());
  await once(plain, 'listening');
  await fails(get(`https://a.example:${(plain.address() as AddressInfo).port}/`), 'tls-failed');
  const rude = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => rude.close());
  await once(rude, 'listening');
  await fails(get(`https://a.example:${(rude.address() as AddressInfo).port}/`), 'tls-failed');
});
