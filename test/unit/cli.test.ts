import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { commands } from '../../src/cli/commands.ts';
import { createLog } from '../../src/cli/log.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { fault } from '../../src/protocol/faults.ts';
import { type Proof, unproved } from '../../src/protocol/proof.ts';
import { parseExposition } from '../support/exposition.ts';
import { connectComponent } from '../support/component-client.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const MAIN = join(ROOT, 'src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-cli-'));
after(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Resolves once the output so far matches; rejects when the process ends without a match. */
  readonly stdout: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly stderr: (pattern: RegExp) => Promise<RegExpExecArray>;
}

const running = new Set<Run['child']>();
after(() => running.forEach((child) => child.kill('SIGKILL')));

function start(...args: readonly string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  let code: number | null | undefined;
  let wake: (() => void)[] = [];
  const changed = (): void => {
    const woken = wake;
    wake = [];
    for (const one of woken) one();
  };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      changed();
    });
  }
  child.on('close', (status) => {
    running.delete(child);
    code = status;
    changed();
  });
  const until = async <T>(look: () => T | null, what: string): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== null) return found;
      if (code !== undefined)
        throw new Error(`ended with ${code} and without ${what}: ${output.stdout}${output.stderr}`);
      await new Promise<void>((resolve) => wake.push(resolve));
    }
  };
  return {
    child,
    ended: until(() => (code === undefined ? null : { code, ...output }), 'an end'),
    stdout: (pattern) => until(() => pattern.exec(output.stdout), String(pattern)),
    stderr: (pattern) => until(() => pattern.exec(output.stderr), String(pattern)),
  };
}

const xmppDna = (...args: readonly string[]): Run['ended'] => start(MAIN, ...args).ended;

const broken = join(folder, 'broken.yaml');
writeFileSync(broken, 'hosts:\n  b.example: {}\nbidi: perhaps\n');

interface Expected {
  readonly code: number;
  readonly stdout: RegExp;
  readonly stderr: RegExp;
}
const NOTHING = /^$/;
const USAGE = /^usage: xmpp-dna COMMAND \[OPTIONS\] \[--json\]\n\n(?: {2}\w+ +\S[^\n]+\n)+/;
const table: [string, Expected][] = [
  ['', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: expected a command\nusage: / }],
  ['--help', { code: 0, stdout: USAGE, stderr: NOTHING }],
  ['--json --help', { code: 0, stdout: NOTHING, stderr: USAGE }],
  ['--version', { code: 0, stdout: /^\d+\.\d+\.\d+\n$/, stderr: NOTHING }],
  ['serve --version --json', { code: 0, stdout: /^\{"event":"version","version":"\d.*"\}\n$/, stderr: NOTHING }],
  ['serve --help', { code: 0, stdout: /^usage: xmpp-dna serve --config FILE \[--json\]\n/, stderr: NOTHING }],
  ['chek x.example', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: unknown command chek; did you mean "check"\?\n/ }],
  ['--verbose', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: unknown option --verbose\n/ }],
  ['constructor', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: unknown command constructor\n/ }],
  [
    'serve --cnfig x',
    { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: Unknown option '--cnfig'\nusage: xmpp-dna serve/ },
  ],
  ['serve --config a.yaml b.yaml', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: unexpected argument b.yaml\n/ }],
  ['serve', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: expected --config FILE\nusage: xmpp-dna serve/ }],
  ['check', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: expected DOMAIN .*\nusage: xmpp-dna check DOMAIN/ }],
  ['explain x.dnalog --json', { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: x\.dnalog: there is no such file\n$/ }],
  [
    'charts --format png',
    { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: --format: expected svg, mermaid, stately\nusage: xmpp-dna charts/ },
  ],
  [
    'charts --format mermaid --out /dev/null/charts',
    { code: 2, stdout: NOTHING, stderr: /^xmpp-dna: --out: expected a folder that can be written to; .*: ENOTDIR\n/ },
  ],
];
for (const [line, expected] of table) {
  test(`xmpp-dna ${line}: exit code ${expected.code}`, async () => {
    const told = { stdout: '', stderr: '' };
    const args = line.split(' ').filter((word) => word !== '');
    const code = await runCommandLine(args, (json) => ({
      json,
      print: (text) => void (told.stdout += json ? '' : `${text}\n`),
      event: (event) => void (told.stdout += json ? `${JSON.stringify(event)}\n` : ''),
      tell: (text) => void (told.stderr += `${text}\n`),
      paint: (_colour, text) => text,
    }));
    assert.match(told.stderr, expected.stderr);
    assert.match(told.stdout, expected.stdout);
    assert.equal(code, expected.code);
  });
}

test('xmpp-dna charts writes a file for every chart, and says which', async () => {
  const out = join(folder, 'new', 'charts');
  const { code, stdout, stderr } = await xmppDna('charts', '--format', 'mermaid', '--out', out, '--json');
  assert.deepEqual([code, stderr], [0, '']);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; format: string; machine: string; path: string });
  assert.deepEqual(
    events.map(({ path }) => path).sort(),
    readdirSync(out)
      .map((name) => join(out, name))
      .sort(),
  );
  assert.ok(events.every(({ event, format }) => event === 'file' && format === 'mermaid'));
  const pair = events.find(({ machine }) => machine === 'pair');
  assert.equal(pair?.path, join(out, 'pair.mmd'));
  assert.match(readFileSync(join(out, 'pair.mmd'), 'utf8'), /^%% pair .*\nstateDiagram-v2\n/);
});

test('the program ends with the exit code, and prints where it should', async () => {
  const [good, wrong] = await Promise.all([xmppDna('--json', '--version'), xmppDna('serve', '--config', broken)]);
  assert.deepEqual([good.code, good.stderr], [0, '']);
  assert.match(good.stdout, /^\{"event":"version","version":"[^"]+"\}\n$/);
  assert.equal(wrong.code, 2);
  assert.equal(wrong.stdout, '');
  assert.match(wrong.stderr, /broken\.yaml:2: hosts\["b\.example"\]\.cert: is missing\n/);
  assert.match(wrong.stderr, /broken\.yaml:3: bidi: expected true or false, got "perhaps"\n$/);
});

test('serve does not start without the validator that its configuration names: exit 3, and what installs it', async () => {
  const preload = join(folder, 'no-libunbound.mjs');
  const koffi = import.meta.resolve('koffi');
  writeFileSync(
    preload,
    `import koffi from ${JSON.stringify(koffi)};
     const { load } = koffi;
     koffi.load = (file, ...rest) => {
       if (/unbound/.test(String(file))) throw new Error('cannot open shared object file');
       return load(file, ...rest);
     };`,
  );
  const file = join(folder, 'validated.yaml');
  writeFileSync(
    file,
    'hosts: { b.example: { cert: b.crt, key: b.key } }\nlisten: []\ndns: { validator: libunbound }\n',
  );
  const { code, stdout, stderr } = await start('--import', preload, MAIN, 'serve', '--config', file).ended;
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /validated\.yaml: dns\.validator: .*validator-unavailable.*apt-get install libunbound8/);
});

test('every command is known', () => {
  assert.deepEqual(Object.keys(commands), ['demo', 'serve', 'check', 'explain', 'replay', 'charts', 'publish']);
});

test('a file that is executed by name says by what', () => {
  assert.match(readFileSync(MAIN, 'utf8'), /^#!\/usr\/bin\/env node\n/);
});

test('the log tells what components, streams and pairs did; what a peer says cannot break a line, nor steer the terminal', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal, () => 0);
  log.fault('warning', 'refused', fault('stream', 'host-unknown', 'peer', 'a\nb\u001b[2Jc\u061c\u200e\u200f'));
  log.component({ kind: 'detached', domain: 'c.example', remoteAddress: '127.0.0.1', fault: null });
  const record = { seq: 1, atMs: 0, actor: 'stream:3', cause: null };
  const accepted = { type: 'pair.accepted', from: 'b.example', to: 'c.example', proof: { prooftype: 'pkix' } };
  log.record({ ...record, kind: 'report', report: accepted });
  const closing = { type: 'stream.closing', fault: fault('tcp', 'reset', 'peer') };
  log.record({ ...record, kind: 'report', report: closing });
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z warning refused: stream: host-unknown (peer): a\ufffdb\ufffd[2Jc\ufffd\ufffd\ufffd',
    '1970-01-01T00:00:00.000Z info component c.example from 127.0.0.1: detached',
    '1970-01-01T00:00:00.000Z info stream:3: b.example to c.example may send, proved by pkix',
    '1970-01-01T00:00:00.000Z warning stream:3: closes: tcp: reset (peer)',
  ]);
});

test('the log says of no pair that dialback proved it where DNS alone vouches, or nothing was asked', () => {
  const lines: string[] = [];
  const log = createLog({ tell: (line) => lines.push(line), paint: (_colour, text) => text }, () => 0);
  const vouched: Proof = { prooftype: 'dialback', strength: 'weak', evidence: { dns: true }, expiresAtMs: null };
  for (const proof of [unproved, vouched, { ...vouched, evidence: {} }])
    for (const type of ['pair.accepted', 'pair.admitted']) {
      const report = { type, from: 'b.example', to: 'c.example', proof };
      log.record({ seq: 1, atMs: 0, actor: 'stream:3', cause: null, kind: 'report', report });
    }
  assert.deepEqual(
    lines.map((line) => line.slice(line.indexOf('may'))),
    [
      'may send, without a proof',
      'may come in, without a proof',
      'may send, vouched for by DNS alone',
      'may come in, vouched for by DNS alone',
      'may send, proved by dialback',
      'may come in, proved by dialback',
    ],
  );
});

test('the log shows a domain as it is compared and as it is read: A-label and U-label (D5)', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  createLog(terminal, () => 0).say('info', 'peer:chat.xn--mnchen-3ya.de: no stream, xn--?');
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z info peer:chat.xn--mnchen-3ya.de (chat.münchen.de): no stream, xn--?',
  ]);
});

// ——— the daemon

/** A test fails if its daemon hangs. */
const IN_TIME = { timeout: 60_000 };

const { cert, key } = createCertificateAuthority({ name: 'CA' }).issue({ dnsNames: ['b.example'] });
writeFileSync(join(folder, 'b.crt'), cert);
writeFileSync(join(folder, 'b.key'), key);
const config = (componentPort: number, further: readonly string[] = []): string => {
  const file = join(folder, `serve-${componentPort}.yaml`);
  writeFileSync(
    file,
    `hosts: { b.example: { cert: b.crt, key: b.key } }
listen: [{ address: 127.0.0.1, port: 0 }]
components: [{ address: 127.0.0.1, port: ${componentPort}, domains: { comp.b.example: secret } }]
trust: { system: false }
metrics: { address: 127.0.0.1, port: 0 }
dns: { trustAnchors: [] }
${further.map((line) => `${line}\n`).join('')}`,
  );
  return file;
};

const serve = (componentPort: number): Run => start(MAIN, 'serve', '--json', '--config', config(componentPort));

test(
  'a server that accepts and says nothing: explain asks the daemon, and names state, mover and pair (O3)',
  IN_TIME,
  async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    silent.unref();
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const file = config(0, [
      `policy: { domains: { c.example: { target: { host: 127.0.0.1, port: ${port} } } } }`,
      'inspector: { address: 127.0.0.1, port: 0, token: thirty-characters-more-or-less }',
    ]);
    const run = start(MAIN, 'serve', '--json', '--config', file);
    const [line = ''] = await run.stdout(/^\{"event":"ready".*\}\n/);
    const { components, inspector } = JSON.parse(line) as { components: { port: number }[]; inspector: string };
    const component = await connectComponent({
      port: components[0]?.port ?? 0,
      domain: 'comp.b.example',
      secret: 'secret',
    });
    const heard = once(silent, 'connection').then(([socket]) => once((socket as Socket).unref(), 'data'));
    component.send(`<message from='x@comp.b.example' to='y@c.example'><body>where are you?</body></message>`);
    await heard;
    const url = `${inspector}?token=thirty-characters-more-or-less`;
    const asked = await start(MAIN, 'explain', '--json', '--inspector', url, 'comp.b.example>c.example').ended;
    const told = JSON.parse(asked.stdout) as Record<string, unknown>;
    assert.deepEqual(
      [told['event'], told['local'], told['remote'], told['state'], told['mover'], told['awaits']],
      ['explanation', 'comp.b.example', 'c.example', 'streamHeaders.awaitingHeader', 'peer', 'the response header'],
    );
    // Whether it is late already depends on the load of this machine.
    assert.equal(asked.code, told['stuck'] === true ? 1 : 0);
    const refused = await start(MAIN, 'explain', '--inspector', inspector).ended;
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /it requires a token/);
    const bundle = join(folder, 'bundle.gz');
    await start(MAIN, 'explain', '--inspector', url, '--bundle', bundle).ended;
    const reread = await start(MAIN, 'explain', '--json', bundle, 'comp.b.example>c.example').ended;
    assert.equal((JSON.parse(reread.stdout) as { state: string }).state, 'streamHeaders.awaitingHeader');
    run.child.kill('SIGTERM');
    assert.equal((await run.ended).code, 0);
    await component.close();
    silent.close();
  },
);

test(
  'the daemon says that it is ready, serves a component, warns again on SIGHUP, and drains on SIGTERM',
  IN_TIME,
  async () => {
    const run = serve(0);
    const [line = ''] = await run.stdout(/^\{"event":"ready".*\}\n/);
    const ready = JSON.parse(line) as {
      components: { port: number }[];
      listen: { port: number }[];
      metrics: string;
    };
    const port = ready.components[0]?.port ?? 0;
    const listenPort = ready.listen[0]?.port ?? 0;
    assert.ok(port > 0 && listenPort > 0);
    assert.deepEqual(ready, {
      event: 'ready',
      listen: [{ address: '127.0.0.1', port: listenPort, tls: 'detect' }],
      components: [{ address: '127.0.0.1', port, domains: ['comp.b.example'] }],
      inspector: null,
      metrics: ready.metrics,
    });
    assert.match(ready.metrics, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const scraped = parseExposition(await (await fetch(ready.metrics)).text());
    assert.equal(scraped.get('xmpp_dna_streams')?.type, 'gauge');
    const component = await connectComponent({ port, domain: 'comp.b.example', secret: 'secret' });
    await run.stderr(/ info component comp\.b\.example from 127\.0\.0\.1: attached\n/);
    run.child.kill('SIGHUP');
    await run.stderr(
      / warning .*dns\.trustAnchors: only libunbound uses it.*\n[^]*SIGHUP: the policy of .* is in force/,
    );
    const pong = await component.ping('b.example');
    assert.equal(pong.attrs['type'], 'result', 'nobody is attached to b.example: it answers pings for itself');
    run.child.kill('SIGTERM');
    const { code, stdout, stderr } = await run.ended;
    await component.close();
    assert.equal(code, 0);
    assert.equal(stdout, line, 'nothing but JSON Lines on stdout');
    assert.match(stderr, /dns\.trustAnchors: only libunbound uses it/);
    assert.match(stderr, /SIGTERM: drains\n[^]*detached: component: system-shutdown[^]*drained\n$/);
  },
);

test('a second signal ends a daemon that is still draining, at once', IN_TIME, async () => {
  // A manager whose drain never ends.
  const run = start(
    '--input-type=module',
    '--eval',
    `
    import { NEVER } from 'rxjs';
    import { runDaemon } from './src/cli/daemon.ts';
    import { createTerminal } from './src/cli/terminal.ts';
    import { systemClock } from './src/adapters/clock.ts';
    const manager = {
      listening: [], stanzas$: NEVER, reports$: NEVER,
      start: () => Promise.resolve(),
      stop: () => new Promise(() => setInterval(() => undefined, 1000)),
    };
    const config = { components: [], manager: { hosts: {} }, trace: null, inspector: null, metrics: null };
    await runDaemon({ file: 'serve.yaml', config, manager, ports: { clock: systemClock } }, createTerminal(true));
    `,
  );
  await run.stdout(/"ready"/);
  run.child.kill('SIGTERM');
  await run.stderr(/SIGTERM: drains/);
  run.child.kill('SIGINT');
  const { code, stderr } = await run.ended;
  assert.match(stderr, /SIGINT again: exits at once\n$/);
  assert.equal(code, 1);
});

/**
 * A daemon that receives a signal while it reads its configuration from a pipe, which an ordinary file then replaces.
 */
async function signalledAtStart(signal: NodeJS.Signals): Promise<Run> {
  const pipe = join(folder, `${signal}.yaml`);
  execFileSync('mkfifo', [pipe]);
  const run = start(MAIN, 'serve', '--json', '--config', pipe);
  const writer = await open(pipe, 'w'); // succeeds once the daemon reads
  run.child.kill(signal);
  const file = config(0);
  await writer.writeFile(readFileSync(file));
  renameSync(file, pipe);
  await writer.close();
  return run;
}

test('a daemon that is told to stop while it starts drains, and does not die of it', IN_TIME, async () => {
  const run = await signalledAtStart('SIGTERM');
  const { code, stderr } = await run.ended;
  assert.match(stderr, /SIGTERM: drains\n[^]*drained\n$/);
  assert.equal(code, 0);
});

test('SIGHUP while a daemon starts is obeyed once it runs', IN_TIME, async () => {
  const run = await signalledAtStart('SIGHUP');
  await run.stderr(/SIGHUP: the policy of .*SIGHUP\.yaml is in force/);
  await run.stdout(/"ready"/);
  run.child.kill('SIGTERM');
  const { code } = await run.ended;
  assert.equal(code, 0);
});

test('a signal does not change the end of a daemon that could not start', IN_TIME, async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const run = serve((holder.address() as AddressInfo).port);
  await run.stderr(/expected addresses that are free/);
  run.child.kill('SIGTERM');
  const { code, stderr } = await run.ended;
  holder.close();
  assert.doesNotMatch(stderr, /FaultError|drains/);
  assert.equal(code, 2);
});

test('a port that is taken is a matter of the configuration', IN_TIME, async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { code, stdout, stderr } = await serve((holder.address() as AddressInfo).port).ended;
  holder.close();
  assert.match(
    stderr,
    /serve-\d+\.yaml: listen, components, inspector, metrics: expected addresses that are free: tcp: /,
  );
  assert.equal(stdout, '');
  assert.equal(code, 2);
});
