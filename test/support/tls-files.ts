/** Certificates and keys as files of a server under test. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credential } from '../../src/ports.ts';
import type { Account } from './processes.ts';

/** A domain served by a server under test, with its PEM chain and key; several domains may share one credential. */
export interface ServerHost {
  readonly domain: string;
  readonly credential: Credential;
}

export interface TlsFiles {
  readonly caFile: string;
  /** Paths of certificate chain and key, by domain. */
  readonly byDomain: ReadonlyMap<string, { readonly certificate: string; readonly key: string }>;
}

/**
 * Writes `ca.pem` and, per domain, `certs/DOMAIN.crt` and `certs/DOMAIN.key` below `folder`; only the account can read
 * the keys.
 */
export function writeTlsFiles(
  folder: string,
  account: Account | null,
  hosts: readonly ServerHost[],
  caPem: string,
): TlsFiles {
  const own = (path: string, mode: number): string => {
    if (account !== null) chownSync(path, account.uid, account.gid);
    chmodSync(path, mode);
    return path;
  };
  const write = (path: string, pem: string, mode: number): string => {
    writeFileSync(path, pem, { mode });
    return own(path, mode);
  };
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  own(certs, 0o700);
  return {
    caFile: write(join(folder, 'ca.pem'), caPem, 0o644),
    byDomain: new Map(
      hosts.map(({ domain, credential }) => [
        domain,
        {
          certificate: write(join(certs, `${domain}.crt`), credential.cert, 0o644),
          key: write(join(certs, `${domain}.key`), credential.key, 0o600),
        },
      ]),
    ),
  };
}
