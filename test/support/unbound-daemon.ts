/**
 * A real unbound: a validating resolver for other processes, on a high loopback port, with our own trust anchor and
 * stub.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountNamed, freePort, missing, startProcess, temporaryFolder, type RunningProcess } from './processes.ts';

const UNBOUND = '/usr/sbin/unbound';

/** Why unbound is not available, or null when it is. */
export const unboundDaemonMissing: string | null = missing(UNBOUND);

export interface UnboundDaemonOptions {
  /** Authoritative servers by zone. */
  readonly stubs: Readonly<Record<string, string>>;
  /** DS records. */
  readonly trustAnchors: readonly string[];
  /** Whether it says why an answer failed (RFC 8914); Debian's does not, by default. @defaultValue false */
  readonly extendedErrors?: boolean;
}

export interface UnboundDaemon {
  /** `127.0.0.1@PORT`. */
  readonly address: string;
  log(): string;
  stop(): Promise<void>;
}

export async function startUnbound(options: UnboundDaemonOptions): Promise<UnboundDaemon> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOn(await freePort(), options);
    } catch (error) {
      // The port was free for TCP a moment ago; since then it may have been taken, or it is in use for UDP.
      if (attempt === 3 || !/bind|in use/i.test(String(error))) throw error;
    }
  }
}

async function startOn(port: number, options: UnboundDaemonOptions): Promise<UnboundDaemon> {
  const account = process.getuid?.() === 0 ? accountNamed('unbound') : null;
  const folder = temporaryFolder('unbound', account);
  const file = join(folder.path, 'unbound.conf');
  writeFileSync(file, configuration(port, folder.path, options));
  let unbound: RunningProcess;
  try {
    unbound = await startProcess({
      name: 'unbound',
      command: UNBOUND,
      args: ['-d', '-d', '-p', '-c', file],
      folder: folder.path,
      account,
      ready: [/start of service/],
    });
  } catch (error) {
    folder.remove();
    throw error;
  }
  return {
    address: `127.0.0.1@${port}`,
    log: () => unbound.log(),
    stop: async () => {
      await unbound.stop();
      folder.remove();
    },
  };
}

function configuration(port: number, folder: string, options: UnboundDaemonOptions): string {
  const { stubs, trustAnchors, extendedErrors = false } = options;
  return [
    'server:',
    `  interface: 127.0.0.1@${port}`,
    `  directory: "${folder}"`,
    '  username: ""', // the process no longer runs as root
    '  chroot: ""',
    '  pidfile: ""',
    '  use-syslog: no',
    '  logfile: ""',
    '  verbosity: 1',
    '  num-threads: 1',
    '  do-not-query-localhost: no',
    '  module-config: "validator iterator"',
    `  ede: ${extendedErrors ? 'yes' : 'no'}`,
    ...trustAnchors.map((anchor) => `  trust-anchor: "${anchor.replace(/\s+/g, ' ')}"`),
    'remote-control:',
    '  control-enable: no',
    ...Object.entries(stubs).flatMap(([zone, server]) => ['stub-zone:', `  name: "${zone}"`, `  stub-addr: ${server}`]),
    '',
  ].join('\n');
}
