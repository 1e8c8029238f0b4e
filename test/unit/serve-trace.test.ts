/** `serve` with `trace: { file }`: in its own process, controlled by signals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { readTraceFile } from '../../src/trace/read-file.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-trace-'));
after(() => rmSync(folder, { recursive: true }));
const { cert, key } = createCertificateAuthority({ name: 'CA' }).issue({ dnsNames: ['b.example'] });
writeFileSync(join(folder, 'b.crt'), cert);
writeFileSync(join(folder, 'b.key'), key);

/** Starts it; sends SIGTERM once it says that it is ready. */
async function serve(name: string, trace: string): Promise<{ code: number | null; stderr: string }> {
  const file = join(folder, name);
  const lines = [
    'hosts: { b.example: { cert: b.crt, key: b.key } }',
    'listen: [{ address: 127.0.0.1, port: 0 }]',
    'dns: { validator: none }',
    `trace: { file: ${trace} }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const args = ['--import', 'tsx', 'src/cli/main.ts', 'serve', '--json', '--config', file];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('"ready"')) child.kill('SIGTERM');
  const [code] = (await closed) as [number | null];
  return { code, stderr };
}

test('serve writes the trace file beside its configuration: a whole one once it has drained', async () => {
  const { code, stderr } = await serve('good.yaml', 'out.dnalog');
  assert.equal(code, 0, stderr);
  const { header, isCutOff } = await readTraceFile(join(folder, 'out.dnalog'));
  assert.deepEqual([header.role, header.hosts, isCutOff], ['daemon', ['b.example'], false]);
  assert.match(header.software, /^xmpp-dna \d+\.\d+\.\d+$/);
});

test('a trace file that cannot be written is a matter of the configuration: exit code 2, and the key is named', async () => {
  const { code, stderr } = await serve('bad.yaml', 'no/such/folder/out.dnalog');
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /bad\.yaml: trace\.file: expected a file that can be written: config: trace-unwritable .*no\/such\/folder/,
  );
  assert.ok(!existsSync(join(folder, 'no')));
});
