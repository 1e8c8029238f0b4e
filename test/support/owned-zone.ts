/** Zones signed with keys that ldns did not generate: those of certificates. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './processes.ts';

const SIGNZONE = '/usr/bin/ldns-signzone';

/** Both files of a key, in the formats of BIND and ldns, and the base of their names. */
export interface KeyFiles {
  readonly name: string;
  readonly publicFile: string;
  readonly privateFile: string;
}

/** Signs `text`, a master file with an `$ORIGIN` and a SOA; both dates in milliseconds since the epoch. */
export function signZoneWith(
  keys: readonly KeyFiles[],
  text: string,
  { fromMs = Date.now() - 86_400_000, untilMs = Date.now() + 30 * 86_400_000 } = {},
): string {
  const folder = temporaryFolder('zone', null);
  try {
    for (const { name, publicFile, privateFile } of keys) {
      writeFileSync(join(folder.path, `${name}.key`), publicFile);
      writeFileSync(join(folder.path, `${name}.private`), privateFile);
    }
    writeFileSync(join(folder.path, 'plain.zone'), text);
    const seconds = (ms: number): string => String(Math.floor(ms / 1000));
    const dates = ['-i', seconds(fromMs), '-e', seconds(untilMs)];
    const args = [...dates, '-f', 'signed.zone', 'plain.zone', ...keys.map(({ name }) => name)];
    execFileSync(SIGNZONE, args, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
    return readFileSync(join(folder.path, 'signed.zone'), 'utf8');
  } finally {
    folder.remove();
  }
}
