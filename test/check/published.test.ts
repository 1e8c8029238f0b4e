/** The output of `publish`, loaded into nsd unchanged: `check` finds that it proves the domain. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandLine } from '../../src/cli/run.ts';
import { authority, checkedAt, DOMAIN } from '../support/check-stage.ts';
import { startFarEnd } from '../support/far-end.ts';
import { nsdMissing, startNsd } from '../support/nsd.ts';
import { signingMissing, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;
const HEAD = `$ORIGIN ${DOMAIN}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
xmpp A 127.0.0.1
`;

/** The standard output of `publish` for this certificate, served at `xmpp.b.example`. */
async function published(chain: string, port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-published-'));
  const file = join(folder, 'chain.pem');
  writeFileSync(file, chain);
  const lines: string[] = [];
  const args = ['publish', file, '--domain', DOMAIN, '--target', `xmpp.${DOMAIN}`, '--port', String(port)];
  const code = await runCommandLine(args, (json) => ({
    json,
    print: (line) => void lines.push(line),
    event: () => undefined,
    tell: () => undefined,
    paint: (_colour, text) => text,
  }));
  rmSync(folder, { recursive: true });
  assert.equal(code, 0);
  return `${lines.join('\n')}\n`;
}

test(
  'a certificate that names nobody we know is proved by what publish prints for it, in a signed zone',
  { skip },
  async () => {
    const credential = authority.issue({ dnsNames: ['elsewhere.example'] });
    const end = await startFarEnd({ credential });
    const zone = signZone(DOMAIN, HEAD + (await published(credential.cert, end.port)));
    const nsd = await startNsd({ [DOMAIN]: zone.text });
    const dns = { validator: 'libunbound', stubs: { [DOMAIN]: nsd.address }, trustAnchors: [zone.ds] } as const;
    try {
      const { verdict } = await checkedAt({ dns });
      assert.deepEqual(
        [verdict.verdict, verdict.prooftype, verdict.fix],
        ['proved', 'dane', null],
        verdict.explanation,
      );
    } finally {
      await Promise.all([nsd.stop(), end.close()]);
    }
  },
);
