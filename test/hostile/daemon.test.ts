/**
 * The daemon as a process, under load that could exhaust it: floods, slow readers, malformed components, wrong
 * configuration.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import {
  dial,
  conditionOf,
  header,
  message,
  receiveUntilTls,
  features,
  DIALBACK_FEATURE,
  setTrap,
  type Wire,
} from '../support/attacker.ts';
import { connectComponent, type ComponentClient } from '../support/component-client.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { PATIENCE_MS } from '../support/patience.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-hostile-'));
const ca = createCertificateAuthority({ name: 'Trusted CA' });
const EVIL = 'evil.example';

interface Daemon {
  readonly pid: number;
  readonly port: number;
  readonly components: number;
  /** Its log so far. */
  log(): string;
  stop(): Promise<number | null>;
}
let dns: DnsServer;
let daemon: Daemon;
let other: Daemon;
/** `ours` is attached to the daemon as `comp.b.example`, `theirs` to the well-behaved one as `comp.good.example`. */
let ours: ComponentClient;
let theirs: ComponentClient;

function writeConfig(name: string, domain: string, more = ''): string {
  const credential = ca.issue({ dnsNames: [domain, `comp.${domain}`, `comp2.${domain}`] });
  writeFileSync(join(folder, `${domain}.crt`), credential.cert);
  writeFileSync(join(folder, `${domain}.key`), credential.key);
  writeFileSync(join(folder, 'ca.crt'), ca.certPem);
  const file = join(folder, name);
  writeFileSync(
    file,
    `hosts: { ${domain}: { cert: ${domain}.crt, key: ${domain}.key } }
listen: [{ address: 127.0.0.1, port: 0, tls: detect }]
components: [{ address: 127.0.0.1, port: 0, domains: { comp.${domain}: "secret", comp2.${domain}: "secret2" } }]
trust: { system: false, files: [ca.crt] }
dns: { validator: none, servers: ["${dns.address}"] }
policy: { federation: authenticated, domains: { "*.weak.example": { federation: encrypted } } }
${more}`,
  );
  return file;
}

async function serve(file: string): Promise<Daemon> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'serve', '--config', file, '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = await new Promise<{ listen: { port: number }[]; components: { port: number }[] }>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const line = text.split('\n').find((one) => one.includes('"ready"'));
      if (line !== undefined) resolve(JSON.parse(line) as never);
    });
    void ended.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return {
    pid: child.pid ?? 0,
    port: ready.listen[0]?.port ?? 0,
    components: ready.components[0]?.port ?? 0,
    log: () => log,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

before(async () => {
  dns = await startDnsServer();
  daemon = await serve(writeConfig('b.yaml', 'b.example'));
  other = await serve(writeConfig('good.yaml', 'good.example'));
  for (const [{ port }, domain] of [
    [daemon, 'b.example'],
    [other, 'good.example'],
  ] as const)
    for (const name of [domain, `comp.${domain}`, `comp2.${domain}`]) dns.serve(name, { port });
  ours = await connectComponent({ port: daemon.components, domain: 'comp.b.example', secret: 'secret' });
  theirs = await connectComponent({ port: other.components, domain: 'comp.good.example', secret: 'secret' });
  await theirs.ping('b.example');
});
after(async () => {
  await Promise.all([ours.close(), theirs.close()]);
  assert.deepEqual(await Promise.all([daemon.stop(), other.stop()]), [0, 0]);
  await dns.close();
  rmSync(folder, { recursive: true });
});

const rssMegabytes = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
const descriptors = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

/**
 * Runs the attack while the well-behaved peer pings without a pause; afterwards, the sockets of the attack must be
 * freed.
 */
async function survives(attack: () => Promise<void>): Promise<void> {
  const before = descriptors();
  const attacking = new AbortController();
  const pinging = (async () => {
    do {
      assert.equal((await theirs.ping('b.example')).attrs['type'], 'result');
      await new Promise(setImmediate);
    } while (!attacking.signal.aborted);
  })();
  try {
    await attack();
  } finally {
    attacking.abort();
    await pinging;
  }
  const late = AbortSignal.timeout(PATIENCE_MS);
  while (descriptors() > before && !late.aborted) await theirs.ping('b.example');
  assert.ok(descriptors() <= before, `${descriptors()} descriptors, ${before} before`);
}

test('500 idle connections from one address: the others go on, memory is bounded, and all is given back', () =>
  survives(async () => {
    const before = rssMegabytes();
    const wires: Awaited<ReturnType<typeof dial>>[] = [];
    // In batches of a hundred: connections that have not said anything yet have a tighter limit.
    while (wires.length < 500) {
      const hundred = await Promise.all(Array.from({ length: 100 }, () => dial(daemon.port)));
      for (const wire of hundred) wire.send(header({ from: EVIL, to: 'b.example' }));
      await Promise.all(hundred.map((wire) => wire.greeting()));
      wires.push(...hundred);
    }
    await theirs.ping('b.example');
    assert.ok(rssMegabytes() - before < 100, `${rssMegabytes() - before} MB more`);
    for (const wire of wires) wire.drop();
  }));

test('100 MB of garbage behind a stream error are not kept', () =>
  survives(async () => {
    const before = rssMegabytes();
    const wire = await dial(daemon.port);
    wire.polite = false;
    wire.send('<');
    for (let i = 0; i < 100 && !wire.closed; i += 1) await wire.sent(Buffer.alloc(1_000_000, 0x3c));
    wire.drop();
    assert.ok(rssMegabytes() - before < 100, `${rssMegabytes() - before} MB more`);
  }));

const component = (domain: string): string =>
  `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`;

/** Attaches only `comp2.b.example`; tries again while the daemon has not noticed that the previous one left. */
async function attachBare(): Promise<Wire> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    const wire = await dial(daemon.components);
    wire.send(component('comp2.b.example'));
    const [, id = ''] = await wire.until(/id='([^']*)'/);
    wire.send(`<handshake>${createHash('sha1').update(`${id}secret2`).digest('hex')}</handshake>`);
    const [answer] = await wire.until(/<handshake\/>|<conflict /);
    if (answer === '<handshake/>') return wire;
    assert.ok(!late.aborted, 'the other does not leave');
    wire.drop();
  }
}

test('a peer that stops reading: the component that sends to it is held, memory is bounded, others go on (S7)', () =>
  survives(async () => {
    const evil = `slow.weak.example`;
    const trap = await setTrap(async (wire) => {
      await receiveUntilTls(wire, ca.issue({ dnsNames: [evil] }), evil);
      wire.send(header({ from: evil, to: 'b.example', id: 'x' })).send(features(DIALBACK_FEATURE));
      await wire.until(/<db:result/);
      wire.send(`<db:result from='${evil}' to='comp2.b.example' type='valid'/>`);
      await wire.until(/<message/);
      wire.socket.pause();
    });
    dns.serve(evil, { port: trap.port });
    const sender = await attachBare();
    sender.send(message('u@comp2.b.example', `v@${evil}`));
    await (await trap.wire(0)).until(/<message/);

    const before = rssMegabytes();
    const stanza = Buffer.from(message('u@comp2.b.example', `v@${evil}`, 'a'.repeat(10_000)));
    const batch = Buffer.concat(Array.from({ length: 100 }, () => stanza));
    let written = 0;
    // Until the daemon accepts no more: its socket does not drain during some pings.
    for (let held = false; !held && written < 100;) {
      const taken = sender.sent(batch).then(() => true);
      written += 1;
      let still = 0;
      for (; still < 300; still += 1) {
        const done = await Promise.race([taken, theirs.ping('b.example').then(() => false)]);
        if (done) break;
      }
      held = still === 300;
    }
    assert.ok(written < 100, 'all 100 MB were taken');
    assert.ok(rssMegabytes() - before < 150, `${rssMegabytes() - before} MB more`);
    sender.drop();
    trap.close();
  }));

test('a component that stops reading is dropped, so that what others have on the same streams goes on (L2)', async () => {
  const before = daemon.log().length;
  const log = (): string => daemon.log().slice(before);
  const dropped = /warning component comp2\.b\.example.*detached: component: connection-timeout.*took nothing/;
  const hung = await attachBare();
  hung.socket.pause();
  const flooder = await connectComponent({ port: other.components, domain: 'comp2.good.example', secret: 'secret2' });
  const batch = message('u@comp2.good.example', 'v@comp2.b.example', 'a'.repeat(10_000)).repeat(100);
  // Until the only stream between the two daemons is held up, and with it the pings of another component.
  const goesOn = (): Promise<boolean> => theirs.ping('b.example', 5_000).then(
    () => true,
    () => false,
  ); // prettier-ignore
  let written = 0;
  for (; written < 100 && (await goesOn()); written += 1) flooder.send(batch);
  assert.ok(written < 100, 'all 100 MB were taken');
  assert.doesNotMatch(log(), dropped);

  assert.equal((await theirs.ping('b.example', 40_000)).attrs['type'], 'result');
  const late = AbortSignal.timeout(PATIENCE_MS);
  while (!dropped.test(log()) && !late.aborted) await theirs.ping('b.example'); // the log arrives on a separate channel
  assert.match(log(), dropped);
  hung.socket.resume();
  await hung.end();
  const again = await attachBare();
  theirs.send(message('u@comp.good.example', 'v@comp2.b.example', 'and on'));
  await again.until(/and on/);
  again.drop();
  await flooder.close();
});

for (const [name, bytes, expected] of [
  ['garbage', '\0\u0001\u0002', 'not-well-formed'],
  ['an HTTP request', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
  ['a document type declaration', `<!DOCTYPE x>`, 'restricted-xml'],
  ['a domain that nobody configured', component('evil.example'), 'host-unknown'],
  ['a host that is no component', component('b.example'), 'host-unknown'],
  ['the namespace of servers', header({ to: 'comp2.b.example' }), 'invalid-namespace'],
  ['a wrong secret', `${component('comp2.b.example')}<handshake>${'0'.repeat(40)}</handshake>`, 'not-authorized'],
  ['an empty handshake', `${component('comp2.b.example')}<handshake/>`, 'not-authorized'],
  [
    'a stanza before the handshake',
    component('comp2.b.example') + message('u@comp2.b.example', 'v@b.example'),
    'not-authorized',
  ],
  ['a handshake of 10 MB', `${component('comp2.b.example')}<handshake>${'0'.repeat(10_000_000)}`, 'policy-violation'],
] as const) {
  test(`a component that opens with ${name}: ${expected}`, () =>
    survives(async () => {
      const wire = await dial(daemon.components);
      assert.equal(conditionOf(await wire.send(bytes).end()), expected);
    }));
}

test('a component may send from its own domain only (XEP-0114 §3)', () =>
  survives(async () => {
    const spoofer = await connectComponent({ port: daemon.components, domain: 'comp2.b.example', secret: 'secret2' });
    const before = theirs.received.length;
    for (const from of ['u@b.example', 'u@comp.b.example', 'u@good.example', 'u@x.comp2.b.example'])
      spoofer.send(message(from, 'v@comp.good.example', 'spoofed'));
    await theirs.ping('b.example');
    await spoofer.close().catch(() => undefined);
    assert.ok(theirs.received.slice(before).every((stanza) => !String(stanza).includes('spoofed')));
  }));

for (const [name, change, pattern] of [
  ['an unknown key', 'polcy: {}', /b2\.yaml.*polcy/s],
  ['a key at the wrong level', 'federation: authenticated', /b2\.yaml.*federation/s],
  ['a wrong value', 'bidi: maybe', /b2\.yaml.*bidi.*expected/s],
  ['a number that is none', 'limits: { stanzaBytes: lots }', /b2\.yaml.*limits\.stanzaBytes.*expected/s],
  ['a limit below that of RFC 6120', 'limits: { stanzaBytes: 10 }', /b2\.yaml.*limits\.stanzaBytes.*expected/s],
  ['a secret that is too short', 'dialback: { secret: short }', /b2\.yaml.*dialback\.secret.*expected/s],
  ['a list that is a billion laughs', `bidi: &a [x]\ninspector: [*a, *a]`, /b2\.yaml.*(bidi|inspector)/s],
] as const) {
  test(`configuration with ${name}: exit 2, with file, key and what is expected`, async () => {
    const file = writeConfig('b2.yaml', 'b.example', change);
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'serve', '--config', file], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 2);
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
}
