/**
 * "A establishes DNA for b.example": proves one domain on one stream, trying the prooftypes in their declared order.
 */
import { assign, enqueueActions, setup, stopChild } from 'xstate';
import type { CertificateEvidence } from '../src/protocol/certificate.ts';
import { type Fault, fault, toFault } from '../src/protocol/faults.ts';
import { matchIdentity, referenceIdentifiers } from '../src/protocol/identity.ts';
import type { ProoftypeName } from '../src/protocol/policy.ts';
import { type DnaProofType, isDnaProofType, type ProofAttempt, type ProofVerdict } from '../src/protocol/proof.ts';
import {
  type SecureDelegationFinding,
  type SecureDelegation,
  type SecureTarget,
  undelegated,
} from '../src/protocol/secure-delegation.ts';
import type { Service } from '../src/protocol/service.ts';
import { declareEffect, type LookUpManner, type StateMeta } from './declare.ts';
import type { AssociationOutcome, ChallengeOutcome, StreamId } from './events.ts';
import { limits } from './limits.ts';
import { daneProoftype } from './prooftypes/dane.machine.ts';
import { type DialbackAssertion, dialbackProoftype } from './prooftypes/dialback.machine.ts';
import { pkixProoftype } from './prooftypes/pkix.machine.ts';
import { poshProoftype } from './prooftypes/posh.machine.ts';

export interface AssociationInput extends LookUpManner {
  readonly stream: StreamId;
  readonly service: Service;
  readonly domain: string;
  readonly prooftypes: readonly ProoftypeName[];
  /** What the signed DNS says about the domain; null if that is to be looked up first. */
  readonly delegation: SecureDelegation | null;
  /** The endpoint that we connected to; null on a stream that the far end opened. */
  readonly endpoint: SecureTarget | null;
  readonly certificate: CertificateEvidence | null;
  /** Why the far end is not challenged for a proof of delegation; null if it may be. */
  readonly unchallengeable: Fault | null;
  /** The content of `db:result`; null if there is no assertion to dial back for. */
  readonly assertion: DialbackAssertion | null;
}

export interface AssociationContext extends AssociationInput {
  readonly remaining: readonly ProoftypeName[];
  readonly attempts: readonly ProofAttempt[];
}

/** Input of a prooftype supplied by the embedder (RFC 7712 §7). */
export interface OwnProoftypeInput {
  readonly stream: StreamId;
  readonly service: Service;
  readonly domain: string;
  /** Hosts to which signed DNS delegates the domain, canonical. */
  readonly derivedDomains: readonly string[];
  readonly certificate: CertificateEvidence | null;
}

type OwnProoftypeEvent =
  | { readonly type: 'xstate.done.actor.ownProoftype'; readonly output: ProofVerdict }
  | { readonly type: 'xstate.error.actor.ownProoftype'; readonly error: unknown };

/**
 * The overall verdict: the first proof; else the first final verdict; else the last refutation; else the last verdict.
 */
export function conclude(attempts: readonly ProofAttempt[]): ProofVerdict {
  const verdicts = attempts.map(({ verdict }) => verdict);
  return (
    verdicts.find(({ kind }) => kind === 'proved') ??
    verdicts.find((verdict) => verdict.kind !== 'proved' && verdict.final) ??
    verdicts.findLast(({ kind }) => kind === 'refuted') ??
    verdicts.at(-1) ?? {
      kind: 'undetermined',
      fault: fault('policy', 'no-prooftype', 'local', 'the policy names no usable prooftype'),
    }
  );
}

const leftOpen = (what: Fault) => ({ kind: 'undetermined', fault: what }) as const;
const notFinished = fault('dns', 'not-finished', 'local');
const late = fault('policy', 'proof-timeout', 'local', 'no verdict in time');
const ownLate = fault('prooftype', 'proof-timeout', 'local', 'no verdict in time');

/**
 * After a final verdict only the authoritative server may still be asked: we connect to it as a TLS client, and the
 * stream to it is judged separately (RFC 7712 §4.3).
 */
const after = (
  verdict: ProofVerdict,
  remaining: readonly ProoftypeName[],
  assertion: DialbackAssertion | null,
): readonly ProoftypeName[] =>
  verdict.kind !== 'proved' && verdict.final === true
    ? remaining.filter((name) => name === 'dialback' && assertion !== null)
    : remaining;

/** Records a prooftype that ended, or failed, as an attempt. */
const recordedAs = (prooftype: 'dane' | 'pkix' | 'posh' | 'dialback', isFinalWhenBroken = false) =>
  ({
    onDone: {
      target: 'decidingProoftype',
      actions: {
        type: 'record',
        params: ({ event: { output } }: { event: { output: ProofVerdict } }) => ({ prooftype, verdict: output }),
      },
    },
    onError: {
      target: 'decidingProoftype',
      actions: {
        type: 'record',
        params: ({ event: { error } }: { event: { error: unknown } }) => {
          const verdict = leftOpen(toFault(error, prooftype));
          return { prooftype, verdict: isFinalWhenBroken ? { ...verdict, final: true as const } : verdict };
        },
      },
    },
  }) as const;

/** The current prooftype, with its verdict. */
const attemptOf = ({ remaining }: AssociationContext, verdict: ProofVerdict): ProofAttempt => ({
  prooftype: remaining[0] ?? 'none',
  verdict,
});

function whyNoTlsa({ delegation }: AssociationContext): Fault {
  const { dane } = delegation ?? undelegated;
  return dane.kind === 'none' ? dane.why : notFinished;
}

const certificateNamesTheDomain = ({ service, domain, certificate }: AssociationContext): boolean =>
  certificate !== null && matchIdentity(referenceIdentifiers(service, domain), certificate.presented).kind === 'match';

export const association = setup({
  types: {
    input: {} as AssociationInput,
    context: {} as AssociationContext,
    events: {} as OwnProoftypeEvent,
    output: {} as AssociationOutcome,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    lookUpSecureDelegation: declareEffect<
      SecureDelegationFinding,
      {
        stream: StreamId;
        domain: string;
        service: Service;
        endpoint: SecureTarget | null;
        asksForTlsa: boolean;
      } & LookUpManner
    >('lookUpSecureDelegation'),
    daneProoftype,
    pkixProoftype,
    poshProoftype,
    dialbackProoftype,
    challengeFarEnd: declareEffect<
      ChallengeOutcome,
      { stream: StreamId; domain: string; prooftypes: readonly DnaProofType[]; fresh: boolean }
    >('challengeFarEnd'),
    ownProoftype: declareEffect<ProofVerdict, OwnProoftypeInput>('ownProoftype'),
  },
  delays: {
    delegationTimeout: limits.delegationMs + limits.spareMs,
    proofTimeout: limits.proofMs + limits.spareMs,
    documentTimeout: limits.webMs + limits.spareMs,
    dialbackTimeout: limits.verifyStreamMs + limits.verifyAnswerMs + limits.spareMs,
    challengeTimeout: limits.challengeMs + limits.checkProofMs + 2 * limits.spareMs,
    ownProofTimeout: limits.ownProofMs,
  },
  guards: {
    /**
     * DANE needs the delegation; PKIX needs it if the certificate does not name the domain itself. On a stream that we
     * opened, DANE needs it even without a certificate: a domain that has TLSA records requires TLS (RFC 7673 §4).
     */
    delegationIsToBeLookedUp: ({ context }) => {
      const { delegation, endpoint, certificate, prooftypes } = context;
      if (delegation !== null) return false;
      if (certificate === null) return endpoint !== null && prooftypes.includes('dane');
      return prooftypes.includes('dane') || (prooftypes.includes('pkix') && !certificateNamesTheDomain(context));
    },
    delegationIsWithheld: (_, finding: SecureDelegationFinding) => finding.kind === 'withheld',
    domainIsProved: ({ context }) => context.attempts.at(-1)?.verdict.kind === 'proved',
    domainIsRefuted: ({ context }) => conclude(context.attempts).kind === 'refuted',
    nextIs: ({ context }, name: ProoftypeName) => context.remaining[0] === name,
    nextIsChallenged: ({ context }) => isDnaProofType(context.remaining[0] ?? ''),
    nobodyIsChallenged: ({ context }) => isDnaProofType(context.remaining[0] ?? '') && context.unchallengeable !== null,
    someIsLeft: ({ context }) => context.remaining.length > 0,
    nothingToDialBackFor: ({ context }) => context.remaining[0] === 'dialback' && context.assertion === null,
    noTlsaIsThere: ({ context }) => context.remaining[0] === 'dane' && context.delegation?.dane.kind !== 'tlsa',
  },
  actions: {
    record: assign(({ context: { attempts, remaining, assertion } }, attempt: ProofAttempt) => ({
      attempts: [...attempts, attempt],
      remaining: after(attempt.verdict, remaining.slice(1), assertion),
    })),
    skip: assign(({ context }) => ({ remaining: context.remaining.slice(1) })),
    rememberDelegation: assign((_, finding: SecureDelegationFinding) =>
      finding.kind === 'found' ? { delegation: finding.delegation } : {},
    ),
    /** A bogus answer ends the attempt (RFC 7673 §3.1); so does a missing one if DANE might have refuted (S4, S8). */
    recordWithheld: assign(({ context: { prooftypes, remaining } }, what: Fault) => {
      const wantsDane = prooftypes.includes('dane');
      if (!wantsDane && what.condition !== 'bogus') return { delegation: undelegated };
      const verdict = { kind: 'undetermined', fault: what, final: true } as const;
      return {
        attempts: [{ prooftype: wantsDane ? ('dane' as const) : ('pkix' as const), verdict }],
        remaining: remaining.filter((name) => name === 'dialback' && what.condition !== 'bogus'),
      };
    }),
    /** One challenge offers all proof types that policy accepts, so its outcome settles all of them. */
    recordChallenge: assign(
      (
        { context: { attempts, remaining, assertion } },
        { prooftype, verdict }: Pick<ChallengeOutcome, 'prooftype' | 'verdict'>,
      ) => ({
        attempts: [...attempts, { prooftype: prooftype ?? remaining[0] ?? 'none', verdict }],
        remaining: after(
          verdict,
          remaining.filter((name) => !isDnaProofType(name)),
          assertion,
        ),
      }),
    ),
    /** Spawned under the name by which the embedder provided it. */
    askOwnProoftype: enqueueActions(({ context, enqueue }) => {
      const { stream, service, domain, delegation, certificate, remaining } = context;
      const derivedDomains = delegation?.derivedDomains ?? [];
      enqueue.spawnChild((remaining[0] ?? '') as 'ownProoftype', {
        id: 'ownProoftype',
        input: { stream, service, domain, derivedDomains, certificate },
      });
    }),
  },
}).createMachine({
  id: 'association',
  description: 'Proves that one domain name belongs to one stream.',
  meta: { spec: 'RFC 7712 §4.2' },
  context: ({ input }) => ({ remaining: input.prooftypes, attempts: [], ...input }),
  initial: 'decidingSecureDelegation',
  states: {
    decidingSecureDelegation: {
      description:
        'The end that dialled knows what the DNS says of the endpoint; the end that was dialled has only the domain name.',
      meta: { spec: 'RFC 7712 §6' },
      always: [
        { guard: 'delegationIsToBeLookedUp', target: 'awaitingSecureDelegation' },
        { target: 'decidingProoftype' },
      ],
    },
    awaitingSecureDelegation: {
      description: 'The signed SRV records of the domain have been asked for, and the TLSA records at their targets.',
      meta: {
        spec: 'RFC 7673 §3, RFC 7712 §6',
        awaits: 'what the signed DNS says of the domain',
        mover: 'dns',
        ifLate: 'the domain is not proved, since DANE might have refuted it',
      },
      tags: 'waiting',
      invoke: {
        id: 'lookUpSecureDelegation',
        src: 'lookUpSecureDelegation',
        input: ({ context: { stream, domain, service, endpoint, prooftypes, fresh, purpose } }) => ({
          stream,
          domain,
          service,
          endpoint,
          asksForTlsa: prooftypes.includes('dane'),
          fresh,
          purpose,
        }),
        onDone: [
          {
            guard: { type: 'delegationIsWithheld', params: ({ event }) => event.output },
            target: 'decidingProoftype',
            actions: {
              type: 'recordWithheld',
              params: ({ event: { output } }) => (output.kind === 'withheld' ? output.fault : notFinished),
            },
          },
          {
            target: 'decidingProoftype',
            actions: { type: 'rememberDelegation', params: ({ event }) => event.output },
          },
        ],
        onError: {
          target: 'decidingProoftype',
          actions: { type: 'recordWithheld', params: ({ event }) => toFault(event.error, 'dns') },
        },
      },
      after: {
        delegationTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'recordWithheld', params: fault('dns', 'delegation-timeout', 'dns') },
        },
      },
    },
    decidingProoftype: {
      description: 'The first proof decides; without one the next prooftype is asked, unless the answer was final.',
      meta: { spec: 'RFC 7712 §7, §8' },
      always: [
        { guard: 'domainIsProved', target: 'proved' },
        { guard: 'nothingToDialBackFor', actions: 'skip', target: 'decidingProoftype', reenter: true },
        {
          guard: 'noTlsaIsThere',
          target: 'decidingProoftype',
          reenter: true,
          actions: { type: 'record', params: ({ context }) => attemptOf(context, leftOpen(whyNoTlsa(context))) },
        },
        { guard: { type: 'nextIs', params: 'dane' }, target: 'dane' },
        { guard: { type: 'nextIs', params: 'pkix' }, target: 'pkix' },
        { guard: { type: 'nextIs', params: 'posh' }, target: 'posh' },
        { guard: { type: 'nextIs', params: 'dialback' }, target: 'dialback' },
        {
          guard: 'nobodyIsChallenged',
          target: 'decidingProoftype',
          reenter: true,
          actions: {
            type: 'record',
            params: ({ context }) => attemptOf(context, leftOpen(context.unchallengeable ?? notFinished)),
          },
        },
        { guard: 'nextIsChallenged', target: 'challenge' },
        { guard: 'someIsLeft', target: 'ownProoftype' },
        { guard: 'domainIsRefuted', target: 'refuted' },
        { target: 'undetermined' },
      ],
    },
    dane: {
      description: 'The presented certificate is judged by the signed TLSA records.',
      meta: {
        spec: 'RFC 7712 §5.1',
        awaits: 'the verdict of dane',
        mover: 'us',
        ifLate: 'no other prooftype may judge the certificate',
      },
      tags: 'waiting',
      invoke: {
        id: 'dane',
        src: 'daneProoftype',
        input: ({ context: { stream, service, domain, delegation, certificate } }) => ({
          stream,
          service,
          sourceDomain: domain,
          derivedDomains: delegation?.derivedDomains ?? [],
          certificate,
          sets: delegation?.dane.kind === 'tlsa' ? delegation.dane.sets : [],
          expiresAtMs: delegation?.dane.kind === 'tlsa' ? delegation.dane.expiresAtMs : 0,
          unasked: delegation?.dane.kind === 'tlsa' ? (delegation.dane.unasked ?? 0) : 0,
        }),
        ...recordedAs('dane', true),
      },
      after: {
        proofTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: { prooftype: 'dane', verdict: { ...leftOpen(late), final: true } } },
        },
      },
    },
    pkix: {
      description: 'The presented certificate is judged by trusted roots.',
      meta: {
        spec: 'RFC 7712 §4.2',
        awaits: 'the verdict of pkix',
        mover: 'us',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'pkix',
        src: 'pkixProoftype',
        input: ({ context: { stream, service, domain, delegation, certificate } }) => ({
          stream,
          service,
          sourceDomain: domain,
          derivedDomains: delegation?.derivedDomains ?? [],
          delegationExpiresAtMs: delegation?.expiresAtMs ?? null,
          certificate,
        }),
        ...recordedAs('pkix'),
      },
      after: {
        proofTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: { prooftype: 'pkix', verdict: leftOpen(late) } },
        },
      },
    },
    posh: {
      description: 'The presented certificate is looked for in the document that the domain has on the web.',
      meta: {
        spec: 'RFC 7712 §5.2',
        awaits: 'the verdict of posh',
        mover: 'web',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'posh',
        src: 'poshProoftype',
        input: ({ context: { stream, service, domain, certificate, fresh, purpose } }) => ({
          stream,
          service,
          sourceDomain: domain,
          certificate,
          fresh,
          purpose,
        }),
        ...recordedAs('posh'),
      },
      after: {
        documentTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: { prooftype: 'posh', verdict: leftOpen(late) } },
        },
      },
    },
    dialback: {
      description: 'The authoritative server is asked.',
      meta: {
        spec: 'XEP-0220 §2.2.1',
        awaits: 'the verdict of dialback',
        mover: 'peer',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'dialback',
        src: 'dialbackProoftype',
        input: ({ context: { stream, domain, assertion, certificate } }) => ({
          stream,
          senderDomain: domain,
          targetDomain: assertion?.targetDomain ?? '',
          id: assertion?.id ?? '',
          key: assertion?.key ?? '',
          certificate,
        }),
        ...recordedAs('dialback'),
      },
      after: {
        dialbackTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: { prooftype: 'dialback', verdict: leftOpen(late) } },
        },
      },
    },
    challenge: {
      description: 'The far end is asked for a proof that the owner of the domain has delegated it.',
      meta: {
        spec: 'ProtoXEP DNA §4.4',
        awaits: 'the verdict of the challenge',
        mover: 'peer',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'challenge',
        src: 'challengeFarEnd',
        input: ({ context: { stream, domain, remaining, fresh } }) => ({
          stream,
          domain,
          prooftypes: remaining.filter(isDnaProofType),
          fresh,
        }),
        onDone: {
          target: 'decidingProoftype',
          actions: { type: 'recordChallenge', params: ({ event }) => event.output },
        },
        onError: {
          target: 'decidingProoftype',
          actions: {
            type: 'recordChallenge',
            params: ({ event }) => ({ prooftype: null, verdict: leftOpen(toFault(event.error, 'dna')) }),
          },
        },
      },
      after: {
        challengeTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'recordChallenge', params: { prooftype: null, verdict: leftOpen(late) } },
        },
      },
    },
    ownProoftype: {
      description: 'A prooftype of the embedding program judges, by its own rules.',
      meta: {
        spec: 'RFC 7712 §7',
        awaits: 'the verdict of a prooftype of the embedding program',
        mover: 'operator',
        ifLate: 'the next prooftype is asked',
      },
      tags: 'waiting',
      entry: 'askOwnProoftype',
      exit: stopChild('ownProoftype'),
      on: {
        'xstate.done.actor.ownProoftype': {
          target: 'decidingProoftype',
          actions: { type: 'record', params: ({ context, event }) => attemptOf(context, event.output) },
        },
        'xstate.error.actor.ownProoftype': {
          target: 'decidingProoftype',
          actions: {
            type: 'record',
            params: ({ context, event }) => attemptOf(context, leftOpen(toFault(event.error, 'prooftype'))),
          },
        },
      },
      after: {
        ownProofTimeout: {
          target: 'decidingProoftype',
          actions: { type: 'record', params: ({ context }) => attemptOf(context, leftOpen(ownLate)) },
        },
      },
    },
    proved: { type: 'final', description: 'The domain belongs to the stream.', meta: { spec: 'RFC 7712 §4.2' } },
    refuted: { type: 'final', description: 'A prooftype says that it does not.', meta: { spec: 'RFC 7712 §4.2' } },
    undetermined: { type: 'final', description: 'Nobody could say.', meta: { spec: 'RFC 7712 §4.3' } },
  },
  output: ({ context: { domain, attempts } }) => ({ domain, verdict: conclude(attempts), attempts }),
});
