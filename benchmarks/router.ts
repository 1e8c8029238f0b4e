/**
 * What the data plane costs per stanza, inbound and outbound, compared with the obvious implementation of its tables:
 * one Map keyed by the concatenated domains. Addresses are fresh strings for every stanza, as the framer makes them.
 *
 * Run: node --import tsx benchmarks/router.ts
 */
import { domainOfJid } from '../src/protocol/names.ts';
import { Stanza } from '../src/protocol/stanza.ts';
import { Router } from '../src/routing/router.ts';
import type { Inlet, Outlet, StreamId } from '../src/routing/types.ts';

const STANZAS = 20_000;
const ROUNDS = 25;
const DOMAINS = 100;

const inlet: Inlet = { pause: () => undefined, resume: () => undefined };
let written = 0;
const outlet: Outlet = {
  contentNamespace: 'jabber:server',
  writable: true,
  write: ({ length }) => void (written += length),
  cork: () => undefined,
  uncork: () => undefined,
};

const router = new Router({
  queueStanzas: 10_000,
  queueBytes: 1 << 24,
  queueAgeMs: 60_000,
  clock: { now: Date.now, setTimeout, clearTimeout: () => undefined },
  isLocal: (domain) => domain.endsWith('.a.example'),
  events: { routeWanted: () => undefined, refused: (_, { text }) => console.error(text) },
});
const together = new Map<string, StreamId>();
const outlets = new Map<StreamId, Outlet>([[1, outlet]]);
const attached = new Map<string, Outlet>();
router.addStream(1, outlet, inlet);
for (let i = 0; i < DOMAINS; i += 1) {
  router.attach([`n${i}.a.example`], outlet);
  attached.set(`n${i}.a.example`, outlet);
  for (let j = 0; j < DOMAINS; j += 1) {
    router.admit(1, `n${j}.b.example`, `n${i}.a.example`);
    router.setRoute(`n${i}.a.example`, `n${j}.b.example`, 1);
    together.set(`1 n${j}.b.example n${i}.a.example`, 1);
    together.set(`n${i}.a.example n${j}.b.example`, 1);
  }
}

/** Stanzas in runs of `run` per pair, each with its own attribute strings. */
function stanzas(from: string, to: string, run: number): Stanza[] {
  return Array.from({ length: STANZAS }, (_, i) => {
    const pair = Math.floor(i / run);
    const bytes = Buffer.from(
      `<message from='romeo@n${pair % DOMAINS}.${from}/orchard' to='juliet@n${(pair * 7) % DOMAINS}.${to}/balcony'/>`,
    );
    const xml = bytes.toString('latin1');
    const attribute = (name: string): string =>
      xml.slice(xml.indexOf(`${name}='`) + name.length + 2).split("'", 1)[0] ?? '';
    return new Stanza('message', attribute('to'), attribute('from'), bytes, 'jabber:server');
  });
}

/**
 * The best of several rounds, in nanoseconds of processor time per stanza, to reduce the effect of a busy machine.
 * Every round has fresh strings, whose hashes are not computed yet.
 */
function measure(make: () => Stanza[], each: (stanza: Stanza) => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const all = make();
    const start = process.cpuUsage();
    for (const one of all) each(one);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, ((user + system) * 1000) / all.length);
  }
  return best;
}

const domain = (jid: string | undefined): string => domainOfJid(jid ?? '') ?? '';

for (const run of [1, 16]) {
  const incoming = () => stanzas('b.example', 'a.example', run);
  const outgoing = () => stanzas('a.example', 'b.example', run);
  const names = measure(incoming, ({ from, to }) => void (written += domain(from).length + domain(to).length));
  const rows: [string, number][] = [
    ['arrived', measure(incoming, (stanza) => void router.arrived(1, stanza))],
    [
      'arrived, keys put together',
      measure(incoming, (stanza) => {
        const to = domain(stanza.to);
        if (together.has(`1 ${domain(stanza.from)} ${to}`)) attached.get(to)?.write(stanza.relay('jabber:server'));
      }),
    ],
    ['inject', measure(outgoing, (stanza) => router.inject(stanza, inlet))],
    [
      'inject, keys put together',
      measure(outgoing, (stanza) => {
        const stream = together.get(`${domain(stanza.from)} ${domain(stanza.to)}`);
        if (stream !== undefined) outlets.get(stream)?.write(stanza.relay('jabber:server'));
      }),
    ],
  ];
  console.log(`runs of ${run} per pair; the two names alone: ${names.toFixed(0)} ns`);
  rows.forEach(([what, ns], i) => {
    const ratio = i % 2 === 0 ? `  ${((rows[i + 1]?.[1] ?? 0) / ns).toFixed(2)} x` : '';
    console.log(
      `  ${what.padEnd(28)} ${ns.toFixed(0).padStart(6)} ns  ${Math.round(1e9 / ns).toLocaleString('en')} stanzas/s${ratio}`,
    );
  });
}
if (written === 0) throw new Error('nothing was written');
