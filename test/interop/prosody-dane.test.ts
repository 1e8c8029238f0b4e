/**
 * DANE between us and Prosody, over zones that are signed here: each end presents a certificate that does not lead to
 * any trust anchor of the other, and the TLSA records of its target confirm it.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import xml from '@xmpp/xml';
import { faultSentence } from '../../src/protocol/faults.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { connectComponent, type ComponentClient } from '../support/component-client.ts';
import { freePort, type RunningServer } from '../support/processes.ts';
import { prosodyMissing, startProsody } from '../support/prosody.ts';
import { inWords, type Provider, startProvider } from '../support/provider.ts';
import { namesMissing, type SignedNames, startSignedNames, tlsaData } from '../support/signed-names.ts';
import { message } from './stage.ts';

const skip = prosodyMissing() ?? namesMissing;
const MODULES = '/usr/lib/prosody/modules';
const OURS = 'ours.signed.example';
/** Also served by us; its TLSA record names another certificate. */
const DENIED = 'denied.signed.example';
const THEIRS = 'prosody.signed.example';
const COMPONENT = `c.${THEIRS}`;
const SECRET = 'component secret';

/** The only trust anchor of both ends: it has not issued anything. */
const trusted = createCertificateAuthority({ name: 'Has issued nothing' });
const strange = createCertificateAuthority({ name: 'Nobody knows it' });
const ours = strange.issue({ dnsNames: [OURS, DENIED], eku: ['serverAuth', 'clientAuth'] });
const theirs = strange.issue({ dnsNames: [THEIRS, COMPONENT], eku: ['serverAuth', 'clientAuth'] });
const leafOf = ({ der }: { readonly der: readonly Buffer[] }): Buffer => der[0] ?? Buffer.alloc(0);

const running: (() => Promise<unknown>)[] = [];
let component: ComponentClient;
let names: SignedNames;
let prosody: RunningServer;
let provider: Provider;

before(async () => {
  if (skip !== false) return;
  const [ourPort, theirPort] = [await freePort(), await freePort()];
  const srv = (domain: string, host: string, port: number): string =>
    `_xmpp-server._tcp.${domain}. SRV 0 0 ${port} ${host}.`;
  names = await startSignedNames([
    srv(OURS, 'a.hosts.signed.example', ourPort),
    srv(DENIED, 'b.hosts.signed.example', ourPort),
    srv(THEIRS, 'c.hosts.signed.example', theirPort),
    srv(COMPONENT, 'c.hosts.signed.example', theirPort),
    ...['a', 'b', 'c'].map((name) => `${name}.hosts.signed.example. A 127.0.0.1`),
    `_${ourPort}._tcp.a.hosts.signed.example. TLSA ${tlsaData(leafOf(ours), 3, 1, 1)}`,
    `_${ourPort}._tcp.b.hosts.signed.example. TLSA ${tlsaData(leafOf(theirs), 3, 1, 1)}`,
    `_${theirPort}._tcp.c.hosts.signed.example. TLSA ${tlsaData(leafOf(theirs), 3, 1, 1)}`,
  ]);
  running.push(() => names.stop());
  provider = await startProvider({
    hosts: { [OURS]: ours, [DENIED]: ours },
    port: ourPort,
    trust: { system: false, anchors: [trusted.certPem] },
    dns: names.dns,
    posh: { enabled: false },
  });
  running.push(() => provider.stop());
  prosody = await startProsody({
    hosts: [
      { domain: THEIRS, credential: theirs },
      { domain: COMPONENT, credential: theirs },
    ],
    caPem: trusted.certPem,
    dns: names.address,
    s2s: { port: theirPort },
    components: { [COMPONENT]: SECRET },
    secureAuth: true,
    trustAnchor: names.anchor.replace(/\s+/g, ' '),
  });
  running.push(() => prosody.discard());
  component = await connectComponent({ port: prosody.ports.component, domain: COMPONENT, secret: SECRET });
  running.push(() => component.close());
});

after(async () => {
  for (const stop of running.reverse()) await stop();
});

test(
  'Prosody connects: it proves us by our TLSA record, and we its client certificate by its own (A5, A6)',
  { skip },
  async () => {
    component.send(message(COMPONENT, `romeo@${OURS}`, 'to-ours'));
    const stanza = await provider.next();
    assert.deepEqual([stanza.from, stanza.to], [COMPONENT, `romeo@${OURS}`]);
    assert.match(prosody.log(), /Enabling DANE with 1 TLSA records/);
    assert.match(prosody.log(), /certificate chain validation result: valid/);
    const [outcome] = provider.outcomes.filter(({ domain }) => domain === COMPONENT);
    assert.equal(outcome && inWords(outcome), 'dane proved');
  },
);

test('it does not where our TLSA record names another certificate (S8)', { skip }, async () => {
  component.send(message(COMPONENT, `romeo@${DENIED}`, 'to-denied'));
  const back = await component.waitFor(({ attrs }) => attrs['id'] === 'to-denied' && attrs['type'] === 'error');
  assert.match(back.toString(), /certificate/);
  assert.ok(!provider.received.some(({ to }) => to?.endsWith(DENIED)));
});

test(
  'we connect, and prove Prosody by its TLSA record; whether it takes us is another matter (A5)',
  { skip },
  async () => {
    const delivery = await provider.manager.send(
      xml('message', { from: `romeo@${DENIED}`, to: THEIRS, id: 'to-theirs' }, xml('body', {}, 'hello')),
    );
    const [outcome] = provider.outcomes.filter(({ domain }) => domain === THEIRS);
    assert.equal(outcome && inWords(outcome), 'dane proved');
    // Prosody uses DANE only for servers that it connects to: our client certificate is untrusted there.
    assert.equal(delivery.outcome, 'returned');
    assert.match(faultSentence(delivery.fault), /Your server's certificate/);
  },
);

test("what Debian's Prosody cannot do", { skip }, (t) => {
  for (const [module, what] of [
    ['mod_s2s_auth_dane_in', 'DANE of a server that connects to it: the module came with Prosody 0.13'],
    ['mod_s2s_auth_posh', 'POSH: the community module is not among those that Debian packs'],
  ] as const) {
    const isThere = [`${MODULES}/${module}.lua`, `${MODULES}/${module}`].some((path) => existsSync(path));
    t.diagnostic(isThere ? `${module} is there` : `${module} is not there: ${what}`);
  }
});
