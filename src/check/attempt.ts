/** The attempt at one target of the domain: its stream, and what has become known on it. */
import { type Actor, createActor } from 'xstate';
import { setOf } from '../../machines/collections/growing-table.ts';
import type { PeerReport, StreamId, StreamReport } from '../../machines/events.ts';
import type { StreamContext, StreamSettings } from '../../machines/stream/context.ts';
import type { Machines } from '../control/effects.ts';
import type { StreamRow } from '../control/standing-streams.ts';
import type { Clock } from '../ports.ts';
import type { Endpoint } from '../protocol/dns.ts';
import { type Fault, toFault } from '../protocol/faults.ts';
import type { PolicyOptions } from '../protocol/policy.ts';
import type { Proof } from '../protocol/proof.ts';
import { statePath } from '../trace/record.ts';
import type { CheckQuestion } from './question.ts';
import { StreamSteps } from './stream-steps.ts';
import type { TellSince } from './watched.ts';

/** How long the far end has to send its closing tag, in milliseconds; the verdict is already decided. */
const FAREWELL_MS = 1_000;

export type StreamRequest = Extract<PeerReport, { type: 'stream.requested' }>;

export interface AttemptOptions {
  readonly stream: StreamId;
  readonly question: CheckQuestion;
  /** Canonical. */
  readonly policy: PolicyOptions;
  readonly material: StreamSettings['material'];
  /** Whether proofs of delegation can be judged, so that the far end is challenged for them. */
  readonly challenges: boolean;
  readonly machine: Machines['initiatingStream'];
  readonly clock: Clock;
  readonly tell: TellSince;
}

/** Callbacks of an attempt. */
export interface AttemptEars {
  readonly reported: (report: StreamReport) => void;
  readonly ended: (why: Fault | null) => void;
}

export class Attempt {
  readonly endpoint: Endpoint;
  readonly row: StreamRow;
  firstBytes: Buffer | null = null;
  established = false;
  accepted: Proof | null = null;
  /** Why SASL EXTERNAL failed; dialback may still succeed. */
  saslFault: Fault | null = null;
  readonly #actor: Actor<Machines['initiatingStream']>;
  readonly #steps: StreamSteps;
  readonly #clock: Clock;

  constructor({ endpoint, avoidExternal }: StreamRequest, options: AttemptOptions) {
    const { stream, question, policy, material, challenges, machine, clock, tell } = options;
    const { domain, service, local, authentication } = question;
    const steps = new StreamSteps(tell, () => clock.now());
    const actor = createActor(machine, {
      id: `stream:${stream}`,
      input: {
        stream,
        settings: {
          hosted: setOf(new Set(local === '' ? [] : [local])),
          policy,
          bidi: false,
          material,
          dna: { checks: challenges, proofs: [] },
        },
        purpose: 'stanzas',
        local,
        remote: domain,
        endpoint,
        service,
        directTls: endpoint.tls === 'direct',
        // Without a credential, EXTERNAL is not tried.
        avoidExternal: avoidExternal || authentication?.credential == null,
      },
      clock,
      inspect: steps.inspect,
    });
    this.endpoint = endpoint;
    this.row = {
      id: stream,
      initiating: true,
      purpose: 'stanzas',
      endpoint,
      openedFrom: null,
      context: () => actor.getSnapshot().context,
      stage: 'opening',
      leadsTo: new Set(),
      bytes: null,
      openedAt: 0,
      establishedAt: Infinity,
      chain: null,
    };
    this.#actor = actor;
    this.#steps = steps;
    this.#clock = clock;
  }

  start({ reported, ended }: AttemptEars): void {
    const actor = this.#actor;
    actor.on('*', reported);
    actor.subscribe({
      next: () => this.look(),
      error: (thrown) => ended(toFault(thrown, 'internal')),
      complete: () => ended(this.context.fault),
    });
    actor.start();
  }

  get context(): StreamContext {
    return this.#actor.getSnapshot().context;
  }

  send(event: Parameters<Actor<Machines['initiatingStream']>['send']>[0]): void {
    this.#actor.send(event);
  }

  /** Reports what has become known since the last call. */
  look(): void {
    const { value, context } = this.#actor.getSnapshot();
    this.#steps.saw(statePath(value)[0] ?? '', context);
  }

  /** Exchanges closing tags if the far end still listens. */
  async leave(): Promise<void> {
    const actor = this.#actor;
    if (actor.getSnapshot().status === 'active')
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimeout(resolve, FAREWELL_MS);
        const end = (): void => {
          this.#clock.clearTimeout(timer);
          resolve();
        };
        actor.subscribe({ complete: end, error: end });
        actor.send({ type: 'local.closeRequested', fault: null });
      });
    actor.stop();
  }
}
