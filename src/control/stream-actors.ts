/** Live streams, from the first byte to the end of the connection. */
import { createActor } from 'xstate';
import type { StreamId, StreamReport } from '../../machines/events.ts';
import type { StreamEvent, StreamInput, StreamSettings } from '../../machines/stream/context.ts';
import type { AcceptedConnection } from '../adapters/transport.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { Machines } from './effects.ts';
import type { Recorder } from './recorder.ts';
import type { StandingStreams } from './standing-streams.ts';
import { keepDeadlines } from './steps/deadlines.ts';

interface StreamActor {
  send(event: StreamEvent): void;
  stop(): unknown;
}

export interface StreamActorsOptions {
  readonly machines: Pick<Machines, 'initiatingStream' | 'receivingStream'>;
  /** The settings now in force. */
  readonly settings: () => StreamSettings;
  /** The table in which others find them. */
  readonly table: StandingStreams;
  readonly recorder: Recorder;
  readonly reported: (report: StreamReport) => void;
  /** The actor has ended, possibly by failing. */
  readonly ended: (stream: StreamId, why: Fault | null) => void;
}

export class StreamActors {
  readonly #options: StreamActorsOptions;
  readonly #actors = new Map<StreamId, StreamActor>();
  readonly #accepted = new Map<StreamId, AcceptedConnection>();
  #next = 1;

  constructor(options: StreamActorsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#actors.size;
  }

  ids(): StreamId[] {
    return [...this.#actors.keys()];
  }

  /** Returns false when there is no such stream. */
  send(stream: StreamId, event: StreamEvent): boolean {
    const actor = this.#actors.get(stream);
    actor?.send(event);
    return actor !== undefined;
  }

  sendToAll(event: StreamEvent): void {
    for (const actor of [...this.#actors.values()]) actor.send(event);
  }

  /** An id for a stream that is about to be opened; ids are never reused. */
  assign(): StreamId {
    return this.#next++;
  }

  /** A peer has connected. */
  accept(connection: AcceptedConnection): void {
    const stream = this.assign();
    this.#accepted.set(stream, connection);
    const { directTls } = connection;
    const service = 'xmpp-server' as const;
    const nothingSaid = { purpose: 'stanzas' as const, local: '', remote: '', endpoint: null, avoidExternal: false };
    this.#start('receivingStream', { stream, settings: this.#options.settings(), service, ...nothingSaid, directTls });
  }

  /** Hands over the accepted connection of this stream, once. */
  takeAccepted(stream: StreamId): AcceptedConnection | null {
    const connection = this.#accepted.get(stream) ?? null;
    this.#accepted.delete(stream);
    return connection;
  }

  open(input: Omit<StreamInput, 'settings'>): void {
    this.#start('initiatingStream', { settings: this.#options.settings(), ...input });
  }

  stop(): void {
    for (const actor of this.#actors.values()) actor.stop();
  }

  #start(kind: 'initiatingStream' | 'receivingStream', input: StreamInput): void {
    const { machines, table, recorder, reported } = this.#options;
    const { stream, purpose, endpoint, remote } = input;
    const { clock } = recorder;
    const actor = keepDeadlines(createActor(machines[kind], { id: `stream:${stream}`, input, clock }));
    this.#actors.set(stream, actor);
    table.add({
      id: stream,
      initiating: endpoint !== null,
      purpose,
      endpoint,
      openedFrom: this.#accepted.get(stream)?.connection.remoteAddress ?? null,
      context: () => actor.getSnapshot().context,
      stage: 'opening',
      leadsTo: new Set(),
      bytes: null,
      openedAt: 0,
      establishedAt: Infinity,
      chain: null,
    });
    if (remote !== '') table.leadsTo(stream, remote);
    actor.on('*', reported);
    const inItsCourse = recorder.following(`stream:${stream}`);
    actor.subscribe({
      // The actor failed; only this stream is affected.
      error: (thrown) => inItsCourse(() => this.#ended(stream, toFault(thrown, 'internal'))),
      complete: () => inItsCourse(() => this.#ended(stream, actor.getSnapshot().context.fault)),
    });
    actor.start();
  }

  #ended(stream: StreamId, why: Fault | null): void {
    this.#accepted.delete(stream);
    if (this.#actors.delete(stream)) this.#options.ended(stream, why);
  }
}
