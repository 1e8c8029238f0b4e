/** Proofs expire, and are renewed before that: without a new stream, and without losing a stanza. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { credentialOf } from '../../src/demo/certificates.ts';
import { reports } from '../../src/demo/facts.ts';
import type { ProviderSetup } from '../../src/demo/scenario.ts';
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import { poshUrl, writePoshDocument } from '../../src/protocol/posh.ts';
import { rows } from '../../src/trace/queries/queries.ts';
import { createDuo, type Duo } from '../support/duo.ts';

const SECONDS = 600;

/** Certificates that nobody trusts, for names that nobody asks for: only what the domains publish can prove them. */
const provider = (hosts: readonly string[], names: readonly string[]): ProviderSetup => ({
  hosts,
  certificate: { issuer: 'stranger', names },
  policy: { prooftypes: ['posh'] },
});
const A = provider(['a.example'], ['one.example']);
const B = provider(['b.example'], ['two.example']);

const certificateOf = (setup: ProviderSetup): CertificateEvidence =>
  readCertificate(new X509Certificate(credentialOf(setup).cert).raw);
/** The certificate of somebody else. */
const another = certificateOf(provider([], ['three.example']));

function lists(
  { simulation: { posh } }: Duo,
  domain: string,
  certificate: CertificateEvidence,
  seconds: number = SECONDS,
): void {
  posh.set(poshUrl(domain, 'xmpp-server'), writePoshDocument([certificate], seconds));
}

async function provedByDocuments(): Promise<Duo> {
  const duo = await createDuo({ A, B });
  lists(duo, 'a.example', certificateOf(A));
  lists(duo, 'b.example', certificateOf(B));
  duo.send('a.example', 'b.example');
  duo.send('b.example', 'a.example');
  await duo.settle();
  assert.deepEqual(outcomes(duo), ['sent', 'sent']);
  return duo;
}

const outcomes = ({ sent }: Duo): (string | undefined)[] => sent.map(({ deliveries: [first] }) => first?.outcome);

const settledFor = ({ timeline }: Duo, domain: string): string[] =>
  (['A', 'B'] as const)
    .flatMap((at) => reports({ timeline }, at, 'association.settled'))
    .flatMap(({ outcome }) => (outcome.domain === domain ? [outcome.verdict.kind] : []));

test('A14: a proof is looked for again before it ends, on the stream that rests on it; nobody notices (RFC 7711 §6)', async () => {
  const duo = await provedByDocuments();
  const { opened } = duo.sockets;
  for (let minute = 0; minute < 60; minute += 1) {
    await duo.simulation.clock.advance(60_000);
    duo.send('a.example', 'b.example');
    duo.send('b.example', 'a.example');
  }
  await duo.settle();
  await duo.simulation.clock.advance(1_000); // until everything under way has arrived
  assert.deepEqual(new Set(outcomes(duo)), new Set(['sent']));
  assert.equal(duo.arrived.length, duo.sent.length, 'each arrived, once');
  assert.equal(duo.sockets.opened, opened, 'an hour, ten minutes at a time, and no further stream');
  // By B of A, and by A of B, on the stream of each: about every five minutes.
  for (const domain of ['a.example', 'b.example']) {
    const verdicts = settledFor(duo, domain);
    assert.ok(verdicts.length > 10 && verdicts.length < 60, `${domain}: ${verdicts.length}`);
    assert.deepEqual(new Set(verdicts), new Set(['proved']));
  }
  for (const side of ['A', 'B'] as const) {
    const listed = rows(duo.providers[side].view(), 'proved').rows;
    const nowMs = duo.simulation.clock.now();
    assert.equal(listed.length, 2);
    for (const { deadlineMs } of listed)
      assert.ok(deadlineMs !== null && deadlineMs > nowMs, 'the list has the newest end');
  }
  await duo.stop();
});

test('A14: a renewal that fails is tried again until the proof ends; who is back in time loses no stream', async () => {
  const duo = await provedByDocuments();
  const { opened } = duo.sockets;
  const url = poshUrl('b.example', 'xmpp-server');
  await duo.simulation.clock.advance(200_000);
  duo.simulation.posh.set(url, { status: 503 });
  await duo.simulation.clock.advance(200_000);
  assert.ok(settledFor(duo, 'b.example').includes('undetermined'), 'it was asked for, and not found');
  lists(duo, 'b.example', certificateOf(B));
  await duo.simulation.clock.advance(400_000); // beyond the expiry of the first proof
  duo.send('a.example', 'b.example');
  await duo.settle();
  assert.deepEqual([outcomes(duo).at(-1), duo.sockets.opened], ['sent', opened]);
  await duo.stop();
});

test('A14, L5: of a crowd whose proofs end together none is forgotten, though not all can be renewed at once', async () => {
  const crowd = Array.from({ length: 100 }, (_, n) => `b${n}.example`);
  // They trust the certificate of a.example at once: only proving them is slow here.
  const many = { ...B, hosts: crowd, policy: { prooftypes: ['pkix'] } } as const;
  const near = { hosts: ['a.example'], policy: { prooftypes: ['posh'] } } as const;
  const duo = await createDuo({ A: near, B: many, link: { dnsMs: 2_500 } });
  const { clock } = duo.simulation;
  const endMs = clock.now() + 2 * SECONDS * 1_000;
  for (const part of [crowd.slice(0, 50), crowd.slice(50)]) {
    for (const domain of part) duo.send('a.example', domain);
    for (let second = 0; second < 30; second += 1) {
      const secondsLeft = Math.round((endMs - clock.now()) / 1_000);
      for (const domain of part) lists(duo, domain, certificateOf(many), secondsLeft);
      await clock.advance(1_000);
    }
  }
  assert.deepEqual(new Set(outcomes(duo)), new Set(['sent']));
  const { opened } = duo.sockets;
  for (const domain of crowd) lists(duo, domain, certificateOf(many), 2 * SECONDS);
  for (let half = 0; half < 2; half += 1) {
    await clock.advance(SECONDS * 1_000);
    duo.send('a.example', crowd[0] ?? ''); // so that the stream is not idle
  }
  for (const domain of crowd) duo.send('a.example', domain);
  await duo.settle();
  assert.deepEqual([new Set(outcomes(duo)), duo.sockets.opened], [new Set(['sent']), opened]);
  await duo.stop();
});

test('T8: a proof that is not there any more ends its stream with reset when it ends; what is sent then comes back (RFC 6120 §13.7.2.3)', async () => {
  const duo = await provedByDocuments();
  lists(duo, 'b.example', another); // from now on
  const resets = (): number =>
    reports(duo, 'A', 'stream.closing').filter(({ fault }) => fault?.condition === 'reset').length;
  await duo.simulation.clock.advance((SECONDS - 10) * 1_000);
  duo.send('a.example', 'b.example');
  await duo.settle();
  assert.deepEqual([outcomes(duo).at(-1), resets()], ['sent', 0], 'it holds until its time is over');
  await duo.simulation.clock.advance(20_000);
  assert.ok(resets() > 0, 'then the stream is closed');
  duo.send('a.example', 'b.example');
  await duo.settle();
  const [last] = duo.sent.at(-1)?.deliveries ?? [];
  const why = last?.outcome === 'returned' ? `${last.fault.layer} ${last.fault.condition}` : last?.outcome;
  assert.equal(why, 'posh no-fingerprint-match');
  // L6: the domain lists its certificate again.
  lists(duo, 'b.example', certificateOf(B));
  await duo.simulation.clock.advance(120_000);
  duo.send('a.example', 'b.example');
  await duo.settle();
  assert.equal(outcomes(duo).at(-1), 'sent');
  await duo.stop();
});
