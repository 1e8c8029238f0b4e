/** One remote domain: its resolution, the attempts at its targets, and its failures. It provides streams on request. */
import { assign, emit, enqueueActions, setup } from 'xstate';
import type { Endpoint } from '../src/protocol/dns.ts';
import { type Fault, fault, toFault } from '../src/protocol/faults.ts';
import type { FixedTarget } from '../src/protocol/policy.ts';
import type { Service } from '../src/protocol/service.ts';
import type { Target } from '../src/protocol/srv.ts';
import { undelegated } from '../src/protocol/secure-delegation.ts';
import { declareEffect, delayBetween, type StateMeta } from './declare.ts';
import type { AttemptProgress, PeerActorEvent, PeerReport, RouteManner, StreamId, StreamWish } from './events.ts';
import { decide, type NextStep, superseded } from './failures.ts';
import { entriesOf, entryOf, type GrowingTable, membersOf, tableOf, withEntry } from './collections/growing-table.ts';
import { limits } from './limits.ts';
import { type Resolution, resolution } from './resolution.machine.ts';

export interface PeerInput {
  readonly remote: string;
  /** @defaultValue `xmpp-server` */
  readonly service?: Service;
  readonly fixedTarget: FixedTarget | null;
  /** Whether policy lists DANE among the prooftypes of the domain. */
  readonly asksForTlsa: boolean;
  /** Why policy forbids the domain, or null. */
  readonly denied: Fault | null;
  /** In [0, 1): spreads the retries of many peers over time. */
  readonly jitter: number;
}

/** An open stream that may serve a wish, found by the registry (RFC 7712 §4.4). */
export interface StandingStream {
  readonly stream: StreamId;
  readonly manner: RouteManner;
}

export interface PeerContext extends PeerInput {
  /** By {@link wishId}. */
  readonly wishes: GrowingTable<StreamWish>;
  /** The current endpoint. */
  readonly endpoint: Endpoint | null;
  /** Targets to be tried after it. */
  readonly further: readonly Target[];
  readonly avoidExternal: boolean;
  /** Streams requested since the domain was looked up. */
  readonly attempts: number;
  /** The stream of the current attempt, or of the last one. */
  readonly stream: StreamId | null;
  /** A stream being opened for another domain, awaited so that it can be shared; null if there is none. */
  readonly awaited: StreamId | null;
  /** The purpose of the current search or attempt: wishes that join meanwhile may have the other one. */
  readonly purpose: StreamWish['purpose'];
  readonly progress: AttemptProgress;
  readonly failures: number;
  /** The fault with which all wishes are refused if nothing helps. */
  readonly fault: Fault | null;
  /** What may still be tried after the last attempt. */
  readonly next: NextStep;
}

export const noProgress: AttemptProgress = { connectedTo: null, dialbackOffered: false };

export interface FailedAttempt {
  readonly fault: Fault | null;
  readonly progress: AttemptProgress;
}

const wishId = ({ purpose, local }: Pick<StreamWish, 'purpose' | 'local'>): string => `${purpose} ${local}`;

/** The pending wishes, oldest first. */
export const wishesOf = ({ wishes }: Pick<PeerContext, 'wishes'>): readonly StreamWish[] =>
  Object.values(entriesOf(wishes));

/** The wishes for which `serves` returns false. */
const withoutThose = (context: PeerContext, serves: (wish: StreamWish) => boolean): GrowingTable<StreamWish> =>
  tableOf(
    wishesOf(context).filter((wish) => !serves(wish)),
    wishId,
  );

/** Stanzas first: a stream for stanzas also serves wishes for verification, if we opened it. */
const purposeOf = (context: PeerContext): StreamWish['purpose'] =>
  wishesOf(context).some(({ purpose }) => purpose === 'stanzas') ? 'stanzas' : 'verification';

/** The wish on whose behalf a stream is opened. */
function firstInTurn(context: PeerContext): StreamWish | undefined {
  const wishes = wishesOf(context);
  return wishes.find(({ purpose }) => purpose === context.purpose) ?? wishes[0];
}

/**
 * The wish on whose behalf a stream is searched for. A wish that avoids no stream comes first: a stream that others
 * avoid may already be open and suit it (L3).
 */
function firstToSearchFor(context: PeerContext): StreamWish | undefined {
  const avoidsNone = ({ purpose, avoid }: StreamWish): boolean => purpose === context.purpose && avoid.length === 0;
  return wishesOf(context).find(avoidsNone) ?? firstInTurn(context);
}

const isForVerification = ({ purpose }: StreamWish): boolean => purpose === 'verification';

/** Which wishes an open stream serves, regardless of the wish for which it was searched. */
const isServedBy =
  (sought: StreamWish['purpose'], { stream }: StandingStream) =>
  ({ purpose, avoid }: StreamWish): boolean =>
    purpose === sought && !avoid.includes(stream);

/** If TCP reached no address, all were tried (RFC 8305); if it reached one, that one failed but others may work. */
function addressesLeft({ endpoint, progress: { connectedTo } }: PeerContext): Endpoint['addresses'] {
  return connectedTo === null ? [] : (endpoint?.addresses ?? []).filter(({ address }) => address !== connectedTo);
}

/** Whether a further target remains and may be tried. */
const anotherTargetIsLeft = ({ further, attempts }: PeerContext): boolean =>
  further.length > 0 && attempts < limits.attemptsPerWish;

/** The last target gets all the remaining time, since no other target waits for its turn. */
function attemptMs(context: PeerContext): number {
  if (!anotherTargetIsLeft(context)) return limits.lastAttemptMs;
  return context.purpose === 'verification' ? limits.verifyAttemptMs : limits.attemptMs;
}

const notInTime = fault('stream', 'connection-timeout', 'peer', 'the stream was not established in time');

/** A target that takes this long is abandoned with all its addresses. */
const tooSlow: FailedAttempt = { fault: notInTime, progress: noProgress };

const noFault = fault('internal', 'no-fault', 'local');
const nowhere: Resolution = { kind: 'failed', fault: noFault };
const noEndpoint: Endpoint = {
  host: '',
  port: 0,
  tls: 'starttls',
  secureDelegation: false,
  delegatedUntilMs: null,
  expandedHost: null,
  addresses: [],
  dane: undelegated.dane,
};

export const peer = setup({
  types: {
    input: {} as PeerInput,
    context: {} as PeerContext,
    events: {} as PeerActorEvent,
    emitted: {} as PeerReport,
    tags: {} as 'waiting' | 'quiet',
    meta: {} as StateMeta,
  },
  actors: {
    resolution,
    findStandingStream: declareEffect<
      StandingStream | null,
      { remote: string; purpose: StreamWish['purpose']; endpoints: readonly Endpoint[]; avoid: readonly StreamId[] }
    >('findStandingStream'),
  },
  delays: {
    resolutionTimeout: limits.resolutionMs,
    standingTimeout: limits.standingMs,
    attemptTimeout: delayBetween(
      limits.verifyAttemptMs,
      limits.lastAttemptMs,
      ({ context }: { context: PeerContext }) => attemptMs(context),
    ),
    backoff: delayBetween(limits.backoffMs / 2, limits.backoffMaxMs, ({ context }: { context: PeerContext }) => {
      const full = Math.min(limits.backoffMaxMs, limits.backoffMs * 2 ** Math.min(context.failures - 1, 10));
      return full / 2 + (context.jitter * full) / 2;
    }),
  },
  guards: {
    domainIsDenied: ({ context }) => context.denied !== null,
    roomForWishesIsLacking: ({ context }) => membersOf(context.wishes) >= limits.wishesPerPeer,
    /** Our own stanzas do not queue behind verification: the domain is looked up again, once, for stanzas. */
    stanzasWaitBehindVerification: ({ context }, { purpose }: StreamWish) =>
      purpose === 'stanzas' && context.purpose === 'verification' && membersOf(context.wishes) < limits.wishesPerPeer,
    anEndpointIsKnown: (_, result: Resolution | null) => result?.kind === 'resolved',
    noEndpointIsThere: (_, result: Resolution | null) => result?.kind === 'failed',
    isOurs: ({ context }, stream: StreamId) => stream === context.stream,
    isOursAndSuperseded: ({ context }, event: { stream: StreamId; fault: Fault | null }) =>
      event.stream === context.stream &&
      event.fault?.condition === superseded.condition &&
      context.attempts < limits.attemptsPerWish,
    isOursAndNobodyWantsStanzas: ({ context }, stream: StreamId) =>
      stream === context.stream && context.purpose === 'verification',
    nobodyWaits: ({ context }) => context.wishes.length === 0,
    standingStreamServes: ({ context }, found: StandingStream | null) =>
      found !== null && wishesOf(context).some(isServedBy(context.purpose, found)),
    anotherAddressIsLeft: ({ context }) =>
      addressesLeft(context).length > 0 && context.attempts < limits.attemptsPerWish,
    anotherTargetIsLeft: ({ context }) => anotherTargetIsLeft(context),
    dialbackIsLeft: ({ context }) =>
      context.next === 'next-prooftype' &&
      context.progress.dialbackOffered &&
      !context.avoidExternal &&
      context.attempts < limits.attemptsPerWish,
    nothingElseHelps: ({ context }) => context.next === 'give-up-peer',
  },
  actions: {
    rememberWish: assign(({ context }, { local, purpose, avoid }: StreamWish) => ({
      wishes:
        entryOf(context.wishes, wishId({ purpose, local })) === undefined
          ? withEntry(context.wishes, wishId({ purpose, local }), { local, purpose, avoid })
          : context.wishes,
    })),
    refuseWish: emit(({ context }, { local, purpose, avoid }: StreamWish) => ({
      type: 'stream.refused' as const,
      remote: context.remote,
      wish: { local, purpose, avoid },
      fault: context.fault ?? context.denied ?? noFault,
    })),
    refuseForWantOfRoom: emit(({ context }, { local, purpose, avoid }: StreamWish) => ({
      type: 'stream.refused' as const,
      remote: context.remote,
      wish: { local, purpose, avoid },
      fault: fault('queue', 'resource-constraint', 'local', 'too many domains wait for a stream to this one'),
    })),
    /** Only for wishes of the purpose sought: a stream for stanzas may be the one that brought a question (S6). */
    offerStandingStream: enqueueActions(({ context, enqueue }, offer: StandingStream) => {
      const serves = isServedBy(context.purpose, offer);
      for (const wish of wishesOf(context).filter(serves)) {
        enqueue.emit({ type: 'stream.offered', remote: context.remote, wish, ...offer });
      }
      enqueue.assign({ wishes: withoutThose(context, serves), failures: 0, fault: null });
    }),
    /** A new stream for stanzas also serves verification; one for verification carries no stanza (XEP-0220 §2.1.1). */
    offerStream: enqueueActions(({ context, enqueue }, offer: StandingStream) => {
      const serves = ({ purpose }: StreamWish): boolean => purpose === 'verification' || context.purpose === 'stanzas';
      for (const wish of wishesOf(context).filter(serves)) {
        enqueue.emit({ type: 'stream.offered', remote: context.remote, wish, ...offer });
      }
      enqueue.assign({ wishes: withoutThose(context, serves), failures: 0, fault: null });
    }),
    reportSearchFailed: emit(({ context }, why: Fault) => ({
      type: 'search.failed' as const,
      remote: context.remote,
      fault: why,
    })),
    decidePurpose: assign(({ context }) => ({ purpose: purposeOf(context) })),
    /**
     * Verification needs no authentication, so its wishes are served before the others. Otherwise two servers could
     * each wait for the other to authenticate when dialback fails in one direction.
     */
    offerToVerifiers: enqueueActions(({ context, enqueue }, stream: StreamId) => {
      for (const wish of wishesOf(context).filter(isForVerification)) {
        enqueue.emit({ type: 'stream.offered', remote: context.remote, wish, stream, manner: 'assertion' });
      }
      enqueue.assign({ wishes: withoutThose(context, isForVerification) });
    }),
    refuseAll: enqueueActions(({ context, enqueue }) => {
      const why = context.fault ?? context.denied ?? noFault;
      for (const wish of wishesOf(context)) {
        enqueue.emit({ type: 'stream.refused', remote: context.remote, wish, fault: why });
      }
      enqueue.assign({ wishes: [] });
    }),
    startOver: assign({ endpoint: null, further: [], attempts: 0, avoidExternal: false, fault: null }),
    takeEndpoint: assign((_, result: Resolution) =>
      result.kind === 'resolved' ? { endpoint: result.endpoint, further: result.further } : {},
    ),
    /** If a target was already tried, its fault says more than the failure to resolve the next one. */
    takeResolutionFault: assign(({ context }, what: Fault) => ({
      endpoint: null,
      further: [],
      fault: context.attempts > 0 ? (context.fault ?? what) : what,
    })),
    requestStream: emit(({ context }) => ({
      type: 'stream.requested' as const,
      remote: context.remote,
      local: firstInTurn(context)?.local ?? '',
      purpose: context.purpose,
      endpoint: context.endpoint ?? noEndpoint,
      avoidExternal: context.avoidExternal,
    })),
    startAttempt: assign(({ context }) => ({
      stream: null,
      progress: noProgress,
      attempts: context.attempts + 1,
      purpose: purposeOf(context),
    })),
    takeStream: assign((_, stream: StreamId) => ({ stream })),
    awaitStream: assign((_, awaited: StreamId) => ({ awaited })),
    awaitNone: assign({ awaited: null }),
    abandonStream: emit(({ context }) => ({
      type: 'stream.abandoned' as const,
      remote: context.remote,
      stream: context.stream ?? -1,
      fault: notInTime,
    })),
    tryExternal: assign({ avoidExternal: false }),
    avoidExternal: assign({ avoidExternal: true }),
    leaveAddress: assign(({ context }) => ({
      endpoint: context.endpoint === null ? null : { ...context.endpoint, addresses: addressesLeft(context) },
    })),
    /** If dialback was tried after EXTERNAL, the fault of EXTERNAL says more than that of dialback. */
    rememberFailure: assign(({ context }, { fault: what, progress }: FailedAttempt) => {
      const why = what ?? fault('stream', 'closed', 'peer', 'the peer closed the stream before it was established');
      return { fault: context.avoidExternal ? (context.fault ?? why) : why, next: decide(why).next, progress };
    }),
    rememberDenial: assign(({ context }) => ({ fault: context.denied })),
    countFailure: assign(({ context }) => ({ failures: context.failures + 1 })),
  },
}).createMachine({
  id: 'peer',
  description: 'One remote domain.',
  meta: { spec: 'RFC 7712 §4, RFC 6120 §3' },
  context: ({ input }) => ({
    wishes: [],
    endpoint: null,
    further: [],
    avoidExternal: false,
    attempts: 0,
    stream: null,
    awaited: null,
    purpose: 'stanzas',
    progress: noProgress,
    failures: 0,
    fault: null,
    next: 'next-stream',
    ...input,
  }),
  initial: 'resting',
  on: {
    'local.streamWanted': [
      { guard: 'roomForWishesIsLacking', actions: { type: 'refuseForWantOfRoom', params: ({ event }) => event } },
      { actions: { type: 'rememberWish', params: ({ event }) => event } },
    ],
  },
  states: {
    resting: {
      description: 'Nobody wants a stream.',
      meta: { spec: 'RFC 6120 §3' },
      tags: 'quiet',
      on: {
        'local.streamWanted': [
          { guard: 'domainIsDenied', actions: { type: 'refuseWish', params: ({ event }) => event } },
          // The requester has already looked up the domain.
          {
            guard: { type: 'anEndpointIsKnown', params: ({ event }) => event.known ?? null },
            target: 'connectionReuse',
            actions: [
              'startOver',
              { type: 'takeEndpoint', params: ({ event }) => event.known ?? nowhere },
              { type: 'rememberWish', params: ({ event }) => event },
            ],
          },
          {
            guard: { type: 'noEndpointIsThere', params: ({ event }) => event.known ?? null },
            target: 'failed',
            actions: [
              'startOver',
              {
                type: 'takeResolutionFault',
                params: ({ event }) => (event.known?.kind === 'failed' ? event.known.fault : noFault),
              },
              { type: 'rememberWish', params: ({ event }) => event },
            ],
          },
          {
            target: 'dnsResolution',
            actions: ['startOver', { type: 'rememberWish', params: ({ event }) => event }],
          },
        ],
      },
    },
    dnsResolution: {
      description: 'DNS RESOLUTION ETC.',
      meta: {
        spec: 'RFC 6120 §3.2',
        awaits: 'the next endpoint of the remote domain',
        mover: 'dns',
        ifLate: 'the wishes are refused with remote-server-timeout',
      },
      tags: 'waiting',
      entry: 'decidePurpose',
      on: {
        'local.streamWanted': {
          guard: { type: 'stanzasWaitBehindVerification', params: ({ event }) => event },
          target: 'dnsResolution',
          reenter: true,
          actions: { type: 'rememberWish', params: ({ event }) => event },
        },
      },
      invoke: {
        id: 'resolution',
        src: 'resolution',
        input: ({ context }) => ({
          remoteDomain: context.remote,
          service: context.service ?? 'xmpp-server',
          fixedTarget: context.fixedTarget,
          asksForTlsa: context.asksForTlsa,
          targets: context.further,
          fresh: context.failures > 0,
          purpose: context.purpose,
        }),
        onDone: [
          {
            guard: { type: 'anEndpointIsKnown', params: ({ event }) => event.output },
            target: 'connectionReuse',
            actions: { type: 'takeEndpoint', params: ({ event }) => event.output },
          },
          {
            target: 'failed',
            actions: {
              type: 'takeResolutionFault',
              params: ({ event }) => (event.output.kind === 'failed' ? event.output.fault : noFault),
            },
          },
        ],
        onError: {
          target: 'failed',
          actions: { type: 'takeResolutionFault', params: ({ event }) => toFault(event.error, 'dns') },
        },
      },
      after: {
        resolutionTimeout: {
          target: 'failed',
          actions: { type: 'takeResolutionFault', params: fault('dns', 'resolution-timeout', 'dns') },
        },
      },
    },
    connectionReuse: {
      description: 'A standing stream to the same endpoint may serve this domain too.',
      meta: {
        spec: 'RFC 7712 §4.4.2, XEP-0220 §2.6.2',
        awaits: 'a standing stream, or one that is being opened to the same endpoint',
        mover: 'peer',
        ifLate: 'a new stream is opened',
      },
      tags: 'waiting',
      entry: 'decidePurpose',
      exit: 'awaitNone',
      on: { 'stream.awaited': { actions: { type: 'awaitStream', params: ({ event }) => event.stream } } },
      invoke: {
        id: 'findStandingStream',
        src: 'findStandingStream',
        input: ({ context }) => ({
          remote: context.remote,
          purpose: context.purpose,
          endpoints: context.endpoint === null ? [] : [context.endpoint],
          avoid: firstToSearchFor(context)?.avoid ?? [],
        }),
        onDone: [
          {
            guard: { type: 'standingStreamServes', params: ({ event }) => event.output },
            target: 'decidingReuse',
            actions: {
              type: 'offerStandingStream',
              params: ({ event }) => event.output ?? { stream: -1, manner: 'assertion' as const },
            },
          },
          { target: 'connecting' },
        ],
        onError: {
          target: 'connecting',
          actions: { type: 'reportSearchFailed', params: ({ event }) => toFault(event.error, 'internal') },
        },
      },
      after: { standingTimeout: 'connecting' },
    },
    decidingReuse: {
      description: 'Wishes that the standing stream does not serve come next, with the streams that they avoid.',
      meta: { spec: 'RFC 7712 §4.4.2, XEP-0288 §2.2' },
      always: [{ guard: 'nobodyWaits', target: 'resting' }, { target: 'connectionReuse' }],
    },
    connecting: {
      description: 'A stream to the endpoint is being opened; its own chart shows how far it is.',
      meta: {
        spec: 'RFC 6120 §3.2.1',
        awaits: 'an established stream',
        mover: 'peer',
        ifLate: 'the stream is closed, and the next target is tried',
      },
      tags: 'waiting',
      entry: ['startAttempt', 'requestStream'],
      on: {
        'stream.assigned': { actions: { type: 'takeStream', params: ({ event }) => event.stream } },
        'stream.verifiable': [
          {
            guard: { type: 'isOursAndNobodyWantsStanzas', params: ({ event }) => event.stream },
            target: 'decidingReuse',
            actions: {
              type: 'offerStream',
              params: ({ event }) => ({ stream: event.stream, manner: 'assertion' as const }),
            },
          },
          {
            guard: { type: 'isOurs', params: ({ event }) => event.stream },
            actions: { type: 'offerToVerifiers', params: ({ event }) => event.stream },
          },
        ],
        'stream.established': {
          guard: { type: 'isOurs', params: ({ event }) => event.stream },
          target: 'decidingReuse',
          actions: {
            type: 'offerStream',
            params: ({ event }) => ({ stream: event.stream, manner: 'assertion' as const }),
          },
        },
        'stream.closing': [
          {
            // Both sides opened a stream at the same time, and the other stream stays (L4).
            guard: { type: 'isOursAndSuperseded', params: ({ event }) => event },
            target: 'connectionReuse',
          },
          {
            guard: { type: 'isOurs', params: ({ event }) => event.stream },
            target: 'decidingNext',
            actions: { type: 'rememberFailure', params: ({ event }) => event },
          },
        ],
        'stream.closed': {
          guard: { type: 'isOurs', params: ({ event }) => event.stream },
          target: 'decidingNext',
          actions: { type: 'rememberFailure', params: ({ event }) => event },
        },
      },
      after: {
        attemptTimeout: {
          target: 'decidingNext',
          actions: ['abandonStream', { type: 'rememberFailure', params: tooSlow }],
        },
      },
    },
    decidingNext: {
      description: 'failures.ts says what may still help.',
      meta: { spec: 'RFC 6120 §3.2.1, RFC 7712 §8' },
      always: [
        { guard: 'nobodyWaits', target: 'resting' },
        { guard: 'nothingElseHelps', target: 'failed' },
        { guard: 'dialbackIsLeft', target: 'connecting', actions: 'avoidExternal' },
        { guard: 'anotherAddressIsLeft', target: 'connecting', actions: ['leaveAddress', 'tryExternal'] },
        { guard: 'anotherTargetIsLeft', target: 'dnsResolution', actions: 'tryExternal' },
        { target: 'failed' },
      ],
    },
    failed: {
      description:
        'Every target was tried. Wishes are refused until the wait is over; the wait doubles with each failure.',
      meta: {
        spec: 'RFC 6120 §3.3',
        awaits: 'the end of the wait',
        mover: 'us',
        ifLate: 'the next wish is tried again',
      },
      tags: 'waiting',
      entry: ['countFailure', 'refuseAll'],
      on: {
        'local.streamWanted': { actions: { type: 'refuseWish', params: ({ event }) => event } },
        'local.retryRequested': 'resting',
      },
      after: { backoff: 'resting' },
    },
  },
});
