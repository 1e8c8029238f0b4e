/** Validated DNS: libunbound against a real nsd with zones that are signed here (FEATURES D3, FACTS §10.2). */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createValidatingResolver, type ValidatingResolver } from '../../src/adapters/dns/validating-resolver.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { type Nsd, nsdMissing, startNsd } from '../support/nsd.ts';
import { signingMissing, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const never = new AbortController().signal;
const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;

const zone = (name: string, records = ''): string => `$ORIGIN ${name}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_xmpp-server._tcp SRV 10 5 5269 XMPP
_xmpp-server._tcp SRV 20 0 5269 backup.elsewhere.example.
xmpp 300 A 192.0.2.1
xmpp 90 AAAA 2001:db8:0:0:0:0:0:1
v4only A 192.0.2.3
alias CNAME xmpp
alias4 CNAME v4only
_5269._tcp.xmpp TLSA 3 1 1 ${'AB'.repeat(32)}
_5269._tcp.xmpp TLSA 2 0 1 ${'cd'.repeat(32)}
_5269._tcp.v4only TLSA 255 254 253 01
_5269._tcp.alias CNAME _5269._tcp.xmpp
*.wild A 192.0.2.4
text TXT "no address here"
${records}`;

let nsd: Nsd;
let resolver: ValidatingResolver;
let anchor: string;

before(async () => {
  if (skip !== false) return;
  const signed = {
    'good.example': signZone('good.example', zone('good.example', 'away CNAME xmpp.island.example.\n')),
    'hashed.example': signZone('hashed.example', zone('hashed.example'), { nsec3: true }),
    'late.example': signZone('late.example', zone('late.example'), { expired: true }),
    'mixed.example': signZone('mixed.example', zone('mixed.example')),
  };
  const forged = signed['mixed.example'].text.replace(/(xmpp\S*\s+\d+\s+IN\s+A\s+)192\.0\.2\.1/, '$1192.0.2.66');
  assert.notEqual(forged, signed['mixed.example'].text);
  // A parent that names a key which the child does not have, and one that says that the child is not signed.
  const strangerDs = signZone('stranger.example', zone('stranger.example')).ds;
  const parent = signZone(
    'example',
    `$ORIGIN example.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
${[...Object.keys(signed), 'island.example', 'stranger.example'].map((name) => `${name}. NS ns\n`).join('')}
${Object.values(signed)
  .map(({ ds }) => ds)
  .join('\n')}
${strangerDs}
`,
  );
  anchor = parent.ds;
  nsd = await startNsd({
    example: parent.text,
    'good.example': signed['good.example'].text,
    'hashed.example': signed['hashed.example'].text,
    'late.example': signed['late.example'].text,
    'mixed.example': forged,
    'island.example': zone('island.example'),
    'stranger.example': signZone('stranger.example', zone('stranger.example')).text,
  });
  resolver = createValidatingResolver({ stubs: { example: nsd.address }, trustAnchors: [anchor], rootAnchorFiles: [] });
});
after(async () => {
  if (skip !== false) return;
  resolver.close();
  await nsd.stop();
});

test('D3: records under a chain of signatures are secure, with their TTL', { skip }, async () => {
  for (const domain of ['good.example', 'hashed.example']) {
    const { status, records, ttlSeconds } = await resolver.srv(`_xmpp-server._tcp.${domain}`, never);
    assert.equal(status, 'secure');
    assert.deepEqual(
      [...records].sort((x, y) => x.priority - y.priority),
      [
        { priority: 10, weight: 5, port: 5269, target: `xmpp.${domain}` },
        { priority: 20, weight: 0, port: 5269, target: 'backup.elsewhere.example' },
      ],
    );
    assert.ok(ttlSeconds > 0 && ttlSeconds <= 120, String(ttlSeconds));
    const addresses = await resolver.addresses(`xmpp.${domain}`, never);
    assert.deepEqual(
      [addresses.status, addresses.records, addresses.ttlSeconds <= 90],
      [
        'secure',
        [
          { family: 6, address: '2001:db8::1' },
          { family: 4, address: '192.0.2.1' },
        ],
        true,
      ],
    );
  }
});

test('D3: that there is none is proved, by NSEC and by NSEC3', { skip }, async () => {
  for (const domain of ['good.example', 'hashed.example']) {
    for (const answer of [
      await resolver.srv(`_xmpps-server._tcp.${domain}`, never),
      await resolver.addresses(`nowhere.${domain}`, never),
      await resolver.addresses(`text.${domain}`, never),
    ]) {
      assert.deepEqual([answer.status, answer.records], ['nodata-secure', []]);
      assert.ok(answer.ttlSeconds > 0 && answer.ttlSeconds <= 60, String(answer.ttlSeconds));
    }
    assert.equal((await resolver.addresses(`v4only.${domain}`, never)).status, 'secure');
    assert.equal((await resolver.addresses(`alias.${domain}`, never)).status, 'secure');
    assert.equal((await resolver.addresses(`any.wild.${domain}`, never)).status, 'secure');
  }
});

test('D3: below a proved gap in the chain nothing is secure, nor is it bogus (RFC 4035 §4.3)', { skip }, async () => {
  assert.equal((await resolver.srv('_xmpp-server._tcp.island.example', never)).status, 'insecure');
  assert.equal((await resolver.addresses('xmpp.island.example', never)).status, 'insecure');
  assert.equal((await resolver.addresses('nowhere.island.example', never)).status, 'nodata-insecure');
});

test('D3: an alias is secure only if every link is (FACTS §10.2)', { skip }, async () => {
  const answer = await resolver.addresses('away.good.example', never);
  assert.deepEqual([answer.status, answer.records.length], ['insecure', 2]);
});

test('D3: where an alias leads to is told, if both families lead there (RFC 7671 §7)', { skip }, async () => {
  for (const [host, canonicalName] of [
    ['alias', 'xmpp.good.example'],
    ['alias4', 'v4only.good.example'],
    ['away', 'xmpp.island.example'],
    ['xmpp', undefined],
  ] as const) {
    assert.equal((await resolver.addresses(`${host}.good.example`, never)).canonicalName, canonicalName);
  }
});

test(
  'D3: TLSA records come with their status; one that nobody can use stays in the set (RFC 6698 §4.1)',
  { skip },
  async () => {
    assert.equal(resolver.validates, true);
    for (const name of ['_5269._tcp.xmpp', '_5269._tcp.alias']) {
      const { status, records, ttlSeconds } = await resolver.tlsa(`${name}.good.example`, never);
      assert.deepEqual(
        [status, [...records].sort((x, y) => x.usage - y.usage)],
        [
          'secure',
          [
            { usage: 2, selector: 0, matching: 1, data: 'cd'.repeat(32) },
            { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) },
          ],
        ],
      );
      assert.ok(ttlSeconds > 0 && ttlSeconds <= 120, String(ttlSeconds));
    }
    assert.deepEqual((await resolver.tlsa('_5269._tcp.v4only.hashed.example', never)).records, [
      { usage: 255, selector: 254, matching: 253, data: '01' },
    ]);
    const statuses = await Promise.all(
      [
        '_1._tcp.xmpp.good',
        '_1._tcp.xmpp.hashed',
        '_5269._tcp.xmpp.island',
        '_1._tcp.xmpp.island',
        '_5269._tcp.xmpp.late',
      ].map(async (name) => (await resolver.tlsa(`${name}.example`, never)).status),
    );
    assert.deepEqual(statuses, ['nodata-secure', 'nodata-secure', 'insecure', 'nodata-insecure', 'bogus']);
  },
);

test('S4: what fails validation is bogus, without records, and says why', { skip }, async () => {
  const cases: [string, RegExp][] = [
    ['late.example', /expired/],
    ['stranger.example', /DS|DNSKEY|key/i],
  ];
  for (const [domain, why] of cases) {
    for (const answer of [
      await resolver.srv(`_xmpp-server._tcp.${domain}`, never),
      await resolver.addresses(`xmpp.${domain}`, never),
      await resolver.addresses(`nowhere.${domain}`, never),
    ]) {
      assert.deepEqual([answer.status, answer.records], ['bogus', []], domain);
      assert.match(answer.reason ?? '', why);
    }
  }
  // One forged address spoils the host, though the other family is signed well; its neighbours stay what they are.
  const forged = await resolver.addresses('xmpp.mixed.example', never);
  assert.deepEqual([forged.status, forged.records], ['bogus', []]);
  assert.equal((await resolver.addresses('v4only.mixed.example', never)).status, 'secure');
});

test('another trust anchor than that of the zone makes all of it bogus', { skip }, async () => {
  const stranger = signZone('example', zone('example')).ds;
  const mistaken = createValidatingResolver({
    stubs: { example: nsd.address },
    trustAnchors: [`; as in a file\n${stranger.replace(/ (\w+)$/, ' ( $1 )')}\n`],
    rootAnchorFiles: [],
  });
  try {
    assert.equal((await mistaken.addresses('xmpp.good.example', never)).status, 'bogus');
  } finally {
    mistaken.close();
  }
});

test('without a trust anchor everything is insecure', { skip }, async () => {
  const trusting = createValidatingResolver({ stubs: { example: nsd.address }, rootAnchorFiles: [] });
  try {
    assert.equal((await trusting.addresses('xmpp.good.example', never)).status, 'insecure');
    assert.equal((await trusting.addresses('xmpp.late.example', never)).status, 'insecure');
  } finally {
    trusting.close();
  }
});

test('a question ends with its signal, and with the resolver; none is asked afterwards', { skip }, async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const heard = once(silent, 'message');
  const waiting = createValidatingResolver({ servers: [`127.0.0.1@${silent.address().port}`], rootAnchorFiles: [] });
  const controller = new AbortController();
  const cancelled = waiting.srv('_xmpp-server._tcp.a.example', controller.signal);
  const abandoned = waiting.srv('_xmpp-server._tcp.b.example', never);
  await heard;
  controller.abort();
  assert.deepEqual([(await cancelled).status, (await cancelled).reason], ['error', 'cancelled']);
  waiting.close();
  assert.deepEqual([(await abandoned).status, (await abandoned).reason], ['error', 'the validator is closed']);
  assert.equal((await waiting.srv('_xmpp-server._tcp.c.example', never)).reason, 'the validator is closed');
  waiting.close();
  silent.close();
});

test(
  'answers leave nothing behind: thousands of a name that the validator remembers do not grow the heap',
  { skip },
  async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const signals = Array.from({ length: 50 }, () => new AbortController().signal);
    const ask = async (times: number): Promise<number> => {
      for (let i = 0; i < times; i += signals.length) {
        const answers = await Promise.all(
          signals.map((signal) => resolver.srv('_xmpp-server._tcp.good.example', signal)),
        );
        assert.ok(answers.every(({ status }) => status === 'secure'));
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    await ask(2_000);
    const before = await ask(1_000);
    // A type that koffi made for each answer, and kept, took 270 bytes a time: 1.3 MB.
    assert.ok((await ask(5_000)) - before < 400_000);
  },
);

test('a wrong server or trust anchor is a fault of the configuration', { skip }, () => {
  const wrong = [
    ['example. IN DS nonsense', 'trust-anchor-malformed'],
    ['example. IN DS 1 13 2 zz', 'trust-anchor-malformed'],
    ['example. IN A 192.0.2.1', 'trust-anchor-malformed'],
    [`example. IN DS 70000 13 2 ${'ab'.repeat(32)}`, 'trust-anchor-malformed'],
    [`${'x'.repeat(64)}. IN DS 1 13 2 ${'ab'.repeat(32)}`, 'validator-misconfigured'],
  ] as const;
  for (const [anchor, condition] of wrong) {
    assert.throws(
      () => createValidatingResolver({ trustAnchors: [anchor], rootAnchorFiles: [] }),
      (thrown) => thrown instanceof FaultError && thrown.fault.condition === condition,
      anchor,
    );
  }
  assert.throws(() => createValidatingResolver({ servers: ['nonsense'], rootAnchorFiles: [] }), TypeError);
});
