import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { ConfigError, loadConfig, type ServeConfig } from '../../src/config/load.ts';
import { readBounded } from '../../src/config/files.ts';
import { nearest } from '../../src/config/nearest.ts';

const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-config-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'tls'));
mkdirSync(join(folder, 'dns'));

const ca = createCertificateAuthority({ name: 'Test CA' });
const between = ca.intermediate({ name: 'Between' });
const put = (name: string, text: string | Uint8Array): void => writeFileSync(join(folder, name), text);
const issue = (name: string, dnsNames: readonly string[], from = ca): void => {
  const { cert, key } = from.issue({ dnsNames });
  put(`tls/${name}.crt`, cert);
  put(`tls/${name}.key`, key);
  put(
    `tls/${name}.reversed`,
    (cert.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n?/g) ?? []).reverse().join('\n'),
  );
};
issue('b', ['b.example', 'comp.b.example', 'rooms.c.example']);
issue('a', ['a.example']);
issue('chain', ['b.example'], between);
put('tls/ca.crt', ca.certPem);
put('tls/none.crt', 'no certificate in here');
put('tls/broken.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
put('tls/binary.crt', new Uint8Array([0xff, 0xfe, 0x00]));
const ANCHOR = `. IN DS 20326 8 2 ${'ab'.repeat(32)}\n`;
put('dns/anchor.ds', ANCHOR);
mkdirSync(join(folder, 'proofs'));
put('proofs/tenant.ac', '\nAAAA\nBBBB\n');
put('proofs/ta', 'https://tenant.example/ta\n');
put('proofs/statement.xml', '<statement/>');
put('proofs/empty', ' \n');
put('proofs/long', 'A'.repeat(16_385));
put('proofs/dear', '<'.repeat(16_000));
put('proofs/control', 'AA\u0001AA');
put('dns/short.ds', '. IN DS 1 8 2 00\n');
put('dns/empty.ds', '; nothing yet\n');

const B = 'hosts:\n  b.example: { cert: tls/b.crt, key: tls/b.key }\n';
const LISTEN = 'listen:\n  - { address: 127.0.0.1, port: 5269 }\n';
let files = 0;

function load(text: string, nowMs?: number): ServeConfig {
  files += 1;
  const file = join(folder, `${files}.yaml`);
  writeFileSync(file, text);
  return loadConfig(file, nowMs);
}

/** The messages about a file, with `serve.yaml` in place of its path. */
const named = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/^.*?\/(\d+)\.yaml/, 'serve.yaml').replaceAll(folder, '.'));

function problemsOf(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return named(error.problems);
    throw error;
  }
  return [];
}

const EVERYTHING = `${B}listen:
  - { address: 127.0.0.1, port: 5269, tls: detect }
components:
  - { address: 127.0.0.1, port: 5347, domains: { comp.b.example: "secret" } }
trust: { system: true, files: [tls/ca.crt] }
dns:
  validator: libunbound
  servers: ["127.0.0.1@5399"]
  stubs: { example: "127.0.0.1@5399" }
  trustAnchors: [dns/anchor.ds]
policy:
  federation: authenticated
  prooftypes: [dane, pkix, posh, dialback]
  allow: []
  deny: []
  domains:
    c.example: { federation: encrypted, prooftypes: [pkix, dialback], minTls: "1.2", target: { host: 127.0.0.1, port: 15269, tls: starttls } }
posh: { system: false, files: [tls/ca.crt], allowPrivate: true, port: 8443 }
bidi: true
dialback: { secret: "at least 16 characters; random if absent" }
limits: { stanzaBytes: 524288, preAuthBytes: 10000, queueStanzas: 10000, queueBytes: 16777216 }
inspector: { address: 127.0.0.1, port: 8712 }
metrics: { address: 127.0.0.1, port: 9271 }
trace: { file: trace.dnalog }
`;

test('every key is understood', () => {
  const { manager, ...config } = load(EVERYTHING);
  assert.deepEqual(Object.keys(manager.hosts), ['b.example', 'comp.b.example']);
  assert.match(manager.hosts['b.example']?.key ?? '', /PRIVATE KEY/);
  assert.deepEqual(Object.keys(manager.hosts['b.example'] ?? {}), ['cert', 'key']);
  assert.deepEqual(manager.listen, [{ address: '127.0.0.1', port: 5269, tls: 'detect' }]);
  assert.deepEqual(manager.policy, {
    federation: 'authenticated',
    prooftypes: ['dane', 'pkix', 'posh', 'dialback'],
    allow: [],
    deny: [],
    domains: {
      'c.example': {
        federation: 'encrypted',
        prooftypes: ['pkix', 'dialback'],
        minTls: '1.2',
        target: { host: '127.0.0.1', port: 15269, tls: 'starttls' },
      },
    },
  });
  assert.equal(manager.bidi, true);
  assert.deepEqual(manager.dialback, { secret: 'at least 16 characters; random if absent' });
  assert.deepEqual(manager.limits, {
    stanzaBytes: 524288,
    preAuthBytes: 10000,
    queueStanzas: 10000,
    queueBytes: 16777216,
  });
  assert.deepEqual(config.trust, { system: true, files: [ca.certPem] });
  assert.deepEqual(config.dns, {
    validator: 'libunbound',
    servers: ['127.0.0.1@5399'],
    trustRemote: false,
    stubs: { example: '127.0.0.1@5399' },
    trustAnchors: [ANCHOR],
  });
  assert.deepEqual(config.posh, {
    enabled: true,
    system: false,
    files: [ca.certPem],
    allowPrivate: true,
    port: 8443,
  });
  assert.deepEqual(config.components, [{ address: '127.0.0.1', port: 5347, domains: { 'comp.b.example': 'secret' } }]);
  assert.deepEqual(config.trace, { path: join(folder, 'trace.dnalog') });
  assert.deepEqual(config.inspector, { address: '127.0.0.1', port: 8712, token: null });
  assert.deepEqual(config.metrics, { address: '127.0.0.1', port: 9271, token: null });
});

test('beyond this machine the metrics are for those who have the token, as is the inspector', () => {
  assert.deepEqual(load(EVERYTHING).warnings, []);
  const beyond = (more: string) => `${B}${LISTEN}metrics: { address: 0.0.0.0, port: 9271${more} }\n`;
  assert.throws(() => load(beyond('')), /metrics: expected a token of at least 16 characters, or a loopback address/);
  assert.equal(
    load(beyond(', token: thirty-characters-more-or-less')).metrics?.token,
    'thirty-characters-more-or-less',
  );
});

test('a small file has the defaults and no warnings', () => {
  const { manager, warnings, trust, dns, components } = load(B + LISTEN);
  assert.deepEqual(manager.listen, [{ address: '127.0.0.1', port: 5269, tls: 'detect' }]);
  assert.deepEqual(manager.policy, { domains: {} });
  assert.deepEqual([trust, dns.validator, dns.servers, components], [{ system: true, files: [] }, 'none', [], []]);
  assert.deepEqual(warnings, []);
});

test('a trusted resolver is one of this machine, or one that the operator says is trusted all the same (D3)', () => {
  const near = load(`${B}${LISTEN}dns: { validator: trusted-resolver, servers: ["127.0.0.1@5353", "::1"] }\n`);
  assert.deepEqual(near.dns, {
    validator: 'trusted-resolver',
    servers: ['127.0.0.1@5353', '[::1]@53'],
    trustRemote: false,
    stubs: {},
    trustAnchors: [],
  });
  assert.deepEqual(near.warnings, []);
  const far = load(`${B}${LISTEN}dns: { validator: trusted-resolver, servers: [192.0.2.1], trustRemote: true }\n`);
  assert.deepEqual([far.dns.trustRemote, far.dns.servers, far.warnings], [true, ['192.0.2.1@53'], []]);
});

test('what the validator would not use is said: nobody is to think that it protects', () => {
  const keys = 'stubs: { example: 127.0.0.1 }, trustAnchors: [dns/anchor.ds], trustRemote: true';
  assert.deepEqual(named(load(`${B}${LISTEN}dns: { ${keys} }\n`).warnings), [
    'serve.yaml:5: dns.stubs: only libunbound uses it, and dns.validator is none',
    'serve.yaml:5: dns.trustAnchors: only libunbound uses it, and dns.validator is none',
    'serve.yaml:5: dns.trustRemote: only trusted-resolver uses it, and dns.validator is none',
  ]);
});

test('domains become canonical everywhere they are keys', () => {
  const { manager } = load(`hosts: { B.Example.: { cert: tls/b.crt, key: tls/b.key } }
policy: { allow: [BÜRO.example], domains: { "*.C.Example": { minTls: 1.3 } } }
`);
  assert.deepEqual(Object.keys(manager.hosts), ['b.example']);
  assert.deepEqual(manager.policy?.allow, ['xn--bro-hoa.example']);
  assert.deepEqual(manager.policy.domains, { '*.c.example': { minTls: '1.3' } });
});

test('a component without a certificate gets that of the host that names it, else of its closest parent', () => {
  const { manager, warnings } = load(`hosts:
  b.example: { cert: tls/b.crt, key: tls/b.key }
  a.example: { cert: tls/a.crt, key: tls/a.key }
  c.example: { cert: tls/a.crt, key: tls/a.key }
${LISTEN}components:
  - address: 127.0.0.1
    port: 5347
    domains:
      rooms.c.example: one
      pubsub.deep.a.example: two
      own.example: { secret: three, cert: tls/chain.crt, key: tls/chain.key }
`);
  const leafOf = (domain: string): string | undefined => manager.hosts[domain]?.key;
  assert.equal(leafOf('rooms.c.example'), leafOf('b.example'));
  assert.equal(leafOf('pubsub.deep.a.example'), leafOf('a.example'));
  assert.ok(leafOf('own.example'));
  assert.deepEqual(named(warnings), [
    'serve.yaml:4: hosts["c.example"]: the certificate does not name c.example, only a.example: PKIX will not prove it to others',
    'serve.yaml:12: components[0].domains["pubsub.deep.a.example"]: the certificate does not name pubsub.deep.a.example, only a.example: PKIX will not prove it to others',
    'serve.yaml:13: components[0].domains["own.example"]: the certificate does not name own.example, only b.example: PKIX will not prove it to others',
  ]);
});

test('a host without a value is served with the certificate of a host above it', () => {
  const { manager } = load(`${B}  sub.b.example:\n`);
  assert.deepEqual(manager.hosts['sub.b.example'], manager.hosts['b.example']);
});

test('a host has proofs of its delegation, and a certificate of its own, or that of a host above it (A9)', () => {
  const { manager, warnings } = load(`hosts:
  b.example: { cert: tls/b.crt, key: tls/b.key }
  tenant.example: { cert: tls/b.crt, key: tls/b.key, proofs: { attribute-cert: proofs/tenant.ac, dnssec-ta: proofs/ta } }
  sub.b.example: { proofs: { xml-assertion: proofs/statement.xml } }
${LISTEN}`);
  assert.deepEqual(manager.proofs, {
    'tenant.example': { 'attribute-cert': 'AAAA\nBBBB', 'dnssec-ta': 'https://tenant.example/ta' },
    'sub.b.example': { 'xml-assertion': '<statement/>' },
  });
  assert.deepEqual(manager.hosts['sub.b.example'], manager.hosts['b.example']);
  assert.deepEqual(warnings, [], 'that PKIX proves nothing of it is no news');
  assert.equal(load(B).manager.proofs, undefined);
});

test('a certificate out of its time is warned of', () => {
  const [late] = load(B + LISTEN, Date.UTC(2060, 0, 1)).warnings;
  const [early] = load(B + LISTEN, Date.UTC(2001, 0, 1)).warnings;
  assert.match(late ?? '', /:2: hosts\["b\.example"\]: the certificate expired on 2049-12-31$/);
  assert.match(early ?? '', /:2: hosts\["b\.example"\]: the certificate is not valid before 2020-01-01$/);
});

test('components on an address that others can reach, and no listener, are warned of', () => {
  const { warnings } = load(`${B}components: [{ address: 0.0.0.0, port: 5347, domains: { comp.b.example: x } }]\n`);
  assert.deepEqual(
    named(warnings).map((line) => line.slice(0, 60)),
    [
      'serve.yaml:1: listen: is absent: no other server can open a ',
      'serve.yaml:3: components[0]: components speak without encryp',
    ],
  );
});

test('anchors and aliases of YAML work, also for policies', () => {
  const { manager } = load(`${B}policy: { domains: { a.example: &strict { minTls: "1.3" }, c.example: *strict } }\n`);
  assert.deepEqual(manager.policy?.domains?.['c.example'], { minTls: '1.3' });
});

/** An invalid file, and all messages about it. */
const wrong: [string, string, string[]][] = [
  [
    'an empty file',
    '',
    [
      'serve.yaml:1: expected a mapping with hosts, listen, components, trust, dns, posh, policy, bidi, dialback, limits, inspector, metrics, trace, got nothing',
    ],
  ],
  [
    'a list',
    '- hosts',
    [
      'serve.yaml:1: expected a mapping with hosts, listen, components, trust, dns, posh, policy, bidi, dialback, limits, inspector, metrics, trace, got a list',
    ],
  ],
  [
    'broken YAML',
    `${B}bidi: [`,
    ['serve.yaml:3: expected YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  ...[
    ['policy', 'policy: *a'],
    ['policy.deny', 'policy: { deny: *a }'],
    ['policy.allow', 'policy: { allow: *a }'],
    ['policy.minTls', 'policy: { minTls: *a }'],
    ['policy.deny[1]', 'policy: { deny: [e.example, *a] }'],
    ['policy.domains["c.example"]', 'policy: { domains: { c.example: *a } }'],
    ['policy.domains["?"]', 'policy: { domains: { *a : {} } }'],
    ['trust', 'trust: *a'],
    ['trust.files', 'trust: { system: false, files: *a }'],
    ['dialback.secret', 'dialback: { secret: *a }'],
    ['dns.validator', 'dns: { validator: *a }'],
    [
      'components[0].domains["comp.b.example"]',
      'components: [{ address: ::1, port: 0, domains: { comp.b.example: *a }}]',
    ],
  ].map(([path, text]): [string, string, string[]] => [
    `an alias without its anchor, at ${path}: what is meant is unknown, and nothing is let in for it`,
    `${B}${text}\n`,
    [`serve.yaml:3: ${path}: unresolved alias *a: there is no &a before it`],
  ]),
  [
    'a host whose certificate is an alias without its anchor, though a host above it has one',
    `${B}  sub.b.example: *tls\n`,
    ['serve.yaml:3: hosts["sub.b.example"]: unresolved alias *tls: there is no &tls before it'],
  ],
  [
    'an anchor that stands only after its alias',
    `${B}policy:\n  deny: *later\n  allow: &later [c.example]\n`,
    ['serve.yaml:4: policy.deny: unresolved alias *later: there is no &later before it'],
  ],
  [
    'several documents',
    `${B}---\nbidi: true\n---\nbidi: false\n`,
    ['serve.yaml:3: expected one YAML document; a second begins here'],
  ],
  ['a key twice', `${B}bidi: true\nbidi: false\n`, ['serve.yaml:4: bidi: appears here twice']],
  ['an unknown key, near to one', `${B}polcy: {}\n`, ['serve.yaml:3: polcy: unknown key; did you mean "policy"?']],
  [
    'an unknown key, far from all',
    `${B}dialback: { zzzzzzzzzz: 1 }\n`,
    ['serve.yaml:3: dialback.zzzzzzzzzz: unknown key; known here: secret'],
  ],
  [
    'an unknown key deep down',
    `${B}policy:\n  domains:\n    c.example: { target: { hots: c, port: 1 } }\n`,
    [
      'serve.yaml:5: policy.domains["c.example"].target.hots: unknown key; did you mean "host"?',
      'serve.yaml:5: policy.domains["c.example"].target.host: is missing',
    ],
  ],
  ['no hosts', 'bidi: true\n', ['serve.yaml:1: hosts: expected at least one domain to serve']],
  [
    'a host that is no domain',
    'hosts: { "b..example": { cert: tls/b.crt, key: tls/b.key } }\n',
    ['serve.yaml:1: hosts["b..example"]: expected a domain name, got "b..example"'],
  ],
  [
    'a host in two spellings',
    `${B}  B.EXAMPLE: { cert: tls/b.crt, key: tls/b.key }\n`,
    ['serve.yaml:3: hosts["B.EXAMPLE"]: appears here twice: this is "b.example" again'],
  ],
  [
    'a host without a key',
    'hosts:\n  b.example: { cert: tls/b.crt }\n',
    ['serve.yaml:2: hosts["b.example"].key: is missing'],
  ],
  [
    'a host with proofs and without a certificate anywhere',
    'hosts:\n  b.example: { proofs: { dnssec-ta: proofs/ta } }\n',
    [
      'serve.yaml:2: hosts["b.example"]: has no certificate: expected cert and key here, or a host that is a parent domain or names it',
    ],
  ],
  [
    'a host with proofs and half a certificate',
    'hosts:\n  b.example: { key: tls/b.key, proofs: { dnssec-ta: proofs/ta } }\n',
    ['serve.yaml:2: hosts["b.example"].cert: is missing'],
  ],
  [
    'proofs that cannot be shown to anybody',
    `hosts:
  b.example:
    cert: tls/b.crt
    key: tls/b.key
    proofs:
      attribute-cert: proofs/none
      xml-assertion: proofs/dear
      dnssec-ta: proofs/empty
  c.example: { proofs: { attribute-cert: proofs/long, xml-assertion: proofs/control, dnsec-ta: proofs/ta } }
`,
    [
      'serve.yaml:6: hosts["b.example"].proofs.attribute-cert: cannot be read: there is no file ./proofs/none',
      'serve.yaml:7: hosts["b.example"].proofs.xml-assertion: proofs/dear takes 64000 bytes on the wire',
      'serve.yaml:8: hosts["b.example"].proofs.dnssec-ta: proofs/empty is empty',
      'serve.yaml:9: hosts["c.example"].proofs.dnsec-ta: unknown key; did you mean "dnssec-ta"?',
      'serve.yaml:9: hosts["c.example"].proofs.attribute-cert: proofs/long is longer than 16384 characters',
      'serve.yaml:9: hosts["c.example"].proofs.xml-assertion: proofs/control is no text: it holds characters that XML does not know',
    ],
  ],
  [
    'a missing file',
    'hosts:\n  b.example:\n    cert: tls/zz.crt\n    key: tls/b.key\n',
    ['serve.yaml:3: hosts["b.example"].cert: cannot be read: there is no file ./tls/zz.crt'],
  ],
  [
    'a folder as a file',
    'hosts: { b.example: { cert: tls, key: tls/b.key } }\n',
    ['serve.yaml:1: hosts["b.example"].cert: cannot be read: ./tls is a directory'],
  ],
  [
    'a file that is not text',
    'hosts: { b.example: { cert: tls/binary.crt, key: tls/b.key } }\n',
    ['serve.yaml:1: hosts["b.example"].cert: cannot be read: ./tls/binary.crt is not UTF-8 text'],
  ],
  [
    'a file without a certificate',
    'hosts: { b.example: { cert: tls/none.crt, key: tls/b.key } }\n',
    ['serve.yaml:1: hosts["b.example"].cert: expected a PEM file with at least one certificate; there is none in it'],
  ],
  [
    'a broken certificate',
    'hosts: { b.example: { cert: tls/broken.crt, key: tls/b.key } }\n',
    ['serve.yaml:1: hosts["b.example"].cert: expected PEM certificates; one of them cannot be parsed'],
  ],
  [
    'a certificate as a key',
    'hosts: { b.example: { cert: tls/b.crt, key: tls/b.crt } }\n',
    ['serve.yaml:1: hosts["b.example"].key: expected a private key in PEM; it cannot be parsed'],
  ],
  [
    'the key of another certificate',
    'hosts: { b.example: { cert: tls/b.crt, key: tls/a.key } }\n',
    ['serve.yaml:1: hosts["b.example"].key: expected the key of the certificate in tls/b.crt; it belongs to another'],
  ],
  [
    'a chain that is not leaf first',
    'hosts: { b.example: { cert: tls/chain.reversed, key: tls/chain.key } }\n',
    [
      'serve.yaml:1: hosts["b.example"].cert: expected the certificate of the key first, then its issuers; it is further down',
    ],
  ],
  [
    'a host without a certificate, and none above',
    `${B}  d.example:\n`,
    [
      'serve.yaml:3: hosts["d.example"]: has no certificate: expected cert and key here, or a host that is a parent domain or names it',
    ],
  ],
  [
    'a port too large',
    `${B}listen:\n  - { address: "::1", port: 65536 }\n`,
    ['serve.yaml:4: listen[0].port: expected a port from 0 to 65535, got 65536'],
  ],
  [
    'a port as text',
    `${B}listen: [{ address: 127.0.0.1, port: "5269" }]\n`,
    ['serve.yaml:3: listen[0].port: expected a port from 0 to 65535, got "5269"'],
  ],
  [
    'a host name to listen on',
    `${B}listen: [{ address: b.example, port: 1 }]\n`,
    ['serve.yaml:3: listen[0].address: expected an IP address, got "b.example"'],
  ],
  [
    'an unknown way to TLS',
    `${B}listen: [{ address: "::", port: 1, tls: start-tls }]\n`,
    ['serve.yaml:3: listen[0].tls: expected one of starttls | direct | detect, got "start-tls"'],
  ],
  [
    'one socket twice',
    `${B}${LISTEN}  - { address: 127.0.0.1, port: 5269, tls: direct }\n`,
    ['serve.yaml:5: listen[1]: 127.0.0.1 port 5269 is taken already by listen[0]'],
  ],
  [
    'one socket for servers and components',
    `${B}${LISTEN}components: [{ address: 127.0.0.1, port: 5269, domains: {} }]\n`,
    ['serve.yaml:5: components[0]: 127.0.0.1 port 5269 is taken already by listen[0]'],
  ],
  [
    'a component that is a host too',
    `${B}components: [{ address: "::1", port: 0, domains: { b.example: x } }]\n`,
    ['serve.yaml:3: components[0].domains["b.example"]: is served already, as a host or by another component'],
  ],
  [
    'a component on two sockets',
    `${B}components:\n  - { address: "::1", port: 0, domains: { c.b.example: x } }\n  - { address: "::1", port: 0, domains: { C.b.example: x } }\n`,
    ['serve.yaml:5: components[1].domains["C.b.example"]: is served already, as a host or by another component'],
  ],
  [
    'a component without a secret',
    `${B}components: [{ address: "::1", port: 0, domains: { c.b.example: } }]\n`,
    ['serve.yaml:3: components[0].domains["c.b.example"]: expected a text that is not empty'],
  ],
  [
    'a component without any certificate',
    `${B}components: [{ address: "::1", port: 0, domains: { c.example: x } }]\n`,
    [
      'serve.yaml:3: components[0].domains["c.example"]: has no certificate: expected cert and key here, or a host that is a parent domain or names it',
    ],
  ],
  [
    'a component with half a credential',
    `${B}components: [{ address: "::1", port: 0, domains: { c.example: { secret: x, cert: tls/a.crt } } }]\n`,
    ['serve.yaml:3: components[0].domains["c.example"].key: is missing: a certificate needs its key'],
  ],
  [
    'trust in a missing file',
    `${B}trust: { files: [tls/ca.crt, zz.crt] }\n`,
    ['serve.yaml:3: trust.files[1]: cannot be read: there is no file ./zz.crt'],
  ],
  [
    'trust that is no switch',
    `${B}trust: { system: yes }\n`,
    ['serve.yaml:3: trust.system: expected true or false, got "yes"'],
  ],
  [
    'a trusted resolver that nobody named',
    `${B}dns: { validator: trusted-resolver }\n`,
    ['serve.yaml:3: dns.validator: expected dns.servers as well: the resolvers to trust'],
  ],
  [
    'a trusted resolver on another machine',
    `${B}dns:\n  validator: trusted-resolver\n  servers: ["127.0.0.1", "::1@53", "192.0.2.1"]\n`,
    [
      'serve.yaml:5: dns.servers[2]: expected a resolver on this machine, or dns.trustRemote: true: an attacker on the way to a remote one can prove anything',
    ],
  ],
  [
    'an unknown validator',
    `${B}dns: { validator: unbound }\n`,
    ['serve.yaml:3: dns.validator: expected one of libunbound | trusted-resolver | none, got "unbound"'],
  ],
  [
    'a name as DNS server',
    `${B}dns: { servers: [dns.example] }\n`,
    ['serve.yaml:3: dns.servers[0]: expected an address such as "127.0.0.1@53", got "dns.example"'],
  ],
  [
    'a DNS server on port 0',
    `${B}dns: { stubs: { example: 127.0.0.1@0 } }\n`,
    ['serve.yaml:3: dns.stubs.example: expected an address such as "127.0.0.1@53", got "127.0.0.1@0"'],
  ],
  [
    'a missing trust anchor',
    `${B}dns: { trustAnchors: [dns/zz.ds] }\n`,
    ['serve.yaml:3: dns.trustAnchors[0]: cannot be read: there is no file ./dns/zz.ds'],
  ],
  [
    'a trust anchor that is cut short',
    `${B}dns: { trustAnchors: [dns/short.ds, dns/empty.ds] }\n`,
    [
      'serve.yaml:3: dns.trustAnchors[0]: dns/short.ds: expected a digest of 64 hexadecimal digits, got ". IN DS 1 8 2 00"',
      'serve.yaml:3: dns.trustAnchors[1]: expected DS or DNSKEY records in dns/empty.ds, found none',
    ],
  ],
  [
    'an unknown federation',
    `${B}policy:\n  federation: strict\n`,
    [
      'serve.yaml:4: policy.federation: expected one of permissive | verified | encrypted | authenticated, got "strict"',
    ],
  ],
  [
    'an unknown prooftype',
    `${B}policy: { prooftypes: [pkix, dnssec] }\n`,
    [
      'serve.yaml:3: policy.prooftypes[1]: expected one of dane | pkix | posh | dialback | attribute-cert | xml-assertion | dnssec-ta, got "dnssec"',
    ],
  ],
  [
    'a prooftype twice',
    `${B}policy: { prooftypes: [pkix, pkix] }\n`,
    ['serve.yaml:3: policy.prooftypes: expected each prooftype once, got pkix, pkix'],
  ],
  [
    'no prooftype at all',
    `${B}policy: { federation: verified, prooftypes: [] }\n`,
    ['serve.yaml:3: policy.prooftypes: expected at least one prooftype: verified federation needs a proof'],
  ],
  [
    'dialback alone, authenticated by default',
    `${B}policy: { prooftypes: [dialback] }\n`,
    [
      'serve.yaml:3: policy.prooftypes: expected pkix, dane or posh besides dialback: authenticated federation never accepts dialback alone',
    ],
  ],
  [
    'dialback alone, authenticated by an override',
    `${B}policy:\n  federation: encrypted\n  prooftypes: [dialback]\n  domains:\n    c.example: { federation: authenticated }\n`,
    [
      'serve.yaml:7: policy.domains["c.example"].federation: expected pkix, dane or posh besides dialback: authenticated federation never accepts dialback alone',
    ],
  ],
  [
    'a pattern inside a name',
    `${B}policy: { domains: { "a.*.example": {} } }\n`,
    ['serve.yaml:3: policy.domains["a.*.example"]: expected a domain or "*.suffix", got "a.*.example"'],
  ],
  [
    'a pattern in a list',
    `${B}policy: { deny: ["*.example"] }\n`,
    ['serve.yaml:3: policy.deny[0]: expected a domain name, which covers the domains below it too, got "*.example"'],
  ],
  ['an old TLS', `${B}policy: { minTls: 1.1 }\n`, ['serve.yaml:3: policy.minTls: expected one of 1.2 | 1.3, got 1.1']],
  [
    'a target on port 0',
    `${B}policy: { domains: { c.example: { target: { host: c.example, port: 0 } } } }\n`,
    ['serve.yaml:3: policy.domains["c.example"].target.port: expected a port from 1 to 65535, got 0'],
  ],
  [
    'a target for everyone',
    `${B}policy: { target: { host: c.example, port: 1 } }\n`,
    ['serve.yaml:3: policy.target: unknown key; known here: federation, prooftypes, minTls, allow, deny, domains'],
  ],
  [
    'a short dialback secret, which is not shown',
    `${B}dialback: { secret: hunter2 }\n`,
    ['serve.yaml:3: dialback.secret: expected a text of at least 16 characters'],
  ],
  [
    'a stanza limit below that of RFC 6120 §13.12',
    `${B}limits: { stanzaBytes: 9999 }\n`,
    ['serve.yaml:3: limits.stanzaBytes: expected a size in bytes from 10000 to 67108864, got 9999'],
  ],
  [
    'a limit that is no number',
    `${B}limits: { stanzaBytes: .inf }\n`,
    ['serve.yaml:3: limits.stanzaBytes: expected a size in bytes from 10000 to 67108864, got Infinity'],
  ],
  [
    'a queue too small for one stanza',
    `${B}limits: { stanzaBytes: 20000, queueBytes: 19999 }\n`,
    ['serve.yaml:3: limits.queueBytes: expected at least limits.stanzaBytes, 20000: one stanza must fit'],
  ],
  [
    'a queue too small for one stanza of the default size',
    `${B}limits: { queueBytes: 10000 }\n`,
    ['serve.yaml:3: limits.queueBytes: expected at least limits.stanzaBytes, 524288: one stanza must fit'],
  ],
  [
    'a stanza too large for the default queue',
    `${B}limits: { stanzaBytes: 33554432 }\n`,
    ['serve.yaml:3: limits.stanzaBytes: expected at most limits.queueBytes, 16777216 by default: one stanza must fit'],
  ],
  [
    'an inspector that others reach, without a token',
    `${B}inspector: { address: 0.0.0.0, port: 8712 }\n`,
    ['serve.yaml:3: inspector: expected a token of at least 16 characters, or a loopback address'],
  ],
  [
    'a token that no header can hold',
    `${B}inspector: { address: 0.0.0.0, port: 8712, token: "sixteen characters" }\n`,
    ['serve.yaml:3: inspector.token: expected visible ASCII characters: it is sent in a header'],
  ],
  [
    'an inspector without a port',
    `${B}inspector: { address: 127.0.0.1 }\n`,
    ['serve.yaml:3: inspector.port: is missing'],
  ],
  ['a trace without a file', `${B}trace: { fileBytes: 100000 }\n`, ['serve.yaml:3: trace.file: is missing']],
  [
    'a trace file that is a key',
    `${B}trace: { file: ./tls/../tls/b.key }\n`,
    ['serve.yaml:3: trace.file: expected a file of its own, not one that the daemon reads'],
  ],
  [
    'a trace file too small for what it begins with',
    `${B}trace: { file: x, fileBytes: 99999 }\n`,
    ['serve.yaml:3: trace.fileBytes: expected a size in bytes from 100000 to 1099511627776, got 99999'],
  ],
  [
    'several mistakes, all told',
    `hosts:\n  b.example: { cert: tls/zz.crt, key: tls/b.key }\nbidi: 1\nlimits: { queueStanzas: 0 }\n`,
    [
      'serve.yaml:2: hosts["b.example"].cert: cannot be read: there is no file ./tls/zz.crt',
      'serve.yaml:3: bidi: expected true or false, got 1',
      'serve.yaml:4: limits.queueStanzas: expected a number of stanzas from 1 to 10000000, got 0',
    ],
  ],
];
for (const [what, text, problems] of wrong) {
  test(`the file is refused, with its reason: ${what}`, () => assert.deepEqual(problemsOf(text), problems));
}

test('a trace is not written over a file that is read, by whatever path', () => {
  symlinkSync(join(folder, 'tls/b.key'), join(folder, 'link'));
  const problem = 'serve.yaml:3: trace.file: expected a file of its own, not one that the daemon reads';
  assert.deepEqual(problemsOf(`${B}trace: { file: link }\n`), [problem]);
  assert.deepEqual(problemsOf(`${B}trace: { file: ${files + 1}.yaml }\n`), [problem]);
});

test('a file that is not there is named', () => {
  assert.throws(() => loadConfig(join(folder, 'absent.yaml')), /absent\.yaml: cannot be read: there is no file /);
});

test('a pipe is read as far as it is written, and not waited for without end', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [certificate, key] = ['crt', 'key'].map((kind) => join(folder, `tls/b.${kind}`));
  // One writer that comes late and pauses, and then no writer.
  const script = `sleep 0.1; { head -c 100 ${certificate}; sleep 0.1; tail -c +101 ${certificate}; } > ${pipe}`;
  const writer = spawn('sh', ['-c', script]);
  const text = `hosts: { b.example: { cert: pipe, key: ${key} } }\n`;
  assert.ok(load(text).manager.hosts['b.example']);
  await once(writer, 'close');
  assert.throws(() => readBounded(pipe, 100, 50), /pipe is a pipe, and nobody wrote into it for 0\.05 s$/);
});

test('nesting beyond reason, and a file beyond reason, are refused', () => {
  for (const depth of [5_000, 200_000])
    assert.match(problemsOf(`hosts: ${'['.repeat(depth)}`).join('\n'), /expected YAML: nested too deeply/);
  assert.match(problemsOf('#'.repeat(8 * 1024 * 1024 + 1)).join('\n'), /is larger than 8388608 bytes$/);
});

test('an alias within itself is refused', () => {
  assert.match(problemsOf('&a hosts: &b { b.example: *b }\n').join('\n'), /unknown key|missing|expected/);
});

test('a word is corrected only to a word that is near', () => {
  assert.equal(nearest('federatoin', ['federation', 'prooftypes']), 'federation');
  assert.equal(nearest('HOSTS', ['hosts']), 'hosts');
  assert.equal(nearest('xy', ['ab', 'dns']), null);
});
