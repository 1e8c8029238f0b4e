/**
 * DNS RESOLUTION ETC.: where a remote domain is to be reached next, and how far that is trusted. Addresses are asked for one
 * target host at a time, when its turn comes: a host whose name servers keep silent delays no other (RFC 6120 §3.2.1).
 */
import { assign, setup } from 'xstate';
import { type AddressRecord, type DnsAnswer, type Endpoint, type SrvRecord } from '../src/protocol/dns.ts';
import { type Fault, fault, faultSentence, toFault } from '../src/protocol/faults.ts';
import type { FixedTarget } from '../src/protocol/policy.ts';
import { decideTargets, type Target, type TargetDecision } from '../src/protocol/srv.ts';
import { declareEffect, type StateMeta } from './declare.ts';
import type { NoEvents } from './events.ts';
import { limits } from './limits.ts';

export interface ResolutionInput {
  readonly remoteDomain: string;
  readonly fixedTarget: FixedTarget | null;
  /** What an earlier resolution has left over, in order; empty where the domain is to be looked up. */
  readonly targets: readonly Target[];
  /** True when the last attempt failed: what is remembered of the DNS may be the cause, and is asked for again (L6). */
  readonly fresh: boolean;
  /** Verification must not take the place of our own stanzas in the line before the resolver. */
  readonly purpose: LookUpPurpose;
}

type LookUpPurpose = 'stanzas' | 'verification';

export type Resolution =
  | {
      readonly kind: 'resolved';
      readonly endpoint: Endpoint;
      /** Targets that come after it, in order. */
      readonly further: readonly Target[];
    }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface ServiceRecords {
  readonly xmpp: DnsAnswer<SrvRecord>;
  readonly xmpps: DnsAnswer<SrvRecord>;
  /** Random numbers in [0, 1) for the weighted draws of RFC 2782. */
  readonly draws: readonly number[];
}

export interface ResolutionContext extends ResolutionInput {
  readonly result: Resolution;
  /** What became of the targets that were left out: "there is no address" is said only if DNS says so of each. */
  readonly leftOut: readonly { readonly why: string; readonly isAbsent: boolean }[];
}

const unfinished: Resolution = { kind: 'failed', fault: fault('dns', 'not-finished', 'local') };

/** RFC 2782 order, drawn from the numbers that came with the answer. */
function orderTargets({ xmpp, xmpps, draws }: ServiceRecords, domain: string): TargetDecision {
  let next = 0;
  const randomInteger = (max: number): number => Math.floor((draws[next++ % draws.length] ?? 0) * (max + 1));
  return decideTargets(xmpp, xmpps, domain, randomInteger);
}

const mayBeDialled = ({ status, records }: DnsAnswer<AddressRecord>): boolean =>
  (status === 'secure' || status === 'insecure') && records.length > 0;

export const resolution = setup({
  types: {
    input: {} as ResolutionInput,
    context: {} as ResolutionContext,
    events: {} as NoEvents,
    output: {} as Resolution,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    lookUpServices: declareEffect<ServiceRecords, { domain: string; fresh: boolean; purpose: LookUpPurpose }>(
      'lookUpServices',
    ),
    lookUpAddresses: declareEffect<DnsAnswer<AddressRecord>, { host: string; fresh: boolean; purpose: LookUpPurpose }>(
      'lookUpAddresses',
    ),
  },
  delays: {
    servicesTimeout: limits.servicesMs,
    addressesTimeout: ({ context }) => (context.targets.length > 1 ? limits.addressesMs : limits.lastAddressesMs),
  },
  guards: {
    operatorFixedTheTarget: ({ context }) => context.fixedTarget !== null,
    someTargetIsKnown: ({ context }) => context.targets.length > 0,
    hostMayBeDialled: (_, answer: DnsAnswer<AddressRecord>) => mayBeDialled(answer),
  },
  actions: {
    takeFixedTarget: assign(({ context }) => ({
      // Counts as securely derived (RFC 6125 §6.2.1).
      targets: context.fixedTarget === null ? [] : [{ ...context.fixedTarget, secureDelegation: true }],
    })),
    orderTargets: assign(({ context }, records: ServiceRecords) => {
      const decision = orderTargets(records, context.remoteDomain);
      return decision.kind === 'targets'
        ? { targets: decision.targets }
        : { targets: [], result: { kind: 'failed' as const, fault: decision.fault } };
    }),
    takeAddresses: assign(({ context }, { records }: DnsAnswer<AddressRecord>) => {
      const [target, ...further] = context.targets;
      if (target === undefined) return {};
      return { result: { kind: 'resolved' as const, endpoint: { ...target, addresses: records }, further } };
    }),
    /** A target whose look-up failed is left out, never guessed (RFC 7673 §3.2). */
    leaveOut: assign(({ context }, { status, reason }: Pick<DnsAnswer<AddressRecord>, 'status' | 'reason'>) => {
      const [target, ...targets] = context.targets;
      const why = `${target?.host ?? context.remoteDomain}: ${reason ?? status}`;
      return { targets, leftOut: [...context.leftOut, { why, isAbsent: status !== 'bogus' && status !== 'error' }] };
    }),
    failForWantOfAddresses: assign(({ context: { leftOut } }) => {
      const condition = leftOut.every(({ isAbsent }) => isAbsent) ? 'no-address' : 'lookup-failed';
      const why = leftOut.map((target) => target.why).join('; ');
      return { result: { kind: 'failed' as const, fault: fault('dns', condition, 'dns', why) } };
    }),
    fail: assign((_, what: Fault) => ({ result: { kind: 'failed' as const, fault: what } })),
  },
}).createMachine({
  id: 'resolution',
  description: 'Finds the endpoints of a remote domain.',
  meta: { spec: 'RFC 6120 §3.2, XEP-0368 §3' },
  context: ({ input }) => ({ result: unfinished, leftOut: [], ...input }),
  initial: 'decidingSource',
  states: {
    decidingSource: {
      description: 'Targets of an earlier look-up come first; an endpoint fixed by the operator beats SRV.',
      meta: { spec: 'RFC 6120 §3.2.1, §3.2.3' },
      always: [
        { guard: 'someTargetIsKnown', target: 'awaitingAddresses' },
        { guard: 'operatorFixedTheTarget', actions: 'takeFixedTarget', target: 'awaitingAddresses' },
        { target: 'awaitingServiceRecords' },
      ],
    },
    awaitingServiceRecords: {
      description: 'The SRV records for STARTTLS and for direct TLS have been asked for.',
      meta: {
        spec: 'RFC 6120 §3.2.1, XEP-0368 §3',
        awaits: 'SRV answers',
        mover: 'dns',
        ifLate: 'the attempt fails: silence is not absence',
      },
      tags: 'waiting',
      invoke: {
        id: 'lookUpServices',
        src: 'lookUpServices',
        input: ({ context }) => ({ domain: context.remoteDomain, fresh: context.fresh, purpose: context.purpose }),
        onDone: { target: 'decidingTargets', actions: { type: 'orderTargets', params: ({ event }) => event.output } },
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => toFault(event.error, 'dns') } },
      },
      after: {
        servicesTimeout: { target: 'failed', actions: { type: 'fail', params: fault('dns', 'srv-timeout', 'dns') } },
      },
    },
    decidingTargets: {
      description: 'Both SRV sets are merged by priority and weight; absent SRV falls back to the domain itself.',
      meta: { spec: 'RFC 2782, XEP-0368 §5, RFC 6120 §3.2.2' },
      always: [{ guard: 'someTargetIsKnown', target: 'awaitingAddresses' }, { target: 'failed' }],
    },
    awaitingAddresses: {
      description: 'The addresses of the next target host have been asked for.',
      meta: {
        spec: 'RFC 6120 §3.2.1, RFC 8305 §3',
        awaits: 'A and AAAA answers',
        mover: 'dns',
        ifLate: 'the next target is taken',
      },
      tags: 'waiting',
      invoke: {
        id: 'lookUpAddresses',
        src: 'lookUpAddresses',
        input: ({ context }) => ({
          host: context.targets[0]?.host ?? '',
          fresh: context.fresh,
          purpose: context.purpose,
        }),
        onDone: [
          {
            guard: { type: 'hostMayBeDialled', params: ({ event }) => event.output },
            target: 'resolved',
            actions: { type: 'takeAddresses', params: ({ event }) => event.output },
          },
          { target: 'decidingNextHost', actions: { type: 'leaveOut', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'decidingNextHost',
          actions: {
            type: 'leaveOut',
            params: ({ event }) => ({ status: 'error', reason: faultSentence(toFault(event.error, 'dns')) }),
          },
        },
      },
      after: {
        addressesTimeout: {
          target: 'decidingNextHost',
          actions: { type: 'leaveOut', params: { status: 'error', reason: 'no answer in time' } },
        },
      },
    },
    decidingNextHost: {
      description: 'A target host without an address that may be dialled is left out.',
      meta: { spec: 'RFC 6120 §3.2.1, RFC 7673 §3.2' },
      always: [
        { guard: 'someTargetIsKnown', target: 'awaitingAddresses' },
        { target: 'failed', actions: 'failForWantOfAddresses' },
      ],
    },
    resolved: {
      type: 'final',
      description: 'There is an endpoint to dial.',
      meta: { spec: 'RFC 6120 §3.2' },
    },
    failed: {
      type: 'final',
      description: 'Nothing can be dialled; the fault says why.',
      meta: { spec: 'RFC 6120 §3.2.1' },
    },
  },
  output: ({ context }) => context.result,
});
