/** `xmpp-dna publish`: records and documents for a certificate, and warnings for the operator. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { fingerprintMatches, readPoshDocument } from '../../src/protocol/posh.ts';
import { formatTlsa, tlsaFor } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority, type IssueOptions } from '../../src/simulation/certificate-authority.ts';

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-publish-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const root = createCertificateAuthority({ name: 'Root' });
const middle = root.intermediate({ name: 'Middle' });
let files = 0;
function write(text: string): string {
  const path = join(folder, `${(files += 1)}.pem`);
  writeFileSync(path, text);
  return path;
}
const certified = (options: IssueOptions): string => write(middle.issue(options).cert);
const issued = middle.issue({ dnsNames: ['b.example'] });
const chain = write(issued.cert);
const [leaf] = issued.der as [Buffer, ...Buffer[]];

function tlsa(numbers: string, der: Uint8Array = leaf): string {
  const [usage = 0, selector = 0, matching = 0] = numbers.split(' ').map(Number);
  return formatTlsa(tlsaFor(certificateParts(der)!, { usage, selector, matching }));
}

interface Told {
  code: number;
  stdout: string;
  stderr: string;
}
async function publish(...args: string[]): Promise<Told> {
  const told = { code: -1, stdout: '', stderr: '' };
  told.code = await runCommandLine(['publish', ...args], (json) => ({
    json,
    print: (line) => void (told.stdout += json ? '' : `${line}\n`),
    event: (event) => void (told.stdout += json ? `${JSON.stringify(event)}\n` : ''),
    tell: (line) => void (told.stderr += `${line}\n`),
    paint: (_colour, text) => text,
  }));
  return told;
}
/** The records in the output. */
const records = ({ stdout }: Told): string[] =>
  stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
/** The output of `--json`. */
const events = ({ stdout }: Told): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('O11: a domain that serves itself: SRV, and the record that RFC 7671 §5.1 recommends', async () => {
  const told = await publish(chain, '--domain', 'b.example');
  assert.deepEqual([told.code, told.stderr], [0, '']);
  assert.deepEqual(records(told), [
    '_xmpp-server._tcp.b.example. 3600 IN SRV 0 0 5269 b.example.',
    `_5269._tcp.b.example. 3600 IN TLSA ${tlsa('3 1 1')}`,
  ]);
});

test('O11: another host, port and TTL, and TLS from the first byte beside STARTTLS (XEP-0368 §3, RFC 7673 §3.3)', async () => {
  const where = ['--target', 'XMPP.Hosting.example.', '--port', '15269', '--direct-port', '443', '--ttl', '60'];
  assert.deepEqual(records(await publish(chain, '--domain', 'b.example', ...where)), [
    '_xmpp-server._tcp.b.example. 60 IN SRV 0 0 15269 xmpp.hosting.example.',
    '_xmpps-server._tcp.b.example. 60 IN SRV 0 0 443 xmpp.hosting.example.',
    `_15269._tcp.xmpp.hosting.example. 60 IN TLSA ${tlsa('3 1 1')}`,
    `_443._tcp.xmpp.hosting.example. 60 IN TLSA ${tlsa('3 1 1')}`,
  ]);
});

test('O11: the service of clients has records, a port and a document of its own (RFC 6120 §14.3, RFC 7711 §3)', async () => {
  const told = await publish(chain, '--domain', 'b.example', '--service', 'xmpp-client', '--direct-port', '5223');
  assert.deepEqual(records(told).slice(0, 3), [
    '_xmpp-client._tcp.b.example. 3600 IN SRV 0 0 5222 b.example.',
    '_xmpps-client._tcp.b.example. 3600 IN SRV 0 0 5223 b.example.',
    `_5222._tcp.b.example. 3600 IN TLSA ${tlsa('3 1 1')}`,
  ]);
  assert.match(told.stdout, /; POSH .* https:\/\/b\.example\/\.well-known\/posh\/xmpp-client\.json\n/);
});

test('O11: a domain with other than ASCII is published by its A-labels', async () => {
  assert.match(
    records(await publish(chain, '--domain', 'Bücher.example'))[0]!,
    /^_xmpp-server\._tcp\.xn--bcher-kva\.example\. /,
  );
});

const TLSA_TABLE: readonly (readonly [string[], string[]])[] = [
  [[], [tlsa('3 1 1')]],
  [['--usage', '3', '--selector', '1', '--matching', '1'], [tlsa('3 1 1')]],
  [
    ['--matching', '2'],
    [tlsa('3 1 1'), tlsa('3 1 2')],
  ],
  [
    ['--selector', '0'],
    [tlsa('3 1 1'), tlsa('3 0 1')],
  ],
  [
    ['--usage', '2'],
    [tlsa('3 1 1'), tlsa('2 0 1', middle.der)],
  ],
  [
    ['--usage', '0', '--selector', '1'],
    [tlsa('3 1 1'), tlsa('0 1 1', middle.der)],
  ],
  [
    ['--usage', '1'],
    [tlsa('3 1 1'), tlsa('1 1 1')],
  ],
  [
    ['--usage', 'DANE-TA', '--selector', 'cert,spki', '--matching', 'Full'],
    [tlsa('3 1 1'), tlsa('2 0 0', middle.der), tlsa('2 1 0', middle.der)],
  ],
  [
    ['--usage', '2,3', '--matching', '1,2'],
    ['3 1 1', '2 0 1', '2 0 2', '3 1 2'].map((n) => tlsa(n, n[0] === '2' ? middle.der : leaf)),
  ],
];
for (const [args, expected] of TLSA_TABLE)
  test(`O11: TLSA records for ${args.join(' ') || 'nothing said'}: the recommended first, the issuer for usages 0 and 2`, async () => {
    const told = records(await publish(chain, '--domain', 'b.example', ...args));
    assert.deepEqual(
      told.slice(1),
      expected.map((data) => `_5269._tcp.b.example. 3600 IN TLSA ${data}`),
    );
  });

test('O11: the issuer is found wherever it stands in the file, and only by its signature', async () => {
  const [own, ...others] = issued.cert.match(/-----BEGIN[^]+?-----END CERTIFICATE-----\n/g) ?? [];
  const namesake = createCertificateAuthority({ name: 'Middle' });
  const mixed = write([own, namesake.certPem, root.certPem, issued.key, ...others].join(''));
  assert.equal(
    records(await publish(mixed, '--domain', 'b.example', '--usage', '2'))[2],
    `_5269._tcp.b.example. 3600 IN TLSA ${tlsa('2 0 1', middle.der)}`,
  );
});

test('O11: the certificate of RFC 7711 §3.1 gives the document of RFC 7711 §3.1', async () => {
  const certificate = fileURLToPath(new URL('../fixtures/posh/im.example.com-primary.crt', import.meta.url));
  const { stdout } = await publish(certificate, '--domain', 'im.example.com', '--expires', '604800', '--only', 'posh');
  assert.deepEqual(JSON.parse(stdout), {
    fingerprints: [
      {
        'sha-256': '4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ=',
        'sha-512': '25N+1hB2Vo42l9lSGqw+n3BKFhDHsyork8ou+D9B43TXeJ1J81mdQEDqm39oR/EHkPBDDG1y5+AG94Kec0xVqA==',
      },
    ],
    expires: 604_800,
  });
});

test('O11: a document that is printed is read by us, and names the certificate', async () => {
  const { stdout } = await publish(chain, '--domain', 'b.example', '--only', 'posh');
  const document = readPoshDocument(Buffer.from(stdout));
  assert.equal(document.kind, 'fingerprints');
  assert.equal(document.expiresSeconds, 86_400);
  assert.ok(fingerprintMatches(document, readCertificate(leaf)));
});

test('O11: with --posh-url the domain refers to where the fingerprints stand (RFC 7711 §3.2)', async () => {
  const spice = 'https://hosting.example.net/.well-known/posh/spice.json';
  const args = [chain, '--domain', 'b.example', '--posh-url', spice, '--expires', '86400'];
  const reference = await publish(...args, '--only', 'reference');
  assert.deepEqual(JSON.parse(reference.stdout), { url: spice, expires: 86_400 });
  assert.equal(readPoshDocument(Buffer.from(reference.stdout)).kind, 'reference');
  assert.equal(readPoshDocument(Buffer.from((await publish(...args, '--only', 'posh')).stdout)).kind, 'fingerprints');
  const { stdout } = await publish(...args);
  assert.match(stdout, /serve this reference at https:\/\/b\.example\/\.well-known\/posh\/xmpp-server\.json\n/);
  assert.match(stdout, /serve this at https:\/\/hosting\.example\.net\/\.well-known\/posh\/spice\.json\n/);
});

test('O11: --only zone prints records and nothing else', async () => {
  const told = await publish(chain, '--domain', 'b.example', '--only', 'zone');
  assert.deepEqual(told.stdout.trimEnd().split('\n'), records(told));
  assert.equal(records(told).length, 2);
});

test('O11: what a certificate says stays in its comment', async () => {
  const path = certified({ commonName: 'x\nevil.example. 1 IN A 192.0.2.1\r; ', dnsNames: ['b.example'] });
  const told = await publish(path, '--domain', 'b.example');
  assert.equal(records(told).length, 2);
  assert.ok(!/[\r\u2028]/.test(told.stdout));
});

test('O11: --json prints the same as JSON Lines, and nothing else on stdout', async () => {
  const told = await publish(chain, '--domain', 'c.example', '--target', 'b.example', '--usage', '2', '--json');
  const [warning, certificate, srv, recommended, asked, posh] = events(told);
  assert.deepEqual([warning!['event'], warning!['condition']], ['warning', 'name-missing']);
  const { sha256, sha512, subject, issuer } = readCertificate(leaf);
  const [notBefore, notAfter] = ['2020-01-01T00:00:00.000Z', '2049-12-31T00:00:00.000Z'];
  const names = ['b.example'];
  assert.deepEqual(certificate, { event: 'certificate', subject, issuer, notBefore, notAfter, sha256, sha512, names });
  const owner = '_5269._tcp.b.example';
  assert.deepEqual(srv, {
    event: 'record',
    type: 'SRV',
    owner: '_xmpp-server._tcp.c.example',
    ttl: 3600,
    data: '0 0 5269 b.example.',
  });
  assert.deepEqual(recommended, {
    event: 'record',
    type: 'TLSA',
    owner,
    ttl: 3600,
    data: tlsa('3 1 1'),
    recommended: true,
  });
  assert.deepEqual(asked, { ...recommended, data: tlsa('2 0 1', middle.der), recommended: false });
  assert.equal(posh!['url'], 'https://c.example/.well-known/posh/xmpp-server.json');
  assert.deepEqual(Object.keys(posh!['document'] as object), ['fingerprints', 'expires']);
});

// ---- warnings -------------------------------------------------------------------------------------------------------

const soon = Date.now() + 10 * DAY_MS;
const WARNINGS: readonly (readonly [string, string, string[], RegExp])[] = [
  [
    'name-missing',
    certified({ dnsNames: ['elsewhere.example'] }),
    [],
    /does not name b\.example, only elsewhere\.example: PKIX will not prove it, only DANE with usage 3 or POSH will$/,
  ],
  [
    'name-missing',
    certified({ dnsNames: ['elsewhere.example'] }),
    ['--target', 'x.example', '--usage', '2'],
    /names neither b\.example nor x\.example.*; TLSA usage 2 asks for such a name too, and will not match$/,
  ],
  [
    'name-missing',
    certified({ dnsNames: ['x.example'] }),
    ['--target', 'x.example'],
    /names x\.example and not b\.example: others accept that if the SRV record is signed/,
  ],
  [
    'name-missing',
    certified({ srvNames: ['_xmpp-client.b.example'] }),
    [],
    /does not name b\.example, only _xmpp-client\.b\.example/,
  ],
  [
    'expired',
    certified({ dnsNames: ['b.example'], notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) }),
    [],
    /expired on 2021-01-01: of what is printed here, only TLSA usage 3/,
  ],
  [
    'not-yet-valid',
    certified({ dnsNames: ['b.example'], notBefore: Date.UTC(2048, 0) }),
    [],
    /not valid before 2048-01-01/,
  ],
  [
    'expires-soon',
    certified({ dnsNames: ['b.example'], notAfter: soon }),
    [],
    /expires on \d{4}-\d\d-\d\d, in (9|10) days/,
  ],
  [
    'document-outlives-certificate',
    certified({ dnsNames: ['b.example'], notAfter: soon + 60 * DAY_MS }),
    ['--expires', '31536000'],
    /remembered for 31536000 s, which is longer than the certificate lasts/,
  ],
  [
    'authority-first',
    write(middle.certPem + issued.certPem),
    [],
    /CN=Middle is the certificate of an authority, and 1 more follow: the server's own has to be the first/,
  ],
  ['changes-with-renewal', chain, ['--selector', '0'], /TLSA 3 0 1 changes with every renewal/],
  ['large-record', chain, ['--usage', '2', '--matching', '0'], /TLSA 2 0 0 is as large as what it names/],
];
for (const [condition, path, args, text] of WARNINGS)
  test(`O11: the operator is warned: ${condition} ${args.join(' ')}`, async () => {
    const told = await publish(path, '--domain', 'b.example', ...args);
    assert.equal(told.code, 0);
    const line = told.stderr.split('\n').find((one) => text.test(one));
    assert.ok(line?.startsWith(`${path}: `), told.stderr);
    const warned = events(await publish(path, '--domain', 'b.example', ...args, '--json'));
    assert.ok(warned.some((event) => event['event'] === 'warning' && event['condition'] === condition));
  });

test('O11: a certificate in order is not warned of, in whatever way it names the domain', async () => {
  for (const names of [
    { dnsNames: ['b.example'] },
    { srvNames: ['_xmpp-server.b.example'] },
    { xmppAddrs: ['b.example'] },
    { dnsNames: ['*.example'] },
  ])
    assert.equal((await publish(certified(names), '--domain', 'b.example', '--usage', '2')).stderr, '');
});

// ---- wrong usage ----------------------------------------------------------------------------------------------------

const REFUSED: readonly (readonly [string[], RegExp])[] = [
  [[chain], /^xmpp-dna: expected --domain D\n/],
  [['--domain', 'b.example'], /^xmpp-dna: expected CERT /],
  [[chain, '--domain', '192.0.2.1'], /^xmpp-dna: --domain: expected a domain name, not "192\.0\.2\.1"\n/],
  [[chain, '--domain', 'b.example', '--target', 'x.example. IN A'], /^xmpp-dna: --target: expected a domain name/],
  [[chain, '--domain', `${'a'.repeat(60)}.`.repeat(4) + 'example'], /^xmpp-dna: --domain: expected a domain name/],
  [[chain, '--domain', 'b.example', '--port', '0'], /^xmpp-dna: --port: expected a whole number from 1 to 65535\n/],
  [[chain, '--domain', 'b.example', '--port', '5e3'], /^xmpp-dna: --port: /],
  [
    [chain, '--domain', 'b.example', '--direct-port', '5269'],
    /^xmpp-dna: --direct-port: expected a port other than --port/,
  ],
  [
    [chain, '--domain', 'b.example', '--service', 'imap'],
    /^xmpp-dna: --service: expected xmpp-server or xmpp-client\n/,
  ],
  [[chain, '--domain', 'b.example', '--usage', '4'], /^xmpp-dna: --usage: expected a list of numbers from 0 to 3/],
  [[chain, '--domain', 'b.example', '--usage', ''], /^xmpp-dna: --usage: /],
  [
    [chain, '--domain', 'b.example', '--selector', '2'],
    /^xmpp-dna: --selector: expected a list of numbers from 0 to 1/,
  ],
  [
    [chain, '--domain', 'b.example', '--matching', '1,x'],
    /^xmpp-dna: --matching: expected a list of numbers from 0 to 2/,
  ],
  [[chain, '--domain', 'b.example', '--expires', '0'], /^xmpp-dna: --expires: expected a whole number from 1 to /],
  [[chain, '--domain', 'b.example', '--posh-url', 'http://b.example/'], /^xmpp-dna: --posh-url: expected an https URL/],
  [[chain, '--domain', 'b.example', '--only', 'tlsa'], /^xmpp-dna: --only: expected zone, posh, reference\n/],
  [[chain, '--domain', 'b.example', '--only', 'reference'], /^xmpp-dna: --only reference: expected --posh-url URL\n/],
  [
    [join(folder, 'none'), '--domain', 'b.example'],
    /none: cannot be read: there is no file .*\(expected certificates in PEM\)\n$/,
  ],
  [[write('nothing'), '--domain', 'b.example'], /: expected a PEM file with at least one certificate\n$/],
  [[write(issued.key), '--domain', 'b.example'], /: expected a PEM file with at least one certificate\n$/],
  [[write(issued.cert.replace('MII', 'AAA')), '--domain', 'b.example'], /: expected certificates /],
  [
    [write(issued.certPem), '--domain', 'b.example', '--usage', '2'],
    /: expected the issuer after the certificate, because TLSA usage 2 names it\n$/,
  ],
  [
    [write(issued.certPem + root.certPem), '--domain', 'b.example', '--usage', '0'],
    /: expected the issuer after the certificate, because TLSA usage 0/,
  ],
];
for (const [args, stderr] of REFUSED)
  test(`O11: refused with exit code 2: ${args.slice(-2).join(' ').replace(folder, '').slice(0, 60)}`, async () => {
    const told = await publish(...args);
    assert.equal(told.code, 2);
    assert.match(told.stderr, stderr);
    assert.equal(told.stdout, '');
    assert.equal((await publish(...args, '--json')).stdout, '');
  });

test('O11: a file in DER is told of, and not taken for an empty one', async () => {
  const path = join(folder, 'der.crt');
  writeFileSync(path, leaf);
  assert.match(
    (await publish(path, '--domain', 'b.example')).stderr,
    /is not UTF-8 text \(expected certificates in PEM\)/,
  );
  assert.ok(readFileSync(path).length > 0);
});
