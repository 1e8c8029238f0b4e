/** The servers that are compared, each as operators run it, configured to do the same work. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { ejabberdMissing, startEjabberd } from '../../test/support/ejabberd.ts';
import { freePort, startProcess, temporaryFolder } from '../../test/support/processes.ts';
import { prosodyMissing, startProsody } from '../../test/support/prosody.ts';
import { writeTlsFiles } from '../../test/support/tls-files.ts';
import { cpuSeconds } from './figures.ts';

/** Served by every server under test, with a component below it. */
export const HOST = 'served.example';
export const COMPONENT = `component.${HOST}`;
/** A second component, for pings. */
export const PINGED = `pinged.${HOST}`;
export const SECRET = 'component secret';
/** The domain from which the load comes; it has a certificate. */
export const PEER = 'peer.example';

export const authority = createCertificateAuthority({ name: 'Benchmark CA' });
const eku = ['serverAuth', 'clientAuth'] as const; // ejabberd requires both
const served = authority.issue({ dnsNames: [HOST, `*.${HOST}`], eku });
export const peerCredential = authority.issue({ dnsNames: [PEER], eku });

export interface ServerUnderTest {
  readonly name: string;
  readonly pid: number;
  readonly ports: { readonly s2s: number; readonly component: number };
  /** Used so far by the process and its threads. */
  cpuSeconds(): number;
  rssBytes(): number;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Our built daemon, as `xmpp-dna serve` runs it; `root` is the path of a clone. `PROFILE=DIR` in the environment writes
 * a CPU profile there when it ends.
 */
export async function startOurs(name = 'xmpp-dna', root = ROOT): Promise<ServerUnderTest> {
  const daemon = join(root, 'dist/src/cli/main.js');
  if (!existsSync(daemon)) throw new Error('benchmarks run what is built: npm run build');
  const folder = temporaryFolder('benchmark', null);
  const tls = writeTlsFiles(folder.path, null, [{ domain: HOST, credential: served }], authority.certPem);
  const files = tls.byDomain.get(HOST);
  const ports = { s2s: await freePort(), component: await freePort() };
  const address = '127.0.0.1';
  const config = {
    hosts: { [HOST]: { cert: files?.certificate, key: files?.key } },
    listen: [{ address, port: ports.s2s }],
    components: [{ address, port: ports.component, domains: { [COMPONENT]: SECRET, [PINGED]: SECRET } }],
    trust: { system: false, files: [tls.caFile] },
    dns: { validator: 'none', servers: ['127.0.0.1@9'] }, // no names are looked up
    limits: { connectionsPerSecond: 1_000_000 }, // one address does the work of many
  };
  const file = join(folder.path, 'xmpp-dna.yaml');
  writeFileSync(file, stringify(config));
  const profiles = process.env['PROFILE'];
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  const running = await startProcess({
    name: 'xmpp-dna',
    command: process.execPath,
    args: [
      ...(profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval', '300', '--cpu-prof-dir', profiles]),
      ...[daemon, 'serve', '--config', file, '--json'],
    ],
    folder: folder.path,
    account: null,
    ready: [/"event":\s*"ready"/],
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    folder.remove();
  };
  return { name, ports, ...measured(running), stop };
}

/** Debian's servers, without the logging of every element; null when not installed here. */
export async function startProsodyUnderTest(): Promise<ServerUnderTest | null> {
  if (prosodyMissing() !== null) return null;
  const running = await startProsody({ ...likewise(), external: true });
  return { name: 'Prosody', ports: running.ports, ...measured(running), stop: () => running.discard() };
}

export async function startEjabberdUnderTest(): Promise<ServerUnderTest | null> {
  if (ejabberdMissing() !== null) return null;
  const running = await startEjabberd(likewise());
  return { name: 'ejabberd', ports: running.ports, ...measured(running), stop: () => running.discard() };
}

const likewise = () => ({
  hosts: [{ domain: HOST, credential: served }],
  caPem: authority.certPem,
  dns: '127.0.0.1@9',
  components: { [COMPONENT]: SECRET },
  logLevel: 'info' as const,
});

const measured = (running: { readonly pid: number; rssBytes(): number }) => ({
  pid: running.pid,
  cpuSeconds: () => cpuSeconds(running.pid),
  rssBytes: () => running.rssBytes(),
});

/**
 * Ours and those that are installed, running; prints the names of the others. `BESIDE=DIR` adds the build of another
 * clone.
 */
export async function startAll(): Promise<ServerUnderTest[]> {
  const beside = process.env['BESIDE'];
  const started = [
    await startOurs(),
    beside === undefined ? null : await startOurs('xmpp-dna beside', beside),
    await startProsodyUnderTest(),
    await startEjabberdUnderTest(),
  ];
  const running = started.filter((server) => server !== null);
  const names = running.map(({ name }) => name);
  for (const name of ['Prosody', 'ejabberd']) if (!names.includes(name)) console.log(`${name} is not installed here`);
  return running;
}
