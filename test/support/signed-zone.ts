/** Zones signed as operators sign them, with the tools of ldns. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing, temporaryFolder } from './processes.ts';

const KEYGEN = '/usr/bin/ldns-keygen';
const SIGNZONE = '/usr/bin/ldns-signzone';
const DAY_MS = 86_400_000;

/** Why zones cannot be signed here, or null when they can. */
export const signingMissing: string | null = missing(KEYGEN) ?? missing(SIGNZONE);

export interface SigningOptions {
  /** Denials as hashed names (RFC 5155). @defaultValue false */
  readonly nsec3?: boolean;
  /** Signatures that expired at least a day ago. @defaultValue false */
  readonly expired?: boolean;
  /** Signatures that become valid in a day at the earliest. @defaultValue false */
  readonly notYet?: boolean;
}

export interface SignedZone {
  /** The zone with its keys and signatures, as a master file. */
  readonly text: string;
  /** The DS record of its key, for the parent or as a trust anchor. */
  readonly ds: string;
}

/** Signs `text`, a master file with an `$ORIGIN` and a SOA, with a new key. */
export function signZone(name: string, text: string, options: SigningOptions = {}): SignedZone {
  const folder = temporaryFolder('zone', null);
  try {
    const run = (command: string, ...args: string[]): string =>
      execFileSync(command, args, { cwd: folder.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
    const key = run(KEYGEN, '-a', 'ECDSAP256SHA256', '-k', name);
    writeFileSync(join(folder.path, 'plain.zone'), text);
    const day = (offset: number): string =>
      new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
    const [begins, ends] = options.expired === true ? [-30, -1] : options.notYet === true ? [2, 30] : [-2, 30];
    const dates = ['-i', day(begins), '-e', day(ends)];
    run(SIGNZONE, ...(options.nsec3 === true ? ['-n'] : []), ...dates, '-f', 'signed.zone', 'plain.zone', key);
    const read = (file: string): string => readFileSync(join(folder.path, file), 'utf8');
    return { text: read('signed.zone'), ds: read(`${key}.ds`).trim() };
  } finally {
    folder.remove();
  }
}
