/**
 * DNS RESOLUTION ETC.: the next endpoint at which to reach a remote domain, and how far it is trusted. Addresses are
 * looked up for one target host at a time, when its turn comes: a host with silent name servers delays no other host
 * (RFC 6120 §3.2.1).
 */
import { assign, setup } from 'xstate';
import type { AddressRecord, DnsAnswer, Endpoint, SrvRecord, TlsMode } from '../src/protocol/dns.ts';
import { type Fault, fault, faultSentence, toFault } from '../src/protocol/faults.ts';
import type { FixedTarget } from '../src/protocol/policy.ts';
import { noDane, type TlsaAnswer } from '../src/protocol/secure-delegation.ts';
import type { DaneMaterial } from '../src/protocol/tlsa.ts';
import type { Service } from '../src/protocol/service.ts';
import { decideTargets, type Target, type TargetDecision } from '../src/protocol/srv.ts';
import { declareEffect, delayBetween, type LookUpManner, type StateMeta } from './declare.ts';
import type { NoEvents } from './events.ts';
import { limits } from './limits.ts';

export interface ResolutionInput extends LookUpManner {
  readonly remoteDomain: string;
  readonly service: Service;
  readonly fixedTarget: FixedTarget | null;
  /** Targets left over from an earlier resolution, in order; empty if the domain is to be looked up. */
  readonly targets: readonly Target[];
  /** Whether policy lists DANE among the prooftypes of the domain, so that TLSA records are looked up. */
  readonly asksForTlsa: boolean;
}

export type Resolution =
  | {
      readonly kind: 'resolved';
      readonly endpoint: Endpoint;
      /** The targets after this endpoint, in order. */
      readonly further: readonly Target[];
    }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface ServiceRecords {
  readonly xmpp: DnsAnswer<SrvRecord>;
  readonly xmpps: DnsAnswer<SrvRecord>;
  /** Random numbers in [0, 1) for the weighted draws of RFC 2782. */
  readonly draws: readonly number[];
  /** When the answers arrived, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** TLSA records at a target, and when the answer arrived, in milliseconds since the epoch. */
export interface TargetTlsa extends TlsaAnswer {
  readonly atMs: number;
}

export interface ResolutionContext extends ResolutionInput {
  readonly result: Resolution;
  /** Addresses of the current target. */
  readonly addresses: DnsAnswer<AddressRecord> | null;
  /** Why targets were skipped: `no-address` is reported only if DNS says so for every target. */
  readonly leftOut: readonly { readonly why: string; readonly condition: 'no-address' | 'bogus' | 'lookup-failed' }[];
}

const unfinished: Resolution = { kind: 'failed', fault: fault('dns', 'not-finished', 'local') };

/** RFC 2782 order, using the random numbers that came with the answer. */
function orderTargets(
  { xmpp, xmpps, draws, atMs }: ServiceRecords,
  { remoteDomain, service }: ResolutionInput,
): TargetDecision {
  let next = 0;
  const randomInteger = (max: number): number => Math.floor((draws[next++ % draws.length] ?? 0) * (max + 1));
  const decision = decideTargets(xmpp, xmpps, remoteDomain, randomInteger, service);
  if (decision.kind === 'fault') return decision;
  const untilMs = (tls: TlsMode): number => atMs + 1_000 * (tls === 'direct' ? xmpps : xmpp).ttlSeconds;
  return {
    kind: 'targets',
    targets: decision.targets.map((target) =>
      target.secureDelegation ? { ...target, delegatedUntilMs: untilMs(target.tls) } : target,
    ),
  };
}

const mayBeDialled = ({ status, records }: DnsAnswer<AddressRecord>): boolean =>
  (status === 'secure' || status === 'insecure') && records.length > 0;

/** The result for the current target; `dane` is the content of its TLSA records. */
function resolvedWith({ targets, addresses }: ResolutionContext, dane: DaneMaterial): Partial<ResolutionContext> {
  const [target, ...further] = targets;
  if (target === undefined || addresses === null) return {};
  const expandedHost = addresses.status === 'secure' ? (addresses.canonicalName ?? null) : null;
  const { host, port, tls, secureDelegation, delegatedUntilMs = null } = target;
  const endpoint: Endpoint = {
    host,
    port,
    tls,
    secureDelegation,
    delegatedUntilMs,
    expandedHost,
    addresses: addresses.records,
    dane,
  };
  return { result: { kind: 'resolved', endpoint, further } };
}

/** Why DANE does not apply to a target, known before TLSA records are looked up (RFC 7673 §3.1, §3.2). */
function whyNoTlsa({ targets, addresses, asksForTlsa }: ResolutionContext): DaneMaterial {
  if (!asksForTlsa) return noDane('not-asked', 'the policy towards this domain does not name dane');
  return targets[0]?.secureDelegation === true && addresses?.status !== 'secure'
    ? noDane('insecure-address', 'the addresses of the target host are not signed')
    : noDane('insecure-delegation', 'the SRV records of the domain are not signed');
}

/** TLSA records are not valid indefinitely: the material expires with the first of the answers that led to it. */
function daneOf({ targets }: ResolutionContext, { owner, answer, atMs }: TargetTlsa): DaneMaterial {
  if (answer.status !== 'secure' || answer.records.length === 0)
    return noDane('no-tlsa', `no signed TLSA record at ${owner}`);
  const untilMs = atMs + 1_000 * answer.ttlSeconds;
  const expiresAtMs = Math.min(untilMs, targets[0]?.delegatedUntilMs ?? Infinity);
  return { kind: 'tlsa', sets: [{ owner, records: answer.records }], expiresAtMs };
}

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
    lookUpServices: declareEffect<ServiceRecords, { domain: string; service: Service } & LookUpManner>(
      'lookUpServices',
    ),
    lookUpAddresses: declareEffect<DnsAnswer<AddressRecord>, { host: string } & LookUpManner>('lookUpAddresses'),
    lookUpTlsa: declareEffect<TargetTlsa, { host: string; expandedHost: string | null; port: number } & LookUpManner>(
      'lookUpTlsa',
    ),
  },
  delays: {
    servicesTimeout: limits.servicesMs,
    addressesTimeout: delayBetween(
      limits.addressesMs,
      limits.lastAddressesMs,
      ({ context }: { context: ResolutionContext }) =>
        context.targets.length > 1 ? limits.addressesMs : limits.lastAddressesMs,
    ),
  },
  guards: {
    operatorFixedTheTarget: ({ context }) => context.fixedTarget !== null,
    someTargetIsKnown: ({ context }) => context.targets.length > 0,
    hostMayBeDialled: (_, answer: DnsAnswer<AddressRecord>) => mayBeDialled(answer),
    /** RFC 7673 §3.2: if the path to the host is not signed throughout, its TLSA records MUST NOT be queried. */
    daneMayApply: ({ context }) =>
      context.asksForTlsa && context.targets[0]?.secureDelegation === true && context.addresses?.status === 'secure',
    tlsaWasWithheld: (_, { answer }: TargetTlsa) => answer.status === 'bogus' || answer.status === 'error',
  },
  actions: {
    takeFixedTarget: assign(({ context }) => ({
      // A name configured by the operator counts as securely derived (RFC 6125 §6.2.1).
      targets: context.fixedTarget === null ? [] : [{ ...context.fixedTarget, secureDelegation: true }],
    })),
    orderTargets: assign(({ context }, records: ServiceRecords) => {
      const decision = orderTargets(records, context);
      return decision.kind === 'targets'
        ? { targets: decision.targets }
        : { targets: [], result: { kind: 'failed' as const, fault: decision.fault } };
    }),
    takeAddresses: assign((_, addresses: DnsAnswer<AddressRecord>) => ({ addresses })),
    resolveWithoutDane: assign(({ context }) => resolvedWith(context, whyNoTlsa(context))),
    resolve: assign(({ context }, tlsa: TargetTlsa) => resolvedWith(context, daneOf(context, tlsa))),
    /** A target whose look-up failed is skipped, and nothing is guessed (RFC 7673 §3.2). */
    leaveOut: assign(({ context }, { status, reason }: Pick<DnsAnswer<AddressRecord>, 'status' | 'reason'>) => {
      const [target, ...targets] = context.targets;
      const why = `${target?.host ?? context.remoteDomain}: ${reason ?? status}`;
      const condition = status === 'bogus' ? status : status === 'error' ? 'lookup-failed' : 'no-address';
      return { targets, leftOut: [...context.leftOut, { why, condition } as const] };
    }),
    failForWantOfAddresses: assign(({ context: { leftOut } }) => {
      const conditions = new Set(leftOut.map(({ condition }) => condition));
      const condition = (['bogus', 'lookup-failed'] as const).find((one) => conditions.has(one)) ?? 'no-address';
      const why = leftOut.map((target) => target.why).join('; ');
      return { result: { kind: 'failed' as const, fault: fault('dns', condition, 'dns', why) } };
    }),
    fail: assign((_, what: Fault) => ({ result: { kind: 'failed' as const, fault: what } })),
  },
}).createMachine({
  id: 'resolution',
  description: 'Finds the endpoints of a remote domain.',
  meta: { spec: 'RFC 6120 §3.2, XEP-0368 §3' },
  context: ({ input }) => ({ result: unfinished, addresses: null, leftOut: [], ...input }),
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
        input: ({ context: { remoteDomain, service, fresh, purpose } }) => ({
          domain: remoteDomain,
          service,
          fresh,
          purpose,
        }),
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
            target: 'decidingDane',
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
    decidingDane: {
      description: 'TLSA records count only where every record that leads to them is signed.',
      meta: { spec: 'RFC 7673 §3.2' },
      always: [
        { guard: 'daneMayApply', target: 'awaitingTlsa' },
        { target: 'resolved', actions: 'resolveWithoutDane' },
      ],
    },
    awaitingTlsa: {
      description:
        'The TLSA records of the target host have been asked for: they say which certificate to expect there.',
      meta: {
        spec: 'RFC 7673 §3.3',
        awaits: 'TLSA records of one target host',
        mover: 'dns',
        ifLate: 'nothing is dialled there: the next target host is looked up',
      },
      tags: 'waiting',
      invoke: {
        id: 'lookUpTlsa',
        src: 'lookUpTlsa',
        input: ({ context }) => ({
          host: context.targets[0]?.host ?? '',
          expandedHost: context.addresses?.canonicalName ?? null,
          port: context.targets[0]?.port ?? 0,
          fresh: context.fresh,
          purpose: context.purpose,
        }),
        onDone: [
          {
            // RFC 7673 §3.4: MUST NOT connect here.
            guard: { type: 'tlsaWasWithheld', params: ({ event }) => event.output },
            target: 'decidingNextHost',
            actions: {
              type: 'leaveOut',
              params: ({ event: { output } }) => ({
                status: output.answer.status,
                reason: `TLSA ${output.owner}: ${output.answer.reason ?? output.answer.status}`,
              }),
            },
          },
          { target: 'resolved', actions: { type: 'resolve', params: ({ event }) => event.output } },
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
          actions: { type: 'leaveOut', params: { status: 'error', reason: 'no answer on TLSA records in time' } },
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
