/** DNS through a trusted resolver: what it is asked, which of its answers are believed, and which are not. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import { type Answer, encode, TRUNCATED_RESPONSE } from 'dns-packet';
import { createTrustedResolver } from '../../src/adapters/dns/trusted-resolver.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { RESOLVES, scriptedResolver, type ScriptedQuery, VOUCHES } from '../support/scripted-resolver.ts';

const never = new AbortController().signal;
const OWNER = '_5269._tcp.x.example';
const [SERVFAIL, NXDOMAIN, REFUSED] = [2, 3, 5];
const tlsa = (byte: number, name = OWNER, ttl = 60): Answer => ({
  type: 'TLSA',
  name,
  ttl,
  data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, byte) },
});
const cname = (name: string, data: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data });
const soa = (name: string, ttl = 60, minimum = 60): Answer => ({
  type: 'SOA',
  name,
  ttl,
  data: { mname: 'ns.example', rname: 'nobody.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
const answering = (flags: number, answers: Answer[] = [], authorities: Answer[] = []) => {
  return (query: ScriptedQuery): void => query.send(query.reply(flags, answers, authorities));
};

test('it is asked to resolve and to vouch, with ids and ports that differ (RFC 6840 §5.7, RFC 5452 §9)', async (t) => {
  const heard: ScriptedQuery[] = [];
  const server = await scriptedResolver(t, (query) => {
    heard.push(query);
    query.send(query.reply(VOUCHES, [tlsa(1)]));
  });
  const resolver = createTrustedResolver({ servers: [server] });
  assert.equal(resolver.validates, true);
  await Promise.all(Array.from({ length: 8 }, () => resolver.tlsa(OWNER, never)));
  for (const { packet } of heard) {
    assert.deepEqual(
      [packet.flag_rd, packet.flag_ad, packet.flag_cd, packet.questions],
      [true, true, false, [{ name: OWNER, type: 'TLSA', class: 'IN' }]],
    );
    const [opt] = packet.additionals ?? [];
    assert.deepEqual(opt?.type === 'OPT' && [opt.flag_do, opt.udpPayloadSize], [true, 1232]);
  }
  assert.equal(new Set(heard.map(({ packet }) => packet.id)).size > 4, true);
  assert.equal(new Set(heard.map(({ port }) => port)).size > 4, true);
});

test('what it vouches for is secure, what it does not is insecure, for records and for "there is none"', async (t) => {
  const cases = [
    [VOUCHES, [tlsa(1)], [], 'secure'],
    [RESOLVES, [tlsa(1)], [], 'insecure'],
    [VOUCHES, [], [soa('x.example')], 'nodata-secure'],
    [RESOLVES, [], [soa('x.example')], 'nodata-insecure'],
    [VOUCHES | NXDOMAIN, [], [soa('.')], 'nodata-secure'],
    [RESOLVES | NXDOMAIN, [], [], 'nodata-insecure'],
  ] as const;
  for (const [flags, answers, authorities, status] of cases) {
    const server = await scriptedResolver(t, answering(flags, [...answers], [...authorities]));
    assert.equal((await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never)).status, status);
  }
});

test('S4: a denial that comes without its zone, of another zone, or of who does not resolve for us is an error', async (t) => {
  const cases = [
    [VOUCHES, [], [], /without a proof/],
    [VOUCHES, [], [soa('elsewhere.example')], /without a proof/],
    [VOUCHES, [], [soa('xx.example')], /without a proof/],
    [VOUCHES, [cname(OWNER, 'y.example')], [], /without a proof/],
    [0, [], [soa('x.example')], /RA is not set/],
    [0, [tlsa(1)], [], /RA is not set/],
    [RESOLVES | REFUSED, [], [], /^REFUSED$/],
  ] as const;
  for (const [flags, answers, authorities, reason] of cases) {
    const server = await scriptedResolver(t, answering(flags, [...answers], [...authorities]));
    const answer = await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never);
    assert.deepEqual([answer.status, answer.records], ['error', []]);
    assert.match(answer.reason ?? '', reason);
  }
});

test('an answer may be kept as long as its shortest link, a denial as long as its zone says (RFC 2181 §8, RFC 2308 §5)', async (t) => {
  const cases = [
    [[cname(OWNER, 'y.example', 40), tlsa(1, 'y.example', 90)], [], 40],
    [[cname(OWNER, 'y.example', 90), tlsa(1, 'y.example', 50), tlsa(2, 'y.example', 20)], [], 20],
    [[tlsa(1, OWNER, 2 ** 31)], [], 0],
    [[], [soa('x.example', 70, 30)], 30],
    [[], [soa('x.example', 20, 30)], 20],
    [[cname(OWNER, 'x.example', 10)], [soa('x.example', 20, 30)], 10],
  ] as const;
  for (const [answers, authorities, ttlSeconds] of cases) {
    const server = await scriptedResolver(t, answering(VOUCHES, [...answers], [...authorities]));
    assert.equal((await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never)).ttlSeconds, ttlSeconds);
  }
  const unsigned = await scriptedResolver(t, answering(RESOLVES | NXDOMAIN));
  assert.equal((await createTrustedResolver({ servers: [unsigned] }).tlsa(OWNER, never)).ttlSeconds, 0);
});

test('aliases are followed within the answer; records that no alias leads to do not count', async (t) => {
  const stray = tlsa(9, '_5269._tcp.evil.example');
  const links = (count: number): Answer[] => [
    cname(OWNER, 'n0.example'),
    ...Array.from({ length: count - 1 }, (_, i) => cname(`n${i}.example`, `n${i + 1}.example`)),
    tlsa(1, `n${count - 1}.example`),
  ];
  const cases = [
    [[stray, cname(OWNER.toUpperCase(), 'Y.Example'), tlsa(1, 'y.eXample')], 'secure', 'y.example'],
    [links(16), 'secure', 'n15.example'],
    [links(17), 'error', undefined],
    [[cname(OWNER, 'y.example'), cname('y.example', OWNER)], 'error', undefined],
    [[cname(OWNER, 'a b.example'), tlsa(1, 'a b.example')], 'error', undefined],
    [[stray], 'error', undefined],
  ] as const;
  for (const [answers, status, canonicalName] of cases) {
    const server = await scriptedResolver(t, answering(VOUCHES, [...answers]));
    const answer = await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never);
    assert.deepEqual([answer.status, answer.canonicalName], [status, canonicalName], JSON.stringify(answers));
    if (status === 'secure')
      assert.deepEqual(
        answer.records.map(({ data }) => data),
        ['01'.repeat(32)],
      );
  }
});

test('S4: what is refused, and given if validation is turned off, is bogus; what is refused even so has failed (RFC 4035 §3.2.2)', async (t) => {
  const cases = [
    [RESOLVES, 'bogus'],
    [RESOLVES | NXDOMAIN, 'bogus'],
    [RESOLVES | SERVFAIL, 'error'],
    [RESOLVES | REFUSED, 'error'],
  ] as const;
  for (const [unchecked, status] of cases) {
    const server = await scriptedResolver(t, (query) =>
      query.send(query.reply(query.packet.flag_cd ? unchecked : RESOLVES | SERVFAIL, [tlsa(1)])),
    );
    const answer = await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never);
    assert.deepEqual([answer.status, answer.records, answer.ttlSeconds], [status, [], 0]);
    assert.match(answer.reason ?? '', /^SERVFAIL/);
  }
});

test('a resolver that says why it refuses is believed at once, and quoted (RFC 8914)', async (t) => {
  let asked = 0;
  const refusing = (code: number, text: string) =>
    scriptedResolver(t, (query) => {
      asked += 1;
      const value = Buffer.concat([Buffer.from([0, code]), Buffer.from(text)]);
      query.send({
        ...query.reply(RESOLVES | SERVFAIL),
        // dns-packet's types do not allow options by number; its encoder does.
        additionals: [{ type: 'OPT', name: '.', options: [{ code: 15, data: value }] } as unknown as Answer],
      });
    });
  const bogus = createTrustedResolver({ servers: [await refusing(7, 'on\u0007 Tuesday\n')] });
  assert.deepEqual(await bogus.tlsa(OWNER, never), {
    status: 'bogus',
    records: [],
    ttlSeconds: 0,
    reason: 'SERVFAIL; signature expired: on  Tuesday',
  });
  assert.equal(asked, 1);
  const failed = createTrustedResolver({ servers: [await refusing(22, '')] });
  assert.deepEqual((await failed.tlsa(OWNER, never)).reason, 'SERVFAIL; error 22 of RFC 8914');
});

test('only what answers the question counts: id, question, address and port (RFC 5452 §9.1)', async (t) => {
  const elsewhere = createSocket('udp4');
  t.after(() => elsewhere.close());
  const server = await scriptedResolver(t, (query) => {
    const good = query.reply(VOUCHES, [tlsa(1)]);
    const forged = query.reply(VOUCHES, [tlsa(6)]);
    const [question = { name: OWNER, type: 'TLSA' as const }] = forged.questions ?? [];
    elsewhere.send(encode(forged), query.port, '127.0.0.1', () => {
      query.sendBytes(Buffer.from('nonsense'));
      query.sendBytes(Buffer.alloc(0));
      query.send({ ...forged, id: ((forged.id ?? 0) + 1) % 2 ** 16 });
      query.send({ ...forged, type: 'query' });
      query.send({ ...forged, flags: VOUCHES | (4 << 11) });
      query.send({ ...forged, questions: [] });
      query.send({ ...forged, questions: [question, question] });
      query.send({ ...forged, questions: [{ ...question, name: '_5269._tcp.y.example' }] });
      query.send({ ...forged, questions: [{ ...question, type: 'A' }] });
      query.send({ ...forged, questions: [{ ...question, class: 'CH' }] });
      query.send(good);
    });
  });
  const { status, records } = await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never);
  assert.deepEqual([status, records.map(({ data }) => data)], ['secure', ['01'.repeat(32)]]);
});

test('what is cut off over UDP is asked for over TCP, and taken as it comes in (RFC 7766 §5)', async (t) => {
  const records = Array.from({ length: 40 }, (_, i) => tlsa(i));
  const overTcp: ((query: ScriptedQuery) => void)[] = [
    (query) => query.send(query.reply(VOUCHES, records)),
    (query) => {
      const bytes = encode(query.reply(VOUCHES, records));
      const length = Buffer.from([bytes.length >> 8, bytes.length & 0xff]);
      query.sendBytes(length.subarray(0, 1));
      setImmediate(() => {
        query.sendBytes(Buffer.concat([length.subarray(1), bytes.subarray(0, 700)]));
        setImmediate(() => query.sendBytes(bytes.subarray(700)));
      });
    },
  ];
  for (const script of overTcp) {
    const server = await scriptedResolver(t, (query) => {
      if (query.over === 'tcp') script(query);
      else query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE, [tlsa(99)]));
    });
    const answer = await createTrustedResolver({ servers: [server] }).tlsa(OWNER, never);
    assert.deepEqual([answer.status, answer.records.length], ['secure', 40]);
  }
});

test('S4: TCP that ends early, answers something else, or cuts off again is an error, not "there is none"', async (t) => {
  const overTcp: [script: (query: ScriptedQuery) => void, reason: RegExp][] = [
    [(query) => query.hangUp(), /closed the connection/],
    [
      (query) => {
        query.sendBytes(Buffer.from([2, 0, 1]));
        query.hangUp();
      },
      /closed the connection/,
    ],
    [(query) => query.send({ ...query.reply(VOUCHES, [tlsa(1)]), id: (query.packet.id ?? 0) ^ 1 }), /something else/],
    [(query) => query.sendBytes(Buffer.alloc(2)), /something else/],
    [(query) => query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE, [tlsa(1)])), /cut off/],
  ];
  for (const [script, reason] of overTcp) {
    const server = await scriptedResolver(t, (query) => {
      if (query.over === 'tcp') script(query);
      else query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE));
    });
    const answer = await createTrustedResolver({ servers: [server], tries: 1 }).tlsa(OWNER, never);
    assert.equal(answer.status, 'error');
    assert.match(answer.reason ?? '', reason);
  }
});

test('the next server is asked where one is silent, gone or refuses; one that says bogus is not passed by', async (t) => {
  const good = await scriptedResolver(t, answering(VOUCHES, [tlsa(1)]));
  const gone = createSocket('udp4').bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const nobody = `127.0.0.1@${gone.address().port}`;
  await new Promise<void>((resolve) => gone.close(() => resolve()));
  const silent = await scriptedResolver(t, () => undefined);
  const refusing = await scriptedResolver(t, answering(RESOLVES | REFUSED));
  const bogus = await scriptedResolver(t, (query) =>
    query.send(query.reply(query.packet.flag_cd ? RESOLVES : RESOLVES | SERVFAIL)),
  );
  for (const [first, status] of [
    [nobody, 'secure'],
    [silent, 'secure'],
    [refusing, 'secure'],
    [bogus, 'bogus'],
  ] as const) {
    const resolver = createTrustedResolver({ servers: [first, good], timeoutMs: 2_000 });
    assert.equal((await resolver.tlsa(OWNER, never)).status, status);
  }
  const answer = await createTrustedResolver({ servers: [silent], timeoutMs: 100 }).tlsa(OWNER, never);
  assert.deepEqual([answer.status, /TIMEOUT|no answer within/.test(answer.reason ?? '')], ['error', true]);
  assert.match((await createTrustedResolver({ servers: [nobody] }).tlsa(OWNER, never)).reason ?? '', /ECONNREFUSED/);
});

test('a question ends with its signal, over UDP and over TCP; what is no name is not asked', async (t) => {
  for (const over of ['udp', 'tcp'] as const) {
    const controller = new AbortController();
    const server = await scriptedResolver(t, (query) => {
      if (query.over === over) controller.abort();
      else query.send(query.reply(VOUCHES | TRUNCATED_RESPONSE));
    });
    const resolver = createTrustedResolver({ servers: [server], timeoutMs: 20_000 });
    assert.equal((await resolver.tlsa(OWNER, controller.signal)).reason, 'cancelled');
  }
  let asked = 0;
  const resolver = createTrustedResolver({ servers: [await scriptedResolver(t, () => (asked += 1))] });
  const long = `${'x'.repeat(63)}.`.repeat(4);
  for (const name of ['a..example', `${'x'.repeat(64)}.example`, long, 'a b.example', 'ä.example', '']) {
    assert.equal((await resolver.srv(name, never)).reason, 'not a name that DNS can hold', name);
  }
  assert.equal(asked, 0);
});

test('a resolver on another machine is trusted only where the operator says so, and none is guessed', () => {
  const misconfigured = (thrown: unknown): boolean =>
    thrown instanceof FaultError && thrown.fault.condition === 'validator-misconfigured';
  for (const servers of [[], ['192.0.2.1'], ['127.0.0.1', '2001:db8::1@53'], ['[::ffff:192.0.2.1]@53']]) {
    assert.throws(() => createTrustedResolver({ servers }), misconfigured, servers.join());
  }
  createTrustedResolver({ servers: ['127.0.0.1', '127.8.0.1@5353', '::1', '[::1]@53'] });
  createTrustedResolver({ servers: ['192.0.2.1'], trustRemote: true });
  assert.throws(() => createTrustedResolver({ servers: ['nonsense'] }), TypeError);
});
