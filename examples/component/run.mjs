/**
 * A complete example of a component behind the daemon: makes certificates, starts `xmpp-dna serve` and the component as
 * separate processes, and sends the component a message from a remote server, which receives it back.
 *
 *     node examples/component/run.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ConnectionManager, createCertificateAuthority, createNodePorts, xml } from 'xmpp-dna';

const folder = mkdtempSync(join(tmpdir(), 'component-'));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const packageFile = fileURLToPath(import.meta.resolve('xmpp-dna/package.json'));
const program = join(packageFile, '..', JSON.parse(readFileSync(packageFile, 'utf8')).bin['xmpp-dna']);

/** Starts a process and resolves once it has printed a line that matches; its output is shown. */
async function start(name, args, fits) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) {
    console.log(`${name}: ${line}`);
    if (fits.test(line)) return child;
  }
  throw new Error(`${name} has ended`);
}

async function stop(child) {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

// What an operator has: a certificate and the configuration file.
const authority = createCertificateAuthority({ name: 'Authority of Verona' });
const { cert, key } = authority.issue({ dnsNames: ['capulet.example', '*.capulet.example'] });
writeFileSync(join(folder, 'ca.crt'), authority.certPem);
writeFileSync(join(folder, 'capulet.crt'), cert);
writeFileSync(join(folder, 'capulet.key'), key, { mode: 0o600 });
copyFileSync(here('xmpp-dna.yaml'), join(folder, 'xmpp-dna.yaml'));

const config = join(folder, 'xmpp-dna.yaml');
const daemon = await start('daemon', [program, 'serve', '--config', config, '--json'], /"event":"ready"/);
const secret = 'the secret of the configuration';
const component = await start(
  'component',
  [here('echo.mjs'), '127.0.0.1', '25347', 'echo.capulet.example', secret],
  /attached/,
);

// A remote server. It has no listener: the answer comes back on the stream that it opened (XEP-0288).
const hosts = { 'montague.example': authority.issue({ dnsNames: ['montague.example'] }) };
const world = new ConnectionManager(
  { hosts, policy: { domains: { '*.example': { target: { host: '127.0.0.1', port: 25269, tls: 'starttls' } } } } },
  createNodePorts({ hosts, trust: { anchors: [authority.certPem] } }),
);
const echoed = new Promise((resolve) => world.stanzas$.subscribe(resolve));
await world.start();
const addresses = { from: 'romeo@montague.example', to: 'anybody@echo.capulet.example' };
const { outcome } = await world.send(xml('message', addresses, xml('body', {}, 'Echo, where art thou?')));
console.log(`montague.example: ${outcome}`);
const { from, element } = await echoed;
console.log(`montague.example: ${from} answered "${element.getChildText('body') ?? element.toString()}"`);

await world.stop();
await stop(component);
await stop(daemon);
rmSync(folder, { recursive: true });
