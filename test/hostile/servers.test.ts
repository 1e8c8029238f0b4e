/** Malicious servers that we connect to: whatever they say, no stanza reaches a far end that was not proved (S2). */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import {
  DIALBACK_FEATURE,
  EXTERNAL_FEATURE,
  features,
  header,
  message,
  PROCEED,
  receiveUntilTls,
  SASL_NS,
  setTrap,
  STARTTLS,
  TLS_NS,
  type Trap,
  type Wire,
} from '../support/attacker.ts';
import { startTarget, type Target } from '../support/attacker-target.ts';
import type { Credential } from '../../src/ports.ts';
import { PATIENCE_MS } from '../support/patience.ts';

const SECRET = 'for the eyes of evil.example only';
let target: Target;
let domain = '';
let tests = 0;
const traps: Trap[] = [];

before(async () => void (target = await startTarget({ bidi: true })));
beforeEach(() => {
  tests += 1;
  domain = `evil${tests}.example`;
});
afterEach(() => traps.splice(0).forEach((trap) => trap.close()));
after(() => target.stop());

const own = (): Credential => target.ca.issue({ dnsNames: [domain] });
const head = (id = 'a-stream-id'): string => header({ from: domain, to: 'b.example', id });
const STARTTLS_FEATURE = `<starttls xmlns='${TLS_NS}'><required/></starttls>`;

async function lay(script: (wire: Wire, index: number) => Promise<void> | void): Promise<Trap> {
  const trap = await setTrap(script);
  traps.push(trap);
  target.serve(domain, trap.port);
  return trap;
}

/** The stanza is returned to its sender with this error, and the trap did not see any byte of it. */
async function assertReturned(trap: Trap, condition: string, text = SECRET): Promise<void> {
  const delivery = await target.send('u@b.example', `v@${domain}`, text);
  assert.equal(delivery.outcome, 'returned');
  assert.match(String(delivery.reply?.bytes), new RegExp(`<(${condition})`));
  for (const wire of trap.wires) assert.ok(!wire.everything.includes(text));
}

const hello = (wire: Wire): Promise<unknown> => wire.until(/<stream:stream [^>]*>/);
const overTls = async (wire: Wire, say: string): Promise<void> => {
  await receiveUntilTls(wire, own(), domain);
  wire.send(say);
  await wire.end();
};

/** Each server's script, and the expected condition. */
const servers: readonly (readonly [name: string, script: (wire: Wire) => Promise<void> | void, condition?: string])[] =
  [
    ['closes at once', (wire) => wire.drop()],
    ['resets at once', (wire) => void wire.socket.resetAndDestroy()],
    ['answers in HTTP', async (wire) => void (await hello(wire), wire.send('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['answers with garbage', async (wire) => void (await hello(wire), wire.send(Buffer.alloc(4096, 0xff)))],
    ['sends a closing tag before its header', async (wire) => void (await hello(wire), wire.send('</stream:stream>'))],
    ['sends a closing tag at once', async (wire) => void (await hello(wire), wire.send(`${head()}</stream:stream>`))],
    [
      'knows no such host (RFC 6120 §4.9.3.6)',
      async (wire) =>
        void (
          await hello(wire),
          wire.send(
            `${head()}<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
          )
        ),
      'remote-server-not-found',
    ],
    [
      'sends a stream error before its header, in a prefix that nobody declared',
      async (wire) =>
        void (
          await hello(wire),
          wire.send(`<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`)
        ),
    ],
    [
      'sends us elsewhere before TLS',
      async (wire) =>
        void (
          await hello(wire),
          wire.send(
            `${head()}<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:1</see-other-host></stream:error></stream:stream>`,
          )
        ),
    ],
    [
      'speaks another version',
      async (wire) => void (await hello(wire), wire.send(header({ from: domain, id: 'x' }, '2.0'))),
    ],
    [
      'comes from before XMPP 1.0',
      async (wire) => void (await hello(wire), wire.send(header({ from: domain, id: 'x' }, ''))),
    ],
    [
      'offers features of 1 MB',
      async (wire) =>
        void (await hello(wire), wire.send(head() + features(`<x xmlns='u:x'>${'a'.repeat(1_000_000)}</x>`))),
    ],
    [
      'offers features twice',
      async (wire) =>
        void (await hello(wire), wire.send(head() + features(STARTTLS_FEATURE) + features(STARTTLS_FEATURE))),
    ],
    [
      'refuses STARTTLS',
      async (wire) => {
        await hello(wire);
        wire.send(head() + features(STARTTLS_FEATURE));
        await wire.until(/<starttls/);
        wire.send(`<failure xmlns='${TLS_NS}'/></stream:stream>`);
      },
    ],
    [
      'has STARTTLS stripped from its features (RFC 7590 §3.1)',
      async (wire) => {
        await hello(wire);
        wire.send(head() + features(DIALBACK_FEATURE));
        await wire.until(/<starttls/); // STARTTLS is tried all the same
        wire.send(`<failure xmlns='${TLS_NS}'/></stream:stream>`);
      },
    ],
    ['lets us proceed before we asked', async (wire) => void (await hello(wire), wire.send(head() + PROCEED))],
    [
      'grants success before we asked',
      async (wire) => void (await hello(wire), wire.send(`${head()}<success xmlns='${SASL_NS}'/>`)),
    ],
    [
      'sends plain XML behind <proceed/>',
      async (wire) => {
        await hello(wire);
        wire.send(head() + features(STARTTLS_FEATURE));
        await wire.until(/<starttls/);
        wire.send(PROCEED + head() + features(EXTERNAL_FEATURE));
      },
    ],
    [
      'resets during the handshake',
      async (wire) => {
        await hello(wire);
        wire.send(head() + features(STARTTLS_FEATURE));
        await wire.until(/<starttls/);
        wire.send(PROCEED);
        wire.socket.once('data', () => wire.socket.resetAndDestroy());
      },
    ],
    [
      'speaks TLS 1.1 only (RFC 9325)',
      (wire) =>
        receiveUntilTls(wire, own(), domain, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }).catch(() => wire.drop()),
    ],
    [
      'shows the certificate of another domain (S2)',
      async (wire) => {
        await receiveUntilTls(wire, target.ca.issue({ dnsNames: ['other.example'] }), domain).catch(() => undefined);
      },
    ],
    [
      'shows a certificate that ended',
      async (wire) => {
        await receiveUntilTls(
          wire,
          target.ca.issue({ dnsNames: [domain], notAfter: Date.UTC(2021, 0, 1) }),
          domain,
        ).catch(() => undefined);
      },
    ],
    [
      'shows a certificate with the domain in its CN only',
      async (wire) => {
        await receiveUntilTls(wire, target.ca.issue({ commonName: domain, dnsNames: ['other.example'] }), domain).catch(
          () => undefined,
        );
      },
    ],
    [
      'shows a certificate for clients only',
      async (wire) => {
        await receiveUntilTls(wire, target.ca.issue({ dnsNames: [domain], eku: ['clientAuth'] }), domain).catch(
          () => undefined,
        );
      },
    ],
    [
      'offers nothing',
      (wire) => overTls(wire, header({ from: domain, id: 'x' }).replace(/ xmlns:db='[^']*'/, '') + features()),
    ],
    [
      'offers only what nobody knows',
      (wire) =>
        overTls(
          wire,
          header({ from: domain, id: 'x' }).replace(/ xmlns:db='[^']*'/, '') +
            features(`<flood xmlns='u:flood'><required/></flood>`),
        ),
    ],
    [
      'offers PLAIN only',
      (wire) =>
        overTls(
          wire,
          header({ from: domain, id: 'x' }).replace(/ xmlns:db='[^']*'/, '') +
            features(EXTERNAL_FEATURE.replace('EXTERNAL', 'PLAIN')),
        ),
    ],
    ['has no id on its header', (wire) => overTls(wire, header({ from: domain }) + features(DIALBACK_FEATURE))],
    [
      'offers STARTTLS under TLS',
      (wire) =>
        overTls(wire, header({ from: domain, id: 'x' }).replace(/ xmlns:db='[^']*'/, '') + features(STARTTLS_FEATURE)),
    ],
    ['asks for STARTTLS itself', (wire) => overTls(wire, head() + STARTTLS)],
    [
      'asks us to authenticate it',
      (wire) => overTls(wire, `${head()}<auth xmlns='${SASL_NS}' mechanism='EXTERNAL'>=</auth>`),
    ],
    ['sends stanzas in place of features', (wire) => overTls(wire, head() + message(`u@${domain}`, 'v@b.example'))],
    [
      'challenges without end, then fails',
      async (wire) => {
        await receiveUntilTls(wire, own(), domain);
        wire.send(header({ from: domain, id: 'x' }).replace(/ xmlns:db='[^']*'/, '') + features(EXTERNAL_FEATURE));
        await wire.until(/<auth/);
        wire.send(
          `<challenge xmlns='${SASL_NS}'/>`.repeat(100) + `<failure xmlns='${SASL_NS}'><not-authorized/></failure>`,
        );
        await wire.end();
      },
    ],
    [
      'fails SASL, and then refuses the key',
      async (wire) => {
        await receiveUntilTls(wire, own(), domain);
        wire.send(head() + features(EXTERNAL_FEATURE + DIALBACK_FEATURE));
        await wire.until(/<auth/);
        wire.send(`<failure xmlns='${SASL_NS}'><not-authorized/></failure>`);
        await wire.until(/<db:result/);
        wire.send(`<db:result from='${domain}' to='b.example' type='invalid'/></stream:stream>`);
        await wire.end();
      },
      'internal-server-error|remote-server-timeout',
    ],
    [
      'answers for pairs that were not asserted (S6)',
      async (wire) => {
        await receiveUntilTls(wire, own(), domain);
        wire.send(head() + features(DIALBACK_FEATURE));
        await wire.until(/<db:result/);
        wire.send(
          `<db:result from='${domain}' to='b2.example' type='valid'/><db:result from='x.${domain}' to='b.example' type='valid'/>`,
        );
        wire.send('</stream:stream>');
        await wire.end();
      },
    ],
  ];

for (const [name, script, condition] of servers) {
  test(`a server that ${name} gets no stanza, and its sender an error`, () =>
    target.survives(async () => {
      const trap = await lay(script);
      await assertReturned(trap, condition ?? 'remote-server-timeout|remote-server-not-found');
    }));
}

test('a response header from another domain gives that domain nothing (§4.7.1)', () =>
  target.survives(async () => {
    const trap = await lay(async (wire) => {
      await receiveUntilTls(wire, own(), domain);
      const bidi = `<bidi xmlns='urn:xmpp:features:bidi'/>`;
      wire.send(header({ from: 'good.example', to: 'b.example', id: 'x' })).send(features(DIALBACK_FEATURE + bidi));
      await wire.until(/<db:result/);
      wire.send(`<db:result from='${domain}' to='b.example' type='valid'/>`);
      await wire.until(/<message/);
      wire.send(message('u@good.example', 'v@b.example'));
      await wire.end();
    });
    const { outcome } = await target.send('u@b.example', `v@${domain}`, 'for evil');
    assert.equal(outcome, 'sent');
    assert.match(await (await trap.wire(0)).end(), /invalid-from/);
    assert.deepEqual(
      target.delivered.filter(({ from }) => from === 'u@good.example'),
      [],
    );
  }));

test('a server that we did not ask for bidi may send nothing on the stream (RFC 6120 §4.5)', () =>
  target.survives(async () => {
    const trap = await lay(async (wire) => {
      await receiveUntilTls(wire, own(), domain);
      wire.send(head() + features(DIALBACK_FEATURE)); // no bidi
      await wire.until(/<db:result/);
      wire.send(`<db:result from='${domain}' to='b.example' type='valid'/>`);
      await wire.until(/<message/);
      wire.send(message(`u@${domain}`, 'v@b.example'));
      await wire.end();
    });
    await target.send('u@b.example', `v@${domain}`, 'for evil');
    assert.match(await (await trap.wire(0)).end(), /<stream:error>/);
    assert.deepEqual(
      target.delivered.filter(({ from }) => from === `u@${domain}`),
      [],
    );
  }));

test('features after authentication change nothing; a claim of ours is not repeated for them (§4.3.5)', () =>
  target.survives(async () => {
    const trap = await lay(async (wire) => {
      await receiveUntilTls(wire, own(), domain);
      wire.send(head() + features(DIALBACK_FEATURE));
      await wire.until(/<db:result/);
      wire.send(`<db:result from='${domain}' to='b.example' type='valid'/>`.repeat(3));
      wire.send(features(EXTERNAL_FEATURE).repeat(3));
      await wire.until(/<message/);
      wire.send('</stream:stream>');
      await wire.end();
    });
    assert.equal((await target.send('u@b.example', `v@${domain}`, 'for evil')).outcome, 'sent');
    assert.equal((await (await trap.wire(0)).end()).match(/<db:result/g)?.length, 1);
  }));

test('50 SRV targets are not all tried', () =>
  target.survives(async () => {
    const trap = await setTrap((wire) => wire.drop());
    traps.push(trap);
    target.serve(domain, ...Array.from({ length: 50 }, () => trap.port));
    await assertReturned(trap, 'remote-server-timeout');
    assert.ok(trap.wires.length > 0 && trap.wires.length <= 12, `${trap.wires.length} attempts`);
  }));

test('a domain that is served at our own listener does not loop', () =>
  target.survives(async () => {
    target.serve(domain, target.port, target.port);
    const before = target.reports.length;
    const delivery = await target.send('u@b.example', `v@${domain}`);
    assert.equal(delivery.outcome, 'returned');
    assert.match(String(delivery.reply?.bytes), /<remote-server-not-found/);
    const opened = target.reports.slice(before).filter(({ report }) => report.type === 'stream.requested').length;
    assert.ok(opened <= 2, `${opened} streams`);
  }));

test('domains that cannot be reached are forgotten, however many were claimed', { timeout: 180_000 }, async () => {
  for (let batch = 0; batch < 15; batch += 1) {
    const sent = Array.from({ length: 100 }, (_, i) => target.send('u@b.example', `v@nowhere${batch}-${i}.example`));
    for (const { outcome } of await Promise.all(sent)) assert.equal(outcome, 'returned');
  }
  // Each peer waits for a second after its failure, and then rests.
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  while (target.manager.snapshot().actors.peers > 1_000 && !deadline.aborted) await target.ping();
  assert.ok(target.manager.snapshot().actors.peers <= 1_000, `${target.manager.snapshot().actors.peers} peers`);
});
