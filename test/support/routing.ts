/** Test doubles around a router: outlets with a buffer, inlets that count, and a control plane that takes notes. */
import type { Flushed } from '../../src/ports.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import { type Address, addressBetween, Stanza, type StanzaKind } from '../../src/protocol/stanza.ts';
import { Router, type RouterOptions } from '../../src/routing/router.ts';
import type { Delivery, Inlet, StreamId, StreamOutlet } from '../../src/routing/types.ts';

/** An outlet with a buffer of `highWaterBytes`, which is emptied only when told to. */
export class BufferedOutlet implements StreamOutlet {
  readonly contentNamespace = 'jabber:server';
  readonly stanzas: string[] = [];
  /** The number of stanzas in each write to the socket. */
  readonly chunks: number[] = [];
  writtenBytes = 0;
  flushedBytes = 0;
  onWrite: (xml: string) => void = () => undefined;
  readonly #highWaterBytes: number;
  #awaiting: { readonly endsAt: number; readonly flushed: Flushed }[] = [];
  #broken = false;
  #corked = 0;
  #inChunk = 0;

  constructor(highWaterBytes = Infinity) {
    this.#highWaterBytes = highWaterBytes;
  }

  get writable(): boolean {
    return this.writtenBytes - this.flushedBytes < this.#highWaterBytes;
  }

  get ids(): number[] {
    return this.stanzas.map(idOf);
  }

  write(bytes: Buffer, flushed?: Flushed): void {
    const xml = bytes.toString();
    this.stanzas.push(xml);
    this.writtenBytes += bytes.length;
    if (flushed !== undefined) this.#awaiting.push({ endsAt: this.writtenBytes, flushed });
    this.#inChunk += 1;
    if (this.#corked === 0) this.#endChunk();
    this.onWrite(xml);
  }

  cork(): void {
    this.#corked += 1;
  }

  uncork(): void {
    this.#corked -= 1;
    if (this.#corked === 0) this.#endChunk();
  }

  flush(bytes = Infinity): void {
    if (this.#broken) return;
    this.flushedBytes = Math.min(this.writtenBytes, this.flushedBytes + bytes);
    this.#tell((endsAt) => endsAt <= this.flushedBytes, true);
  }

  /** The connection is over: what it has not flushed is lost. */
  break(): void {
    this.#broken = true;
    this.#tell(() => true, false);
  }

  #tell(which: (endsAt: number) => boolean, handedOver: boolean): void {
    const told = this.#awaiting.filter(({ endsAt }) => which(endsAt));
    this.#awaiting = this.#awaiting.filter(({ endsAt }) => !which(endsAt));
    for (const { flushed } of told) flushed(handedOver);
  }

  #endChunk(): void {
    this.chunks.push(this.#inChunk);
    this.#inChunk = 0;
  }
}

export class CountingInlet implements Inlet {
  paused = false;
  pauses = 0;
  onResume: () => void = () => undefined;

  pause(): void {
    if (this.paused) throw new Error('paused twice');
    this.paused = true;
    this.pauses += 1;
  }

  resume(): void {
    if (!this.paused) throw new Error('resumed twice');
    this.paused = false;
    this.onResume();
  }
}

export function stanza(
  from: string | undefined,
  to: string | undefined,
  id = 0,
  { type = 'chat', padding = 0, kind = 'message' }: { type?: string; padding?: number; kind?: StanzaKind } = {},
): Stanza {
  const address = (name: string, jid: string | undefined): string => (jid === undefined ? '' : ` ${name}='${jid}'`);
  const xml = `<${kind} id='${id}' type='${type}'${address('from', from)}${address('to', to)}>${'x'.repeat(padding)}</${kind}>`;
  /** In every other stanza, addresses are given by position, as in a stanza that was read. */
  const known = (name: string, jid: string | undefined): Address => {
    if (jid === undefined || id % 2 === 1) return jid;
    const start = Buffer.byteLength(xml.slice(0, xml.indexOf(` ${name}='`))) + ` ${name}='`.length;
    return addressBetween(start, start + Buffer.byteLength(jid));
  };
  return new Stanza(kind, known('to', to), known('from', from), Buffer.from(xml), 'jabber:server');
}

/** Test stanzas carry their number as id. */
export function idOf(xml: string): number {
  return Number(/ id='(\d+)'/.exec(xml)?.[1]);
}

/** Served here: `a.example`, `a2.example` and every domain that ends in `.a.example`. */
export function isLocal(domain: string): boolean {
  return domain === 'a.example' || domain === 'a2.example' || domain.endsWith('.a.example');
}

export interface Bench {
  readonly clock: SimulatedClock;
  readonly router: Router;
  /** Pairs, as `local remote`, in the order in which a route was wanted. */
  readonly wanted: string[];
  readonly refused: [StreamId, Fault][];
  readonly deliveries: Map<number, Delivery[]>;
  /** Records the outcome of a stanza under `id`. */
  settleAs(id: number): (delivery: Delivery) => void;
  /** The outcomes recorded under `id`, such as `sent` or `returned resource-constraint`. */
  outcomes(id: number): string[];
  /** Runs the tasks that are due now. */
  readonly settleTasks: () => void;
}

export function bench(options: Partial<RouterOptions> = {}): Bench {
  const clock = new SimulatedClock();
  const wanted: string[] = [];
  const refused: [StreamId, Fault][] = [];
  const deliveries = new Map<number, Delivery[]>();
  const router = new Router({
    queueStanzas: 8,
    queueBytes: 100_000,
    queueAgeMs: 60_000,
    clock,
    isLocal,
    events: {
      routeWanted: (local, remote) => wanted.push(`${local} ${remote}`),
      refused: (stream, why) => refused.push([stream, why]),
    },
    ...options,
  });
  return {
    clock,
    router,
    wanted,
    refused,
    deliveries,
    settleAs: (id) => (delivery) => deliveries.set(id, [...(deliveries.get(id) ?? []), delivery]),
    outcomes: (id) =>
      (deliveries.get(id) ?? []).map((delivery) =>
        delivery.outcome === 'returned' ? `returned ${delivery.fault.condition}` : delivery.outcome,
      ),
    settleTasks: () => clock.increment(0),
  };
}
