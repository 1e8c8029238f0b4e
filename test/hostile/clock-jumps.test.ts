/**
 * A clock that is set forward and back by days: nothing that is remembered lives longer because of it (RFC 7711 §6,
 * S1).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberAnswers } from '../../src/adapters/dns/answer-cache.ts';
import type { HttpsClient } from '../../src/adapters/https/client.ts';
import { createPoshSource } from '../../src/adapters/posh/source.ts';
import { WeighedMap } from '../../src/adapters/weighed-map.ts';
import type { Resolver } from '../../src/ports.ts';
import type { DnsAnswer } from '../../src/protocol/dns.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const never = new AbortController().signal;

function stage() {
  const timers = new SimulatedClock();
  let setByMs = 0;
  const clock = {
    now: () => timers.now() + setByMs,
    setTimeout: (fn: () => void, delayMs: number) => timers.setTimeout(fn, delayMs),
    clearTimeout: (handle: unknown) => timers.clearTimeout(handle),
  };
  return { clock, set: (byMs: number) => (setByMs += byMs), pass: (ms: number) => timers.increment(ms) };
}

/** Whether the source is asked again at each of these moments, some time after its answer was remembered. */
async function asksAgain(ask: (clock: ReturnType<typeof stage>) => () => Promise<number>): Promise<boolean[]> {
  const again: boolean[] = [];
  for (const [setByMs, passMs] of [
    [0, MINUTE],
    [-3 * DAY, MINUTE],
    [3 * DAY, MINUTE],
    [-MINUTE, 2 * MINUTE],
  ] as const) {
    const at = stage();
    const asked = ask(at);
    await asked();
    at.set(setByMs);
    at.pass(passMs);
    again.push((await asked()) > 1);
  }
  return again;
}

const AS_IT_SHOULD = [false, true, true, false];

test('answers of the DNS: after a leap either way they are asked for again, and what is left of their time is never more than it was', async () => {
  let left = 0;
  const again = await asksAgain(({ clock }) => {
    let asked = 0;
    const answer: DnsAnswer<never> = { status: 'secure', records: [], ttlSeconds: 600 };
    const ask = (): Promise<DnsAnswer<never>> => {
      asked += 1;
      return Promise.resolve(answer);
    };
    const resolver: Resolver = { validates: true, srv: ask, tlsa: ask, addresses: ask };
    const remembering = rememberAnswers(resolver, { clock });
    return async () => {
      left = Math.max(left, (await remembering.srv('_xmpp-server._tcp.b.example', never)).ttlSeconds);
      return asked;
    };
  });
  assert.deepEqual([again, left], [AS_IT_SHOULD, 600]);
});

test('POSH documents, and that there is none', async () => {
  const again = await asksAgain(({ clock }) => {
    let asked = 0;
    const client = {
      turn: () => {
        asked += 1;
        return Promise.resolve({ fingerprints: [], expiresAtMs: clock.now() + 10 * MINUTE, url: 'https://b.example' });
      },
      close: () => undefined,
    } as unknown as HttpsClient; // its material is made up here: nothing is fetched
    const source = createPoshSource({ client, clock });
    return () => source.fetch('b.example', 'xmpp-server', never).then(() => asked);
  });
  assert.deepEqual(again, AS_IT_SHOULD);
});

test('sessions that can be resumed, and whatever else strangers hand to us', () => {
  const { clock, set, pass } = stage();
  const map = new WeighedMap<string>({ maxBytes: 100, maxEntryBytes: 10, lifetimeMs: 10 * MINUTE }, clock);
  map.set('a', 'session', 1);
  pass(MINUTE);
  assert.equal(map.get('a'), 'session');
  set(-3 * DAY);
  assert.equal(map.get('a'), undefined);
  map.set('b', 'session', 1);
  set(3 * DAY);
  assert.equal(map.get('b'), undefined);
});
