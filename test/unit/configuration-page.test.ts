/** docs/configuration.md against the code: its keys, its bounds, its defaults, and the file that it shows. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig, type ServeConfig } from '../../src/config/load.ts';
import { limitBounds, limitsFrom, traceFileBounds } from '../../src/options.ts';
import { defaultPolicy, FEDERATIONS, PROOFTYPES } from '../../src/protocol/policy.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { traceLimits } from '../../src/trace/limits.ts';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

interface Row {
  readonly value: string;
  readonly fallback: string;
}

/** The table of each section, by key. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const rows = [...section.matchAll(/^\| `(\w+)` +\| (.*?) +\|(.*)\|$/gm)].map(
        ([, key = '', value = '', fallback = '']): [string, Row] => [key, { value, fallback: fallback.trim() }],
      );
      return [/^`(\w+)`/.exec(section)?.[1] ?? '', new Map(rows)] as const;
    }),
);

const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-configuration-'));
after(() => rmSync(folder, { recursive: true }));
const authority = createCertificateAuthority({ name: 'Authority of Verona' });
const { cert, key } = authority.issue({ dnsNames: ['capulet.example', '*.capulet.example'] });
mkdirSync(join(folder, 'tls'));
writeFileSync(join(folder, 'tls/capulet.crt'), cert);
writeFileSync(join(folder, 'tls/capulet.key'), key);
writeFileSync(join(folder, 'tls/other-authority.crt'), authority.certPem);

function load(text: string): ServeConfig {
  const file = join(folder, 'xmpp-dna.yaml');
  writeFileSync(file, text);
  return loadConfig(file);
}

/** The keys that the decoder knows at a place, as it says when it finds another one there. */
function keysKnownWith(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    const known = error.problems.map((problem) => /unknown key; known here: (.*)$/.exec(problem)?.[1]);
    return known.find((keys) => keys !== undefined)?.split(', ') ?? [];
  }
  throw new Error('an unknown key was accepted');
}

test('the file that the page shows is accepted without a warning, and has every section', () => {
  const yaml = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
  const { manager, warnings, dns } = load(yaml);
  assert.deepEqual(warnings, []);
  assert.equal(dns.validator, 'libunbound');
  assert.deepEqual(Object.keys(manager.hosts), ['capulet.example', 'chat.capulet.example', 'echo.capulet.example']);
  const shown = [...yaml.matchAll(/^(\w+):/gm)].map(([, name]) => name);
  assert.deepEqual([...sections.keys()].toSorted(), keysKnownWith('zzz: 1').toSorted());
  assert.deepEqual(shown.toSorted(), [...sections.keys()].toSorted());
});

const LISTED = ['listen', 'components'];

for (const [section, rows] of sections) {
  if (section === 'bidi') continue; // a value of its own, and no table
  test(`${section}: the page has the keys that the file may have`, () => {
    const element =
      section === 'hosts' ? '{ x.example: { zzz: 1 } }' : LISTED.includes(section) ? '[{ zzz: 1 }]' : '{ zzz: 1 }';
    assert.deepEqual([...rows.keys()].toSorted(), keysKnownWith(`${section}: ${element}`).toSorted());
  });
}

test('limits: the page has the bounds and defaults of the code', () => {
  const defaults = limitsFrom();
  for (const [name, { value, fallback }] of sections.get('limits') ?? []) {
    const limit = name as keyof typeof limitBounds;
    const [least, most] = limitBounds[limit];
    assert.ok(value.includes(`${least} to ${most}`), `${name}: ${value}`);
    assert.equal(fallback, Number.isFinite(defaults[limit]) ? String(defaults[limit]) : 'no limit', name);
  }
});

test('the page has the other defaults of the code', () => {
  const fallbackOf = (section: string, name: string): string | undefined => sections.get(section)?.get(name)?.fallback;
  const { manager, trust, dns, posh } = load(
    'hosts: { capulet.example: { cert: tls/capulet.crt, key: tls/capulet.key } }\nlisten: [{ address: ::1, port: 0 }]\n',
  );
  assert.equal(fallbackOf('listen', 'tls'), `\`${manager.listen?.[0]?.tls ?? ''}\``);
  assert.equal(fallbackOf('trust', 'system'), `\`${trust.system}\``);
  assert.equal(fallbackOf('dns', 'validator'), `\`${dns.validator}\``);
  assert.equal(fallbackOf('dns', 'trustRemote'), `\`${dns.trustRemote}\``);
  for (const name of ['enabled', 'system', 'allowPrivate'] as const)
    assert.equal(fallbackOf('posh', name), `\`${posh[name]}\``, name);
  assert.equal(fallbackOf('posh', 'port'), String(posh.port));
  assert.equal(fallbackOf('policy', 'federation'), `\`${defaultPolicy.federation}\``);
  assert.equal(fallbackOf('policy', 'prooftypes'), `\`[${defaultPolicy.prooftypes.join(', ')}]\``);
  assert.equal(fallbackOf('policy', 'minTls'), `\`'${defaultPolicy.minTls}'\``);
  assert.equal(fallbackOf('trace', 'fileBytes'), String(traceLimits.fileBytes));
  assert.ok(sections.get('trace')?.get('fileBytes')?.value.includes(traceFileBounds.join(' to ')));
});

test('policy: the page names every federation and prooftype', () => {
  const policy = sections.get('policy');
  for (const name of FEDERATIONS) assert.ok(policy?.get('federation')?.value.includes(`\`${name}\``), name);
  for (const name of PROOFTYPES) assert.ok(policy?.get('prooftypes')?.value.includes(`\`${name}\``), name);
});
