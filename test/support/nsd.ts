/** A real nsd: authoritative for the given zones only, on a high loopback port. */
import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';
import { accountNamed, freePort, missing, startProcess, temporaryFolder, type RunningProcess } from './processes.ts';

const NSD = '/usr/sbin/nsd';

/** Why nsd is not available, or null when it is: `test(name, { skip: nsdMissing ?? false }, …)`. */
export const nsdMissing: string | null = missing(NSD);

export interface Nsd {
  readonly port: number;
  /** `127.0.0.1@PORT`. */
  readonly address: string;
  log(): string;
  stop(): Promise<void>;
}

/**
 * Serves `zones`, master file text by zone name, over UDP and TCP; signed zones too, unchanged. Resolves when a query
 * for a zone's SOA has been answered; rejects with nsd's log otherwise.
 */
export async function startNsd(zones: Readonly<Record<string, string>>): Promise<Nsd> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOn(await freePort(), zones);
    } catch (error) {
      // The port was free for TCP a moment ago; since then it may have been taken, or it is in use for UDP.
      if (attempt === 3 || !/bind|in use/i.test(String(error))) throw error;
    }
  }
}

async function startOn(port: number, zones: Readonly<Record<string, string>>): Promise<Nsd> {
  const account = process.getuid?.() === 0 ? accountNamed('nsd') : null;
  const folder = temporaryFolder('nsd', account);
  Object.values(zones).forEach((text, i) => writeFileSync(join(folder.path, `${i}.zone`), text));
  writeFileSync(join(folder.path, 'nsd.conf'), configuration(port, folder.path, Object.keys(zones)));

  let nsd: RunningProcess | null = null;
  try {
    nsd = await startProcess({
      name: 'nsd',
      command: NSD,
      args: ['-d', '-c', join(folder.path, 'nsd.conf')],
      folder: folder.path,
      account,
      ready: [/nsd started/],
    });
    for (const zone of Object.keys(zones)) await answersSoa(port, zone, nsd);
  } catch (error) {
    await nsd?.stop();
    folder.remove();
    throw error;
  }
  const running = nsd;
  return {
    port,
    address: `127.0.0.1@${port}`,
    log: () => running.log(),
    stop: async () => {
      await running.stop();
      folder.remove();
    },
  };
}

/** Queries until the zone is served, as any client would. */
async function answersSoa(port: number, zone: string, nsd: RunningProcess): Promise<void> {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const givesUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await resolver.resolveSoa(zone);
      return;
    } catch (cause) {
      if (Date.now() > givesUpAt) throw new Error(`nsd does not serve ${zone}:\n${nsd.log()}`, { cause });
      await pause(20);
    }
  }
}

function configuration(port: number, folder: string, zones: readonly string[]): string {
  return [
    'server:',
    `  ip-address: 127.0.0.1@${port}`,
    '  username: ""', // the process no longer runs as root
    '  server-count: 1',
    `  zonesdir: "${folder}"`,
    '  database: ""',
    '  pidfile: ""',
    `  xfrdfile: "${folder}/xfrd.state"`,
    `  xfrdir: "${folder}"`,
    `  zonelistfile: "${folder}/zone.list"`,
    '  rrl-ratelimit: 0', // tests send more queries than nsd allows one client by default
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap((zone, i) => ['zone:', `  name: "${zone}"`, `  zonefile: "${i}.zone"`]),
    '',
  ].join('\n');
}
