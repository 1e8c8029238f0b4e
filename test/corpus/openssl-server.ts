/** The TLS server of OpenSSL, which reports what it rejects in an alert. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, missing, temporaryFolder } from '../support/processes.ts';
import { good } from './far-ends.ts';
import { authority, B, type Stage } from './stage.ts';

const OPENSSL = '/usr/bin/openssl';

export const opensslMissing: string | null = missing(OPENSSL);

/** b.example, for direct TLS; `args` are those of `openssl s_server`. */
export async function opensslServer(stage: Stage, ...args: readonly string[]): Promise<void> {
  const folder = temporaryFolder('openssl', null);
  const file = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return path;
  };
  const own = ['-cert', file('cert.pem', good.cert), '-key', file('key.pem', good.key)];
  const second = ['-cert2', file('cert2.pem', good.cert), '-key2', file('key2.pem', good.key)];
  const port = await freePort();
  const stranger = ['-CAfile', file('ca.pem', authority.certPem)];
  const given = ['s_server', '-accept', `127.0.0.1:${port}`, ...own, ...second, ...stranger, ...args];
  const server = spawn(OPENSSL, given, { stdio: ['pipe', 'pipe', 'pipe'] });
  stage.atEnd(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
    folder.remove();
  });
  let said = '';
  for (const output of [server.stdout, server.stderr])
    output.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      stage.changed();
    });
  await stage.until(
    () => said.includes('ACCEPT'),
    () => said,
  );
  stage.publish([B], port, { tls: 'direct' });
}
