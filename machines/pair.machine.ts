/** One domain pair (local, remote): its request for a route, and how it gets one. Hibernated when resting or routed. */
import { assign, emit, setup } from 'xstate';
import { type Fault, fault } from '../src/protocol/faults.ts';
import type { StateMeta } from './declare.ts';
import type { AssociationOutcome, PairEvent, PairReport, RouteManner, StreamId } from './events.ts';
import { decide, superseded } from './failures.ts';
import { limits } from './limits.ts';

export interface PairInput {
  readonly local: string;
  readonly remote: string;
}

export interface PairContext extends PairInput {
  readonly stream: StreamId | null;
  readonly fault: Fault | null;
  /** Streams that were left, for any reason: they are not offered again for this wish. */
  readonly avoid: readonly StreamId[];
  /** On how many of these streams the pair was refused. */
  readonly refusals: number;
}

export const pair = setup({
  types: {
    input: {} as PairInput,
    context: {} as PairContext,
    events: {} as PairEvent,
    emitted: {} as PairReport,
    tags: {} as 'waiting' | 'quiet',
    meta: {} as StateMeta,
  },
  delays: {
    routeTimeout: limits.routeMs,
    associationTimeout: limits.associationMs,
    turnTimeout: limits.routeMs,
    answerTimeout: limits.assertionMs + limits.headerMs,
    holdOff: limits.pairHoldOffMs,
  },
  guards: {
    isOurs: ({ context }, stream: StreamId) => stream === context.stream,
    ourStreamEndsWithoutFault: ({ context }, event: { stream: StreamId; fault: Fault | null }) =>
      event.stream === context.stream &&
      (event.fault === null || event.fault.condition === superseded.condition) &&
      context.avoid.length < limits.attemptsPerWish,
    offerIs: (_, params: { manner: RouteManner; is: RouteManner }) => params.manner === params.is,
    domainIsProved: ({ context }, { stream, outcome }: { stream: StreamId; outcome: AssociationOutcome }) =>
      stream === context.stream && outcome.domain === context.remote && outcome.verdict.kind === 'proved',
    domainIsNotProved: ({ context }, { stream, outcome }: { stream: StreamId; outcome: AssociationOutcome }) =>
      stream === context.stream && outcome.domain === context.remote && outcome.verdict.kind !== 'proved',
    /** XEP-0220 §2.5: a second stream is tried, but not a third. */
    anotherStreamMayHelp: ({ context }, what: Fault) =>
      decide(what).next === 'next-stream' && context.refusals === 0 && context.avoid.length < limits.attemptsPerWish,
  },
  actions: {
    requestRoute: emit(({ context }) => ({
      type: 'route.requested' as const,
      local: context.local,
      remote: context.remote,
      avoid: context.avoid,
    })),
    requestAssertion: emit(({ context }) => ({
      type: 'assertion.requested' as const,
      stream: context.stream ?? -1,
      local: context.local,
      remote: context.remote,
    })),
    requestAssociation: emit(({ context }) => ({
      type: 'association.requested' as const,
      stream: context.stream ?? -1,
      local: context.local,
      remote: context.remote,
    })),
    reportRouted: emit(({ context }) => ({
      type: 'pair.routed' as const,
      local: context.local,
      remote: context.remote,
      stream: context.stream ?? -1,
    })),
    reportFailed: emit(({ context }) => ({
      type: 'pair.failed' as const,
      local: context.local,
      remote: context.remote,
      fault: context.fault ?? fault('internal', 'no-fault', 'local'),
    })),
    takeStream: assign((_, stream: StreamId) => ({ stream })),
    leaveStream: assign(({ context }) => ({
      stream: null,
      avoid: context.stream === null ? context.avoid : [...context.avoid, context.stream],
    })),
    countRefusal: assign(({ context }) => ({ refusals: context.refusals + 1 })),
    forgetWish: assign({ stream: null, avoid: [], refusals: 0 }),
    rememberFault: assign((_, what: Fault) => ({ fault: what })),
  },
}).createMachine({
  id: 'pair',
  description: 'One local and one remote domain.',
  meta: { spec: 'RFC 7712 §4.4, XEP-0220 §2.6' },
  context: ({ input }) => ({ stream: null, fault: null, avoid: [], refusals: 0, ...input }),
  initial: 'resting',
  on: {
    // Accepted without an assertion: by SASL EXTERNAL, or in reverse on a bidirectional stream (XEP-0288).
    'pair.accepted': { target: '.routed', actions: { type: 'takeStream', params: ({ event }) => event.stream } },
  },
  states: {
    resting: {
      description: 'Nobody wants to send.',
      meta: { spec: 'XEP-0220 §2.1.1' },
      tags: 'quiet',
      entry: 'forgetWish',
      on: { 'local.routeWanted': 'awaitingRoute' },
    },
    awaitingRoute: {
      description: 'A stream is wanted: a standing one if it can serve, else a new one.',
      meta: {
        spec: 'RFC 7712 §4.4',
        awaits: 'a stream to the remote domain',
        mover: 'peer',
        ifLate: 'the queue is returned with remote-server-timeout',
      },
      tags: 'waiting',
      entry: 'requestRoute',
      on: {
        'route.offered': [
          {
            guard: { type: 'offerIs', params: ({ event }) => ({ manner: event.manner, is: 'supposition' as const }) },
            target: 'piggybackingSupposition',
            actions: { type: 'takeStream', params: ({ event }) => event.stream },
          },
          { target: 'piggybackingAssertion', actions: { type: 'takeStream', params: ({ event }) => event.stream } },
        ],
        // The peer actor applies its own back-off after failures: no hold-off on top of that.
        'route.refused': {
          target: 'resting',
          actions: [{ type: 'rememberFault', params: ({ event }) => event.fault }, 'reportFailed'],
        },
      },
      after: {
        routeTimeout: {
          target: 'failed',
          actions: { type: 'rememberFault', params: fault('tcp', 'route-timeout', 'peer', 'no stream in time') },
        },
      },
    },
    piggybackingAssertion: {
      description:
        'Our domain is asserted on the stream: the first pair on it, or a new sender domain on a standing one.',
      meta: {
        spec: 'RFC 7712 §4.4.1',
      },
      initial: 'awaitingTurn',
      entry: 'requestAssertion',
      on: {
        'pair.refused': [
          {
            guard: { type: 'isOurs', params: ({ event }) => event.stream },
            target: 'decidingRefusal',
            actions: { type: 'rememberFault', params: ({ event }) => event.fault },
          },
        ],
        'stream.closing': [
          {
            // The stream closed without a fault, for reasons unrelated to the pair: no answer, so no refusal.
            guard: { type: 'ourStreamEndsWithoutFault', params: ({ event }) => event },
            target: 'awaitingRoute',
            actions: 'leaveStream',
          },
          {
            guard: { type: 'isOurs', params: ({ event }) => event.stream },
            target: 'decidingRefusal',
            actions: {
              type: 'rememberFault',
              params: ({ event }) => event.fault ?? fault('dialback', 'closed-while-waiting', 'peer'),
            },
          },
        ],
      },
      states: {
        awaitingTurn: {
          description:
            'Only a limited number of assertions on one stream may await their answer; this one waits for its turn.',
          meta: {
            spec: 'RFC 7712 §4.4.1',
            awaits: 'its turn to be asserted',
            mover: 'peer',
            ifLate: 'the queue is returned with remote-server-timeout',
          },
          tags: 'waiting',
          on: {
            'pair.asserted': {
              guard: { type: 'isOurs', params: ({ event }) => event.stream },
              target: 'awaitingAnswer',
            },
          },
          after: {
            turnTimeout: {
              target: '#pair.failed',
              actions: {
                type: 'rememberFault',
                params: fault('dialback', 'remote-server-timeout', 'peer', 'other assertions were not answered'),
              },
            },
          },
        },
        awaitingAnswer: {
          description: 'db:result is sent.',
          meta: {
            spec: 'XEP-0220 §2.1.1',
            awaits: 'the answer to db:result',
            mover: 'peer',
            ifLate: 'the queue is returned with remote-server-timeout',
          },
          tags: 'waiting',
          after: {
            answerTimeout: {
              target: '#pair.failed',
              actions: {
                type: 'rememberFault',
                params: fault('dialback', 'remote-server-timeout', 'peer', 'no answer to db:result'),
              },
            },
          },
        },
      },
    },
    piggybackingSupposition: {
      description:
        'The far end of a standing stream is expected to serve the remote domain; that has to be proved first.',
      meta: {
        spec: 'RFC 7712 §4.4.2',
        awaits: 'the association of the remote domain on that stream',
        mover: 'us',
        ifLate: 'another stream is wanted',
      },
      tags: 'waiting',
      entry: 'requestAssociation',
      on: {
        'association.settled': [
          { guard: { type: 'domainIsProved', params: ({ event }) => event }, target: 'piggybackingAssertion' },
          {
            guard: { type: 'domainIsNotProved', params: ({ event }) => event },
            target: 'awaitingRoute',
            actions: 'leaveStream',
          },
        ],
        'stream.closing': {
          guard: { type: 'isOurs', params: ({ event }) => event.stream },
          target: 'awaitingRoute',
          actions: 'leaveStream',
        },
      },
      after: { associationTimeout: { target: 'awaitingRoute', actions: 'leaveStream' } },
    },
    decidingRefusal: {
      description: 'Some refusals concern the stream, not the pair (XEP-0220 §2.5: resource-constraint).',
      meta: { spec: 'XEP-0220 §2.5' },
      always: [
        {
          guard: {
            type: 'anotherStreamMayHelp',
            params: ({ context }) => context.fault ?? fault('internal', 'no-fault', 'local'),
          },
          target: 'awaitingRoute',
          actions: ['leaveStream', 'countRefusal'],
        },
        { target: 'failed' },
      ],
    },
    routed: {
      description: 'A stream serves the pair.',
      meta: { spec: 'RFC 6120 §10.1' },
      tags: 'quiet',
      entry: 'reportRouted',
      on: {
        'pair.accepted': {}, // S7: a pair stays on its stream
        'stream.closing': { guard: { type: 'isOurs', params: ({ event }) => event.stream }, target: 'resting' },
      },
    },
    failed: {
      description:
        'The queue is returned. A new wish is refused at once for a while, so that one stanza does not cost the peer one db:result.',
      meta: {
        spec: 'XEP-0220 §2.5',
        awaits: 'the end of the hold-off',
        mover: 'us',
        ifLate: 'a new wish is tried again',
      },
      tags: 'waiting',
      entry: 'reportFailed',
      on: { 'local.routeWanted': { actions: 'reportFailed' } },
      after: { holdOff: 'resting' },
    },
  },
});
