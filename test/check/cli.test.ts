/** The command: steps as they happen, the verdict, exit codes and JSON. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { portsFor } from '../../src/cli/check-ports.ts';
import { MissingPartError } from '../../src/cli/terminal.ts';
import type { PolicyComparison } from '../../src/check/compare.ts';
import { overridden } from '../../src/cli/policy-words.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createNodePorts } from '../../src/node-ports.ts';
import { fault, FaultError } from '../../src/protocol/faults.ts';
import { authority, checking, DOMAIN, LOCAL } from '../support/check-stage.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const MAIN = join(ROOT, 'src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-check-'));
after(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', MAIN, ...args], { cwd: ROOT }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const ours = authority.issue({ dnsNames: [LOCAL] });

function configuration(dnsServer: string, more = ''): string {
  for (const [name, text] of [
    ['a.crt', ours.cert],
    ['a.key', ours.key],
    ['ca.crt', authority.certPem],
  ] as const)
    writeFileSync(join(folder, name), text);
  const file = join(folder, 'xmpp-dna.yaml');
  writeFileSync(
    file,
    `hosts: { ${LOCAL}: { cert: a.crt, key: a.key } }
listen: [{ address: 127.0.0.1, port: 0 }]
trust: { system: false, files: [ca.crt] }
dns: { validator: none, servers: ["${dnsServer}"] }
dialback: { secret: "sixteen or more characters" }
${more}`,
  );
  return file;
}

checking('proved: steps with their times, then the verdict, and exit 0', async ({ dns, serve }) => {
  await serve({ external: 'accepted' });
  const { code, stdout, stderr } = await run('check', DOMAIN, '--config', configuration(dns.address));
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^b\.example, xmpp-server, as a\.example\n/);
  assert.match(
    stdout,
    /\n +\d+\.\d{3} s +dnsResolution +SRV _xmpp-server\._tcp\.b\.example: insecure: 0 0 \d+ xmpp\.b\.example/,
  );
  assert.match(stdout, /tlsNegotiation +TLSv1\.3 .*certificate of CN=b\.example.*SHA-256 [0-9a-f]{64}/);
  assert.match(stdout, /authentication +SASL EXTERNAL: accepted/);
  assert.match(stdout, /\nproved by pkix; federation: authenticated\n/);
});

checking('--json: steps, then one verdict, and nothing else on stdout; exit 1', async ({ dns, serve }) => {
  await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) });
  const { code, stdout } = await run('check', DOMAIN, '--json', '--config', configuration(dns.address));
  assert.equal(code, 1);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const verdict = events.pop();
  assert.ok(events.length > 5);
  for (const step of events) {
    assert.equal(step['event'], 'step');
    assert.deepEqual(
      [typeof step['state'], typeof step['ms'], typeof step['outcome'], typeof step['evidence']],
      ['string', 'number', 'string', 'object'],
    );
  }
  const { explanation, fix, ...rest } = verdict ?? {};
  assert.deepEqual(rest, {
    event: 'verdict',
    domain: DOMAIN,
    service: 'xmpp-server',
    verdict: 'refuted',
    prooftype: null,
    federation: 'none',
    fault: {
      layer: 'pkix',
      condition: 'name-mismatch',
      origin: 'peer',
      text: 'the certificate names other.example, not b.example',
    },
    cause: 'certificate-names-others',
  });
  assert.match(String(explanation), /does not name b\.example/);
  assert.match(String(fix), /dNSName b\.example/);
});

checking('--policy puts federation and prooftypes in place of those of the file', async ({ dns, serve }) => {
  await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) });
  const file = configuration(dns.address, 'policy: { federation: authenticated }');
  const { code, stdout } = await run('check', DOMAIN, '--config', file, '--policy', 'encrypted,pkix,dialback');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /proved by dialback; federation: encrypted/);
  assert.match(stdout, /\n {2}federation +authenticated → encrypted\n/);
  assert.match(
    stdout,
    /Stanzas to the domain:\n {2}now: {3}refused, decided by pkix: .*\n {2}then: {2}passes, decided by dialback/,
  );
  assert.match(stdout, /would let stanzas to the domain pass and would let stanzas from the domain pass\./);
});

const others = authority.issue({ dnsNames: ['other.example'] });

checking(
  '--policy minTls=1.3 to a server with TLS 1.2: it was reached, and that it comes in can no longer be told',
  async ({ dns, serve }) => {
    await serve({ maxVersion: 'TLSv1.2' });
    for (const words of ['minTls=1.3', 'permissive,minTls=1.3']) {
      const { stdout } = await run('check', DOMAIN, '--config', configuration(dns.address), '--policy', words);
      assert.match(
        stdout,
        /from the domain:\n.*now: {3}passes, decided by pkix: .*\n {2}then: {2}unknown: Its server was reached, but TLS was not established.*at least 1\.3 is required/,
        words,
      );
      assert.match(
        stdout,
        /The other policy would cut stanzas to the domain and leaves open whether stanzas from the domain would pass\.\n/,
      );
    }
  },
);

for (const [far, said] of [
  [
    { banner: '<stream:stream><<' },
    /unknown: Its server was reached, but what it says is not understood, .*not an XMPP/,
  ],
  [
    { streamError: 'host-unknown' },
    /unknown: Its server was reached, but the stream ended .*does not serve b\.example/,
  ],
  [{ credential: others }, /refused, decided by pkix: Its certificate is not proved by pkix,/],
] as const)
  checking(`--policy, of a far end with ${Object.keys(far).join()}: what is known of it`, async ({ dns, serve }) => {
    await serve(far);
    const { stdout } = await run('check', DOMAIN, '--config', configuration(dns.address), '--policy', 'pkix');
    assert.match(stdout, new RegExp(`from the domain:\n.*\n {2}then: {2}${said.source}`));
  });

checking('--policy: stanzas pass all the same, by another prooftype', async ({ dns, serve }) => {
  await serve({ credential: others });
  const file = configuration(dns.address, 'policy: { federation: encrypted }');
  const { code, stdout } = await run('check', DOMAIN, '--config', file, '--policy', 'permissive,pkix');
  assert.equal(code, 1);
  assert.equal(stdout.match(/ {2}then: {2}passes, no proof: Permissive federation asks for no proof\./g)?.length, 2);
  assert.match(
    stdout,
    /The other policy would still let stanzas to the domain pass, without a proof instead of by dialback and would still let stanzas from the domain pass, without a proof instead of by dialback\.\n/,
  );
  assert.doesNotMatch(stdout, /then: .*dialback|proved by dialback/);
  assert.match(stdout, /\nrefuted; federation: permissive\n/);
});

for (const far of [
  { external: 'absent', dialback: null },
  { external: 'absent', dialback: 'error not-authorized' },
  { external: 'refused', dialback: null },
] as const)
  checking(
    `--policy: who does not believe us (EXTERNAL ${far.external}, dialback ${far.dialback ?? 'absent'}) hardly comes in`,
    async ({ dns, serve }) => {
      await serve(far);
      const { stdout } = await run('check', DOMAIN, '--config', configuration(dns.address), '--policy', 'pkix');
      assert.match(stdout, /to the domain:\n {2}now: {3}refused/);
      assert.match(
        stdout,
        /from the domain:\n {2}now: {3}passes, decided by pkix: .* But it does not accept our certificate, and is unlikely to open a stream to us that way\.\n/,
      );
    },
  );

checking(
  '--policy: permissive federation lets in whom nobody can reach, and says nothing of his certificate',
  async ({ dns }) => {
    const { stdout } = await run('check', DOMAIN, '--config', configuration(dns.address), '--policy', 'permissive');
    assert.match(
      stdout,
      /from the domain:\n {2}now: {3}unknown: None of its servers could be reached, .*\n {2}then: {2}passes, no proof: Permissive/,
    );
    assert.match(stdout, /The other policy would let stanzas from the domain pass, which is open now\.\n/);
  },
);

checking('--policy: nor is dialback what decides of a far end that does not speak it', async ({ dns, serve }) => {
  await serve({ credential: others, dialback: null });
  const asked = ['check', DOMAIN, '--from', 'c.example', '--config', configuration(dns.address)];
  const { stdout } = await run(...asked, '--policy', 'permissive');
  assert.equal(stdout.match(/ {2}then: {2}passes, no proof: /g)?.length, 2, stdout);
});

checking('--policy: who cannot reach our server has not refused our certificate', async ({ dns, serve }) => {
  await serve({ dialback: 'error remote-connection-failed' });
  const { stdout } = await run('check', DOMAIN, '--config', configuration(dns.address), '--policy', 'pkix');
  assert.match(stdout, /to the domain:\n {2}now: {3}refused/);
  assert.doesNotMatch(stdout, /does not accept our certificate/);
});

checking(
  '--service xmpp-client: no target of servers, which is told, and no stanzas between servers',
  async ({ dns, serve }) => {
    const end = await serve({ contentNamespace: 'jabber:client', dialback: null }, false);
    dns.set('_xmpp-client._tcp.b.example', [{ type: 'SRV', target: 'xmpp.b.example', port: end.port }]);
    dns.set('xmpp.b.example', [{ type: 'A', address: '127.0.0.1' }]);
    const target = '{ host: 127.0.0.1, port: 1 }';
    const file = configuration(dns.address, `policy: { domains: { ${DOMAIN}: { target: ${target} } } }`);
    const asked = ['check', DOMAIN, '--service', 'xmpp-client', '--config', file, '--policy', 'pkix'];
    const { code, stdout, stderr } = await run(...asked);
    assert.equal(code, 0, stdout);
    assert.match(stderr, /the target of b\.example applies to servers only, and is ignored/);
    assert.doesNotMatch(stdout, /Stanzas|The policy in force/);
    assert.equal(end.connections, 1, 'asked once');
  },
);

/** Replaces names, times and properties of certificates, which differ from run to run. */
const withoutNames = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replaceAll('paris.example', DOMAIN)
    .replaceAll('capulet.example', LOCAL)
    .replaceAll('CA of Verona', 'Trusted Root')
    .replaceAll(/\d+\.\d{3} s/g, 'N s')
    .replaceAll(/port \d+/g, 'port N')
    .replaceAll(/SHA-256 [0-9a-f]{64}/g, 'SHA-256 H');

checking('docs/stuck.md shows what check prints of the same', async ({ dns, serve }) => {
  const { port } = await serve({
    credential: authority.issue({ commonName: 'shop.example', dnsNames: ['shop.example'] }),
  });
  const target = `{ host: 127.0.0.1, port: ${port} }`;
  const file = configuration(dns.address, `policy: { domains: { ${DOMAIN}: { target: ${target} } } }`);
  const page = withoutNames(readFileSync(join(ROOT, 'docs/stuck.md'), 'utf8'));
  for (const asked of [[], ['--policy', 'encrypted,pkix,dialback']]) {
    const { stdout } = await run('check', DOMAIN, '--config', file, ...asked);
    const shown = asked.length === 0 ? stdout : stdout.slice(stdout.indexOf('The policy in force'));
    assert.match(shown, /decided by pkix|does not name/);
    assert.ok(page.includes(withoutNames(shown).trim()), withoutNames(shown));
  }
});

checking(
  '--policy FILE: what a stricter policy would cut, in and out, and by which prooftype (P3)',
  async ({ dns, serve }) => {
    await serve({ credential: authority.issue({ dnsNames: ['other.example'] }) });
    const file = configuration(dns.address, 'policy: { federation: encrypted }');
    const strict = join(folder, 'strict.yaml');
    writeFileSync(strict, 'policy: { federation: authenticated, prooftypes: [pkix], minTls: "1.3" }\n');
    const { code, stdout } = await run('check', DOMAIN, '--json', '--config', file, '--policy', strict);
    assert.equal(code, 1, stdout);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const comparison = events.at(-2) as unknown as { event: string } & PolicyComparison;
    assert.equal(events.at(-1)?.['event'], 'verdict');
    assert.equal(comparison.event, 'comparison');
    assert.deepEqual(
      comparison.differences.map(({ key, inForce, other }) => [key, inForce, other]),
      [
        ['federation', 'encrypted', 'authenticated'],
        ['prooftypes', 'dane, pkix, posh, dialback', 'pkix'],
        ['minTls', '1.2', '1.3'],
      ],
    );
    assert.deepEqual(comparison.cuts, ['out', 'in']);
    assert.deepEqual(comparison.opens, []);
    const passages = [comparison.inForce, comparison.other].flatMap((effect) => [effect.out, effect.in]);
    assert.deepEqual(
      passages.map(({ outcome, by }) => [outcome, by]),
      [
        ['passes', 'dialback'],
        ['passes', 'dialback'],
        ['refused', 'pkix'],
        ['refused', 'pkix'],
      ],
    );
  },
);

checking(
  '--policy: a domain that is proved anyway is cut by nothing but a list that denies it',
  async ({ dns, serve }) => {
    await serve();
    const file = configuration(dns.address);
    const denying = join(folder, 'denying.yaml');
    writeFileSync(denying, `policy: { deny: [${DOMAIN}] }\n`);
    for (const [given, said] of [
      ['pkix', /would change nothing of that/],
      [denying, /would cut stanzas to the domain and would cut stanzas from the domain/],
    ] as const) {
      const { stdout } = await run('check', DOMAIN, '--config', file, '--policy', given);
      assert.match(stdout, said);
    }
  },
);

test('wrong usage is told, with what is expected; exit 2', async () => {
  for (const [args, expected] of [
    [['check'], /expected DOMAIN/],
    [['check', 'no domain'], /DOMAIN: expected a domain/],
    [['check', DOMAIN, '--service', 'xmpp'], /--service: expected xmpp-server or xmpp-client/],
    [['check', DOMAIN, '--policy', 'secure'], /--policy: expected permissive, verified/],
    [['check', DOMAIN, '--policy', ''], /--policy: expected permissive, .*, minTls=1\.2\|1\.3, got ""/],
    [['check', DOMAIN, '--policy', 'dialback'], /never accepts dialback alone; .* as in encrypted,dialback\n/],
    [['check', DOMAIN, '--policy', 'minTls=1.1'], /--policy: expected 1\.2 or 1\.3, got "minTls=1\.1"/],
    [['check', DOMAIN, '--policy', 'tls=1.3'], /--policy: expected one of the keys federation/],
    [['check', DOMAIN, '--policy', join(folder, 'nothing.yaml')], /nothing\.yaml/],
    [['check', DOMAIN, '--from', DOMAIN], /expected a domain other than b\.example/],
    [['check', DOMAIN, '--config', join(folder, 'nothing.yaml')], /nothing\.yaml/],
  ] as const) {
    const { code, stderr } = await run(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, expected);
  }
});

test('the words of --policy: one federation, prooftypes in their order, what is absent stays', () => {
  const policy = {
    federation: 'encrypted',
    prooftypes: ['pkix'],
    domains: { '*.example': { minTls: '1.3' } },
  } as const;
  const towards = (words: string) => overridden(policy, DOMAIN, words).domains?.[DOMAIN];
  assert.deepEqual(towards('verified'), { federation: 'verified', prooftypes: ['pkix'], minTls: '1.3' });
  assert.deepEqual(towards('posh, dane')?.prooftypes, ['posh', 'dane']);
  assert.deepEqual(towards('federation=verified,prooftypes=posh+dane,minTls=1.2'), {
    federation: 'verified',
    prooftypes: ['posh', 'dane'],
    minTls: '1.2',
  });
  for (const wrong of ['verified,encrypted', 'pkix,pkix', 'tls', '', 'authenticated,dialback'])
    assert.throws(() => towards(wrong), /--policy/, wrong);
});

test('where the file wants libunbound and it is not here, nothing is checked: exit 3', () => {
  const without: typeof createNodePorts = (options) => {
    if (options.dns?.validator === 'libunbound')
      throw new FaultError(fault('dns', 'validator-unavailable', 'local', 'no libunbound.so.8'));
    return createNodePorts(options);
  };
  const notes: string[] = [];
  const file = configuration('127.0.0.1@53');
  const config = loadConfig(file);
  const wanting = { ...config, dns: { ...config.dns, validator: 'libunbound' as const } };
  assert.throws(
    () => portsFor(file, wanting, (note) => notes.push(note), without),
    (thrown) => thrown instanceof MissingPartError && /apt-get install libunbound8/.test(thrown.message),
  );
  const ports = portsFor('', null, (note) => notes.push(note), without);
  assert.equal(ports.resolver.validates, false);
  assert.match(notes.at(-1) ?? '', /DNS answers are not validated here/);
  ports.close();
});
