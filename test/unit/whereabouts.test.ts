/**
 * Where an asserted domain is served: looked up once for all who ask at the same time, and no longer than they wait
 * (XEP-0220 §2.2.1).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromPromise } from 'xstate';
import type { LookUpManner } from '../../machines/declare.ts';
import { resolution, type ServiceRecords } from '../../machines/resolution.machine.ts';
import { Recorder } from '../../src/control/recorder.ts';
import { Whereabouts } from '../../src/control/whereabouts.ts';
import type { AddressRecord, DnsAnswer } from '../../src/protocol/dns.ts';
import { fault, FaultError } from '../../src/protocol/faults.ts';
import type { Service } from '../../src/protocol/service.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';

const nothing = { status: 'nodata-insecure', records: [], ttlSeconds: 30 } as const;
const address = { family: 4, address: '192.0.2.1' } as const;
const patient = new AbortController().signal;

/** Look-ups that stay open until `answer` is called, or fail with `broken`. */
function stage(broken: FaultError | null = null) {
  const asked: string[] = [];
  const given: string[] = [];
  let answer: () => void = () => undefined;
  const machine = resolution.provide({
    actors: {
      lookUpServices: fromPromise<ServiceRecords, { domain: string; service: Service } & LookUpManner>(
        ({ input, signal }) => {
          asked.push(input.domain);
          signal.addEventListener('abort', () => given.push(input.domain));
          if (broken !== null) return Promise.reject(broken);
          return new Promise((resolve) => {
            answer = () => resolve({ xmpp: nothing, xmpps: nothing, draws: [], atMs: 0 });
          });
        },
      ),
      lookUpAddresses: fromPromise<DnsAnswer<AddressRecord>, { host: string } & LookUpManner>(() =>
        Promise.resolve({ status: 'insecure', records: [address], ttlSeconds: 30 }),
      ),
    },
  });
  const whereabouts = new Whereabouts({
    machine,
    recorder: new Recorder({ clock: new SimulatedClock() }),
    inputOf: (remote) => ({ remote, fixedTarget: null, asksForTlsa: true, denied: null, jitter: 0 }),
  });
  return { whereabouts, asked, given, answer: () => answer() };
}

test('whoever asks at the same moment shares one look-up, and whoever asks later has one of his own', async () => {
  const { whereabouts, asked, answer } = stage();
  const all = [whereabouts.find('a.example', patient), whereabouts.find('a.example', patient)];
  answer();
  for (const found of await Promise.all(all)) {
    assert.ok(found?.kind === 'resolved');
    assert.deepEqual([found.endpoint.host, found.endpoint.addresses], ['a.example', [address]]);
  }
  assert.deepEqual(asked, ['a.example']);
  void whereabouts.find('a.example', patient);
  assert.deepEqual(asked, ['a.example', 'a.example']);
});

test('a look-up is given up when the last who waits for it leaves, and not before', async () => {
  const { whereabouts, asked, given } = stage();
  const [first, second] = [new AbortController(), new AbortController()];
  const all = [whereabouts.find('a.example', first.signal), whereabouts.find('a.example', second.signal)];
  first.abort();
  assert.deepEqual(given, []);
  second.abort();
  assert.deepEqual(given, ['a.example']);
  assert.deepEqual(await Promise.all(all), [null, null]);
  assert.equal(await whereabouts.find('a.example', first.signal), null);
  assert.deepEqual(asked, ['a.example']);
});

test('what cannot be found is told with its fault', async () => {
  const why = fault('dns', 'srv-timeout', 'dns');
  const { whereabouts } = stage(new FaultError(why));
  assert.deepEqual(await whereabouts.find('a.example', patient), { kind: 'failed', fault: why });
});
