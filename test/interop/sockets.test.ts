/**
 * Sockets towards a peer without dialback errors (issue item 8, XEP-0220 §2.6.2, L3): one per target domain, whatever
 * the number of sender domains, and none after a time without traffic. In process, so that time can leap.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { limits } from '../../machines/limits.ts';
import { ConnectionManager } from '../../src/manager.ts';
import { createNodePorts } from '../../src/node-ports.ts';
import { ejabberdMissing } from '../support/ejabberd.ts';
import { prosodyMissing } from '../support/prosody.ts';
import { LeapingClock } from './leaping-clock.ts';
import { connectionsTo } from './sockets.ts';
import { authority, during, host, Stage, type Kind } from './stage.ts';
import { asapScheduler, filter, firstValueFrom, observeOn } from 'rxjs';
import xml, { type Element } from '@xmpp/xml';

const SENDERS = 5;
const TARGETS = 3;
const missing: Record<Kind, string | null> = { Prosody: prosodyMissing(), ejabberd: ejabberdMissing() };

describe('sockets towards real servers', { timeout: 600_000 }, () => {
  let stage: Stage;
  before(async () => (stage = await Stage.open()));
  after(() => stage.close());

  for (const [kind, expected] of [
    ['Prosody', TARGETS],
    ['ejabberd', 1],
  ] as const) {
    test(
      `${kind}: ${SENDERS} sender and ${TARGETS} target domains need ${expected} of our sockets, and none once idle`,
      { skip: missing[kind] ?? false },
      async () => {
        const further = Array.from({ length: TARGETS - 1 }, (_, index) => `v${index}`);
        const theirs = await stage.theirs(kind, { further, logLevel: 'info' });
        const targets = [theirs.domain, ...further.map((name) => `${name}.${theirs.domain}`)];
        const domain = `many-${kind.toLowerCase()}.example`;
        const senders = [domain, ...Array.from({ length: SENDERS - 1 }, (_, index) => `s${index}.${domain}`)];
        const hosts = Object.fromEntries(
          senders.map((name) => [name, name === domain ? host(domain).credential : null]),
        );

        const clock = new LeapingClock();
        const dns = { servers: [stage.dns.address] };
        const ports = createNodePorts({ hosts, trust: { system: false, anchors: [authority.certPem] }, dns });
        const manager = new ConnectionManager(
          { hosts, listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }], policy: { federation: 'encrypted' } },
          { ...ports, clock },
        );
        await manager.start();
        const { port } = manager.listening[0]!;
        for (const name of senders) stage.dns.serve(name, { port });
        const answers = new Set<string>();
        let allAnswered = (): void => undefined;
        manager.stanzas$.subscribe((stanza) => {
          if (stanza.type === 'result') answers.add(`${stanza.from} to ${stanza.to}`);
          if (answers.size === SENDERS * TARGETS) allAnswered();
        });

        await during([theirs, { close: () => manager.stop() }], async () => {
          const all = new Promise<void>((resolve) => (allAnswered = resolve));
          const sent = senders.flatMap((from) => targets.map((to) => manager.send(ping(from, to))));
          assert.deepEqual(new Set((await Promise.all(sent)).map(({ outcome }) => outcome)), new Set(['sent']));
          await all;
          assert.equal(connectionsTo(process.pid, theirs.server.ports.s2s), expected);
          assert.equal(manager.snapshot().streams.filter(({ role }) => role === 'initiating').length, expected);

          // A record is emitted while its event is being handled; the snapshot shows the result only afterwards.
          const idle = (): boolean => manager.snapshot().streams.every(({ role }) => role !== 'initiating');
          const gone = firstValueFrom(manager.records$.pipe(observeOn(asapScheduler), filter(idle)));
          clock.leap(limits.idleMs);
          await gone;
          assert.equal(connectionsTo(process.pid, theirs.server.ports.s2s), 0);
        });
      },
    );
  }
});

const ping = (from: string, to: string): Element =>
  xml('iq', { type: 'get', id: 'ping', from, to }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
