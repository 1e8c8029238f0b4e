/**
 * Our own daemon as a party of the interop tests: `xmpp-dna serve` in its own process, with components attached to it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { PolicyOptions } from '../../src/options.ts';
import { startProcess, temporaryFolder, type RunningProcess } from '../support/processes.ts';
import { writeTlsFiles, type ServerHost } from '../support/tls-files.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface DaemonOptions {
  /** Served with these credentials; hosts that are also in `components` are served by a component. */
  readonly hosts: readonly ServerHost[];
  /** Component domain to secret. A component without its own credential uses that of its closest parent host. */
  readonly components: Readonly<Record<string, string>>;
  /** The trust anchors for s2s. */
  readonly caPem: string;
  /** `127.0.0.1@PORT` of the name server. */
  readonly dns: string;
  /** @defaultValue `encrypted` with PKIX, then dialback */
  readonly policy?: PolicyOptions;
  /** @defaultValue true */
  readonly bidi?: boolean;
  /** @defaultValue 'detect' */
  readonly listen?: 'starttls' | 'direct' | 'detect';
}

export interface Daemon extends RunningProcess {
  readonly s2sPort: number;
  readonly componentPort: number;
  readonly folder: string;
  /** Sends SIGTERM; resolves with the exit code. */
  drain(): Promise<number | null>;
}

/** Starts the daemon with its own configuration file; resolves once it has said `ready`. Takes about 1 s. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const folder = temporaryFolder('daemon', null);
  const config = join(folder.path, 'xmpp-dna.yaml');
  writeFileSync(config, stringify(configuration(options, folder.path)));
  let running: RunningProcess;
  try {
    running = await startProcess({
      name: 'xmpp-dna',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), MAIN, 'serve', '--config', config, '--json'],
      folder: folder.path,
      account: null,
      ready: [/^\{"event":"ready".*$/m],
    });
  } catch (error) {
    folder.remove();
    throw error;
  }
  const ready = JSON.parse(/^\{"event":"ready".*$/m.exec(running.log())?.[0] ?? '') as ReadyLine;
  const drain = async (): Promise<number | null> => {
    process.kill(running.pid, 'SIGTERM');
    const code = await running.exited;
    folder.remove();
    return code;
  };
  return {
    ...running,
    s2sPort: ready.listen[0]?.port ?? 0,
    componentPort: ready.components[0]?.port ?? 0,
    folder: folder.path,
    drain,
    kill: async () => {
      await running.kill();
      folder.remove();
    },
  };
}

/** The line that `serve --json` prints when it is ready. */
interface ReadyLine {
  readonly listen: readonly { readonly port: number }[];
  readonly components: readonly { readonly port: number }[];
}

function configuration(options: DaemonOptions, folder: string): Record<string, unknown> {
  const { hosts, components, caPem, dns, bidi = true, listen = 'detect' } = options;
  const tls = writeTlsFiles(folder, null, hosts, caPem);
  const files = (domain: string): { cert: string; key: string } | undefined => {
    const pair = tls.byDomain.get(domain);
    return pair === undefined ? undefined : { cert: pair.certificate, key: pair.key };
  };
  const own = hosts.map(({ domain }) => domain).filter((domain) => !(domain in components));
  return {
    hosts: Object.fromEntries(own.map((domain) => [domain, files(domain)])),
    listen: [{ address: '127.0.0.1', port: 0, tls: listen }],
    components: [
      {
        address: '127.0.0.1',
        port: 0,
        domains: Object.fromEntries(
          Object.entries(components).map(([domain, secret]) => [domain, { secret, ...files(domain) }]),
        ),
      },
    ],
    trust: { system: false, files: [tls.caFile] },
    dns: { validator: 'none', servers: [dns] },
    policy: options.policy ?? { federation: 'encrypted', prooftypes: ['pkix', 'dialback'] },
    bidi,
  };
}
