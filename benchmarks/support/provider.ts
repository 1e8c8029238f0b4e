/** Worker: one provider, a whole ConnectionManager over real sockets, TLS and DNS; runs the built package. */
import { readdirSync, readlinkSync, readFileSync } from 'node:fs';
import { filter, firstValueFrom } from 'rxjs';
import type { ConnectionManager as Manager } from '../../src/manager.ts';
import type { createNodePorts as CreateNodePorts } from '../../src/node-ports.ts';
import type { Credential } from '../../src/ports.ts';
import { cpuSeconds } from './figures.ts';
import { serveCommands } from './workers.ts';
import type { Router } from '../../src/routing/router.ts';
import type { Stanza as StanzaOf } from '../../src/protocol/stanza.ts';

export type ProviderCommand =
  | {
      readonly do: 'start';
      readonly hosts: Readonly<Record<string, Credential | null>>;
      readonly caPem: string;
      readonly dns: string;
      readonly bidi: boolean;
      /** Number of records that are kept. @defaultValue as in the product */
      readonly records?: number;
    }
  /** One message for each pair, `atOnce` at a time; answers when the outcome of each is known. */
  | { readonly do: 'send'; readonly pairs: readonly (readonly [string, string])[]; readonly atOnce: number }
  /**
   * `times` times in sequence: a message finds no stream, one is negotiated for it, and closed after it has carried the
   * message.
   */
  | { readonly do: 'negotiate'; readonly pair: readonly [string, string]; readonly times: number }
  /**
   * Adds each of these pairs as if it had been proved on the only stream there is, for outbound or for inbound stanzas.
   */
  | {
      readonly do: 'know';
      readonly senders: readonly string[];
      readonly targets: readonly string[];
      readonly way: 'in' | 'out';
    }
  /**
   * Stanzas of known pairs in random order, each with other users than the one before; answers when the system has
   * accepted all.
   */
  | {
      readonly do: 'flood';
      readonly senders: readonly string[];
      readonly targets: readonly string[];
      readonly count: number;
      /** Characters of each message's body. */
      readonly body: number;
    }
  /** Answers when `received` stanzas in total have come in; rejects after a minute. */
  | { readonly do: 'await'; readonly received: number }
  /** What this process has used so far, measured after a garbage collection. */
  | { readonly do: 'measure' };

export interface ProviderAnswer {
  readonly port: number;
  readonly cpuSeconds: number;
  /** The part of these that was not spent in the kernel; then the same including the collection. */
  readonly userSeconds: number;
  readonly collectedAtUserSeconds: number;
  /** The same including the collection: the next measurement starts here. */
  readonly collectedAtCpuSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** s2s sockets, in both directions. */
  readonly sockets: number;
  readonly streams: number;
  readonly actors: number;
  /** Stanzas that were handed to a stream, and those that were not. */
  readonly sent: number;
  readonly returned: number;
  /** Stanzas that came in. */
  readonly received: number;
  /** Of the last flood, without the time to create its stanzas. */
  readonly floodCpuSeconds: number;
}

const built = (file: string): Promise<unknown> => import(new URL(`../../dist/src/${file}`, import.meta.url).href);
const { ConnectionManager } = (await built('manager.js')) as { ConnectionManager: typeof Manager };
const { createNodePorts } = (await built('node-ports.js')) as { createNodePorts: typeof CreateNodePorts };
const { Stanza } = (await built('protocol/stanza.js')) as { Stanza: typeof StanzaOf };

const PATIENCE_MS = 60_000;
const LOOK_MS = 5;
/** Different stanzas in a flood, and how many of them are under way at once. */
const MADE = 20_000;
const FLOOD_AT_ONCE = 500;

let manager: Manager | null = null;
let sent = 0;
let returned = 0;
let received = 0;
let floodCpuSeconds = 0;

serveCommands<ProviderCommand, ProviderAnswer>(async (command) => {
  if (command.do === 'start') await start(command);
  else if (command.do === 'send') await send(command);
  else if (command.do === 'negotiate') await negotiate(command);
  else if (command.do === 'know') know(command);
  else if (command.do === 'flood') await flood(command);
  else if (command.do === 'await') await allReceived(command.received);
  return measure();
});

async function start({ hosts, caPem, dns, bidi, records }: Extract<ProviderCommand, { do: 'start' }>): Promise<void> {
  const ports = createNodePorts({ hosts, trust: { system: false, anchors: [caPem] }, dns: { servers: [dns] } });
  const listen = [{ address: '127.0.0.1', port: 0, tls: 'detect' as const }];
  const trace = records === undefined ? {} : { trace: { records } };
  const limits = { connectionsPerSecond: 1_000_000 }; // one address does the work of many
  const policy = { federation: 'encrypted' as const };
  manager = new ConnectionManager({ hosts, listen, bidi, policy, limits, ...trace }, ports);
  manager.stanzas$.subscribe(() => (received += 1));
  await manager.start();
}

function messageOf(from: string, to: string, sender = 'romeo', receiver = 'juliet', body = 'hello'): StanzaOf {
  const attributes = { from: `${sender}@${from}`, to: `${receiver}@${to}` };
  const xml = `<message from='${attributes.from}' to='${attributes.to}'><body>${body}</body></message>`;
  return new Stanza('message', attributes.to, attributes.from, Buffer.from(xml), 'jabber:server');
}

async function sendOne([from, to]: readonly [string, string]): Promise<void> {
  const fate = await manager?.send(messageOf(from, to));
  if (fate?.outcome === 'sent') sent += 1;
  else returned += 1;
}

/** The tables themselves, which the embedding program cannot access. */
const plane = (): Router => (manager ?? fail()).router as Router;

function fail(): never {
  throw new Error('not started');
}

function know({ senders, targets, way }: Extract<ProviderCommand, { do: 'know' }>): void {
  const [stream] = (manager ?? fail()).snapshot().streams;
  if (stream === undefined) throw new Error('no stream stands');
  for (const sender of senders)
    for (const target of targets)
      if (way === 'in') plane().admit(stream.id, sender, target);
      else plane().setRoute(sender, target, stream.id);
}

async function flood({ senders, targets, count, body }: Extract<ProviderCommand, { do: 'flood' }>): Promise<void> {
  const nameIn = (names: readonly string[]): string => names[Math.floor(Math.random() * names.length)] ?? '';
  const stanzas = Array.from({ length: MADE }, (_, at) =>
    messageOf(nameIn(senders), nameIn(targets), `u${at}`, `u${at}`, 'o'.repeat(body)),
  );
  const before = process.cpuUsage();
  for (let from = 0; from < count; from += FLOOD_AT_ONCE) {
    const fates = Array.from({ length: Math.min(FLOOD_AT_ONCE, count - from) }, (_, at) => {
      const stanza = stanzas[(from + at) % MADE];
      return stanza === undefined ? fail() : (manager ?? fail()).send(stanza);
    });
    for (const { outcome } of await Promise.all(fates)) if (outcome !== 'sent') returned += 1;
  }
  const { user, system } = process.cpuUsage(before);
  floodCpuSeconds = (user + system) / 1e6;
}

async function send({ pairs, atOnce }: Extract<ProviderCommand, { do: 'send' }>): Promise<void> {
  for (let i = 0; i < pairs.length; i += atOnce) await Promise.all(pairs.slice(i, i + atOnce).map(sendOne));
}

async function negotiate({ pair, times }: Extract<ProviderCommand, { do: 'negotiate' }>): Promise<void> {
  if (manager === null) throw new Error('not started');
  for (let i = 0; i < times; i += 1) {
    await sendOne(pair);
    for (const { id } of manager.snapshot().streams) {
      const closed = firstValueFrom(
        manager.reports$.pipe(
          filter(({ actor, report }) => actor === `stream:${id}` && report.type === 'stream.closed'),
        ),
      );
      manager.closeStream(id);
      await closed;
    }
  }
}

async function allReceived(count: number): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
  while (received < count) {
    if (Date.now() > untilMs) throw new Error(`${received} stanzas came in instead of ${count}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function measure(): Promise<ProviderAnswer> {
  const used = cpuSeconds(process.pid); // before the garbage collections, which the benchmark itself causes
  const userSeconds = process.cpuUsage().user / 1e6;
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed } = process.memoryUsage();
  const { streams = [], actors } = manager?.totals() ?? {};
  return {
    port: manager?.listening[0]?.port ?? 0,
    cpuSeconds: used,
    userSeconds,
    collectedAtCpuSeconds: cpuSeconds(process.pid),
    collectedAtUserSeconds: process.cpuUsage().user / 1e6,
    rssBytes: rss,
    heapBytes: heapUsed,
    sockets: establishedSockets(),
    streams: streams.length,
    actors: actors === undefined ? 0 : actors.streams + actors.pairs + actors.peers,
    sent,
    returned,
    received,
    floodCpuSeconds,
  };
}

/** Established TCP connections of this process, as the system counts them. */
function establishedSockets(): number {
  const own = new Set(
    readdirSync('/proc/self/fd').map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed meanwhile
      }
    }),
  );
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const ESTABLISHED = '01';
  return rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === ESTABLISHED && own.has(row[9])).length;
}
