/**
 * Real server processes for the interop tests: unprivileged, in their own process group, on loopback, in a temporary
 * folder.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATIENCE_MS } from './patience.ts';

/** The account that a server runs as; null when we are not root and it runs as our own user. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface ProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly account: Account | null;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of the log, in any order, that together mean that all ports are open. */
  readonly ready: readonly RegExp[];
}

export interface RunningProcess {
  readonly pid: number;
  /** Everything that the process has written to both outputs since it was started. */
  log(): string;
  /** Resolves with the match once the log contains `pattern`; ignores the first `from` characters. */
  waitForLog(pattern: RegExp, options?: { from?: number; timeoutMs?: number }): Promise<RegExpExecArray>;
  /** The exit code; null when a signal ended the process, or when it never ran. */
  readonly exited: Promise<number | null>;
  /**
   * SIGTERM to the group, SIGKILL when that takes more than 10 s; resolves when the process is gone. Takes about 1 s.
   */
  stop(): Promise<void>;
  /** SIGKILL to the group, like a crash of the server: sockets close without a closing tag. */
  kill(): Promise<void>;
  /** User and system time so far, of this process and those of its children that have ended, in ms. */
  cpuMs(): number;
  rssBytes(): number;
}

export interface ServerPorts {
  readonly s2s: number;
  /** Direct TLS (XEP-0368); undefined when there is no listener for it. */
  readonly directTls: number | undefined;
  readonly component: number;
}

/** A server under test. `pid`, `cpuMs` and `rssBytes` are those of its current process; the log spans restarts. */
export interface RunningServer extends RunningProcess {
  readonly ports: ServerPorts;
  readonly folder: string;
  /** Starts it again on the same ports and data; stops it first if it still runs. */
  restart(): Promise<void>;
  /** Kills it and removes its folder immediately: for the end of a test. */
  discard(): Promise<void>;
}

/** The account that a Debian package creates; when tests run as root, servers run as these accounts. */
export function accountNamed(name: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([user]) => user === name);
  if (row === undefined) throw new Error(`there is no account ${name}: is its package installed?`);
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

/** Where Debian keeps libraries of this machine's architecture. */
export const LIBRARIES = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** Why a server cannot be tested here, or null when it can: `t.skip(missing('/usr/bin/prosody'))`. */
export function missing(...paths: readonly string[]): string | null {
  const absent = paths.filter((path) => !existsSync(path));
  if (absent.length === 0) return null;
  const reason = `not installed here: ${absent.join(', ')}`;
  // Set where the servers must be installed (test/verify.sh): a skip there would hide that nothing was tested.
  if (process.env['REQUIRE_SERVERS'] === '1') throw new Error(reason);
  return reason;
}

export function temporaryFolder(name: string, account: Account | null): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `xmpp-dna-${name}-`));
  if (account !== null) chownSync(path, account.uid, account.gid);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/**
 * Below the range from which Linux assigns ephemeral ports: a free port here stays free, unless another test takes it.
 */
const PORTS = { first: 16_000, count: 16_000 } as const;
/** Other processes start elsewhere in the range. */
let lastPort = (process.pid * 97) % PORTS.count;

/** A loopback TCP port that was free a moment ago; never the same one twice, until all have been given out. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS.count; tried += 1) {
    lastPort = (lastPort + 1) % PORTS.count;
    const port = PORTS.first + lastPort;
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * Starts a process and resolves when its log says that it is ready. Rejects, with the end of the log, when it exits
 * first or when it is too slow.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  // The kernel kills the server when this process dies, however it dies; an exec keeps the pid and this setting.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', options.command, ...options.args], {
    cwd: options.folder,
    detached: true, // leads its own group, so that helpers of the Erlang VM end with it
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: options.folder, LANG: 'C.UTF-8', ...options.env },
    ...(options.account ?? {}),
  });
  const log = new Log(child);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      resolve(code);
      log.end(new Error(`${options.name} ended`));
    });
    child.once('error', (cause) => {
      resolve(null);
      log.end(new Error(`${options.name} did not start: ${cause.message}`));
    });
  });
  const pid = child.pid ?? 0;
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      if (pid > 0) process.kill(-pid, name);
    } catch {
      // the group is gone already
    }
  };
  const kill = async (): Promise<void> => {
    signal('SIGKILL');
    await exited;
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) signal('SIGTERM');
    const deadline = setTimeout(() => signal('SIGKILL'), 10_000);
    await exited;
    clearTimeout(deadline);
    await kill();
  };
  try {
    await Promise.all(options.ready.map((line) => log.waitFor(line, 0, PATIENCE_MS)));
  } catch (cause) {
    await kill();
    throw new Error(`${options.name} is not ready; its log ends with:\n${log.text.slice(-4000)}`, { cause });
  }
  return {
    pid,
    exited,
    log: () => log.text,
    waitForLog: (pattern, { from = 0, timeoutMs = PATIENCE_MS } = {}) => log.waitFor(pattern, from, timeoutMs),
    stop,
    kill,
    cpuMs: () => cpuMs(pid),
    rssBytes: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) * 1024,
  };
}

/** A server that can be started again; `stop` removes its folder, so call `kill` or `restart` before it. */
export async function startServer(
  options: ProcessOptions & { ports: ServerPorts; remove: () => void },
): Promise<RunningServer> {
  let current: RunningProcess;
  try {
    current = await startProcess(options);
  } catch (error) {
    options.remove();
    throw error;
  }
  let past = '';
  return {
    ports: options.ports,
    folder: options.folder,
    get pid() {
      return current.pid;
    },
    get exited() {
      return current.exited;
    },
    log: () => past + current.log(),
    waitForLog: (pattern, waiting = {}) =>
      current.waitForLog(pattern, { ...waiting, from: Math.max(0, (waiting.from ?? 0) - past.length) }),
    stop: async () => {
      await current.stop();
      options.remove();
    },
    kill: () => current.kill(),
    discard: async () => {
      await current.kill();
      options.remove();
    },
    restart: async () => {
      await current.stop();
      past += current.log();
      current = await startProcess(options);
    },
    cpuMs: () => current.cpuMs(),
    rssBytes: () => current.rssBytes(),
  };
}

interface Waiter {
  readonly pattern: RegExp;
  readonly from: number;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/** The output of a child process, and those who wait for a line of it. */
class Log {
  text = '';
  readonly #waiters = new Set<Waiter>();
  #ended: Error | null = null;

  constructor(child: ChildProcess) {
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
        for (const waiter of this.#waiters) this.#look(waiter);
      });
    }
  }

  waitFor(pattern: RegExp, from: number, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => waiter.reject(new Error(`no ${String(pattern)} in the log within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const settle = (): void => {
        clearTimeout(late);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern: new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')),
        from,
        resolve: (match) => {
          settle();
          resolve(match);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      this.#look(waiter);
      if (this.#ended !== null) waiter.reject(this.#ended);
    });
  }

  end(error: Error): void {
    this.#ended = error;
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #look(waiter: Waiter): void {
    const match = waiter.pattern.exec(this.text.slice(waiter.from));
    if (match !== null) waiter.resolve(match);
  }
}

let ticksPerSecond: number | undefined;

function cpuMs(pid: number): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  // proc(5): utime, stime, cutime and cstime are fields 14 to 17; the name in field 2 may contain blanks.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks * 1000) / ticksPerSecond;
}

/** `address:port` of each TCP socket on which a process listens, from /proc. */
export function listeningOn(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  const LISTEN = '0A';
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((row) => row[3] === LISTEN && inodes.has(row[9] ?? ''))
      .map(([, local = '']) => {
        const [address = '', port = ''] = local.split(':');
        const bytes = [...Buffer.from(address, 'hex')].reverse();
        return `${bytes.length === 4 ? bytes.join('.') : address}:${parseInt(port, 16)}`;
      }),
  );
}
