/** DNS RESOLUTION ETC.: the endpoints of a remote domain, in the order in which they are to be tried, and how far each is trusted. */
import { assign, setup } from 'xstate';
import { type AddressRecord, type DnsAnswer, type Endpoint, type SrvRecord } from '../src/protocol/dns.ts';
import { type Fault, fault, toFault } from '../src/protocol/faults.ts';
import type { FixedTarget } from '../src/protocol/policy.ts';
import { decideTargets, type Target, type TargetDecision } from '../src/protocol/srv.ts';
import { declareEffect, type StateMeta } from './declare.ts';
import { limits } from './limits.ts';

export interface ResolutionInput {
  readonly remoteDomain: string;
  readonly fixedTarget: FixedTarget | null;
}

export type Resolution =
  | { readonly kind: 'resolved'; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface ServiceRecords {
  readonly xmpp: DnsAnswer<SrvRecord>;
  readonly xmpps: DnsAnswer<SrvRecord>;
  /** Random numbers in [0, 1) for the weighted draws of RFC 2782. */
  readonly draws: readonly number[];
}

export type HostAddresses = Readonly<Record<string, DnsAnswer<AddressRecord>>>;

export interface ResolutionContext extends ResolutionInput {
  readonly targets: readonly Target[];
  readonly result: Resolution;
}

const unfinished: Resolution = { kind: 'failed', fault: fault('dns', 'not-finished', 'local') };

/** RFC 2782 order, drawn from the numbers that came with the answer. */
function orderTargets({ xmpp, xmpps, draws }: ServiceRecords, domain: string): TargetDecision {
  let next = 0;
  const randomInteger = (max: number): number => Math.floor((draws[next++ % draws.length] ?? 0) * (max + 1));
  return decideTargets(xmpp, xmpps, domain, randomInteger);
}

/** Targets whose addresses could be had; a target whose look-up failed is left out, never guessed (RFC 7673 §3.2). */
function endpointsOf(targets: readonly Target[], found: HostAddresses): Resolution {
  const endpoints: Endpoint[] = [];
  const reasons: string[] = [];
  let absent = true;
  for (const target of targets) {
    const answer = found[target.host];
    if (
      answer !== undefined &&
      (answer.status === 'secure' || answer.status === 'insecure') &&
      answer.records.length > 0
    ) {
      endpoints.push({ ...target, addresses: answer.records });
    } else {
      if (answer?.status === 'bogus' || answer?.status === 'error') absent = false;
      reasons.push(`${target.host}: ${answer?.reason ?? answer?.status ?? 'not asked'}`);
    }
  }
  if (endpoints.length > 0) return { kind: 'resolved', endpoints };
  const condition = absent ? 'no-address' : 'lookup-failed';
  return { kind: 'failed', fault: fault('dns', condition, 'dns', reasons.join('; ')) };
}

export const resolution = setup({
  types: {
    input: {} as ResolutionInput,
    context: {} as ResolutionContext,
    events: {} as { type: 'local.cancelled' },
    output: {} as Resolution,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    lookUpServices: declareEffect<ServiceRecords, { domain: string }>('lookUpServices'),
    lookUpAddresses: declareEffect<HostAddresses, { hosts: readonly string[] }>('lookUpAddresses'),
  },
  delays: { resolutionTimeout: limits.resolutionMs },
  guards: {
    operatorFixedTheTarget: ({ context }) => context.fixedTarget !== null,
    someTargetIsKnown: ({ context }) => context.targets.length > 0,
    someEndpointIsUsable: ({ context }) => context.result.kind === 'resolved',
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
    takeAddresses: assign(({ context }, found: HostAddresses) => ({ result: endpointsOf(context.targets, found) })),
    fail: assign((_, what: Fault) => ({ result: { kind: 'failed' as const, fault: what } })),
  },
}).createMachine({
  id: 'resolution',
  description: 'Finds the endpoints of a remote domain.',
  meta: { spec: 'RFC 6120 §3.2, XEP-0368 §3' },
  context: ({ input }) => ({ ...input, targets: [], result: unfinished }),
  initial: 'decidingSource',
  on: { 'local.cancelled': '.failed' },
  states: {
    decidingSource: {
      description: 'An endpoint fixed by the operator beats SRV.',
      meta: { spec: 'RFC 6120 §3.2.3' },
      always: [
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
        input: ({ context }) => ({ domain: context.remoteDomain }),
        onDone: { target: 'decidingTargets', actions: { type: 'orderTargets', params: ({ event }) => event.output } },
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => toFault(event.error, 'dns') } },
      },
      after: {
        resolutionTimeout: { target: 'failed', actions: { type: 'fail', params: fault('dns', 'srv-timeout', 'dns') } },
      },
    },
    decidingTargets: {
      description: 'Both SRV sets are merged by priority and weight; absent SRV falls back to the domain itself.',
      meta: { spec: 'RFC 2782, XEP-0368 §5, RFC 6120 §3.2.2' },
      always: [{ guard: 'someTargetIsKnown', target: 'awaitingAddresses' }, { target: 'failed' }],
    },
    awaitingAddresses: {
      description: 'The addresses of the targets have been asked for.',
      meta: { spec: 'RFC 8305 §3', awaits: 'A and AAAA answers', mover: 'dns', ifLate: 'the attempt fails' },
      tags: 'waiting',
      invoke: {
        id: 'lookUpAddresses',
        src: 'lookUpAddresses',
        input: ({ context }) => ({ hosts: [...new Set(context.targets.map(({ host }) => host))] }),
        onDone: {
          target: 'decidingEndpoints',
          actions: { type: 'takeAddresses', params: ({ event }) => event.output },
        },
        onError: { target: 'failed', actions: { type: 'fail', params: ({ event }) => toFault(event.error, 'dns') } },
      },
      after: {
        resolutionTimeout: {
          target: 'failed',
          actions: { type: 'fail', params: fault('dns', 'address-timeout', 'dns') },
        },
      },
    },
    decidingEndpoints: {
      description: 'Targets with an address that may be dialled are kept.',
      meta: { spec: 'RFC 6120 §3.2.1, RFC 7673 §3.2' },
      always: [{ guard: 'someEndpointIsUsable', target: 'resolved' }, { target: 'failed' }],
    },
    resolved: {
      type: 'final',
      description: 'There is at least one endpoint to dial.',
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
