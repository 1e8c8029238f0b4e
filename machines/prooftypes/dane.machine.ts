/** DANE prooftype: do the signed TLSA records of the endpoint that serves a domain name the presented certificate? */
import { assign, setup } from 'xstate';
import type { CertificateEvidence, DaneMatch } from '../../src/protocol/certificate.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import { matchIdentity, referenceIdentifiers } from '../../src/protocol/identity.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import type { Service } from '../../src/protocol/service.ts';
import { formatTlsa, type TlsaRecord, type TlsaSet, usableTlsa } from '../../src/protocol/tlsa.ts';
import { declareEffect, type StateMeta } from '../declare.ts';
import type { NoEvents, StreamId } from '../events.ts';
import { limits } from '../limits.ts';

export interface DaneInput {
  readonly stream: StreamId;
  readonly service: Service;
  readonly sourceDomain: string;
  /** Targets of the secure delegation: reference identifiers for all usages except DANE-EE (RFC 7673 §4.1). */
  readonly derivedDomains: readonly string[];
  readonly certificate: CertificateEvidence | null;
  readonly sets: readonly TlsaSet[];
  /** When the first of the answers behind `sets` expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** How many targets were not queried because there are too many: their records may name the certificate. */
  readonly unasked: number;
}

export interface DaneContext extends DaneInput {
  readonly verdict: ProofVerdict;
}

type Matched = Extract<DaneMatch, { kind: 'matched' }>;

/** DANE-EE: the record names this exact certificate, whatever names and dates it contains (RFC 7671 §5.1). */
const DANE_EE = 3;

/** Set by set: digest agility applies to the records of one owner name only (RFC 7671 §9). */
const usableRecords = ({ sets }: DaneInput): readonly TlsaRecord[] =>
  sets.flatMap(({ records }) => usableTlsa(records).usable);

const namesTheDomain = ({ service, sourceDomain, derivedDomains, certificate }: DaneInput): boolean =>
  certificate !== null &&
  matchIdentity(referenceIdentifiers(service, sourceDomain, derivedDomains), certificate.presented).kind === 'match';

function provedBy(input: DaneInput, { record, notAfterMs }: Matched): ProofVerdict {
  const { usage, selector, matching, data } = record;
  // Compared by content: an event that was serialised and read back holds a copy.
  const isMatched = (other: TlsaRecord): boolean => formatTlsa(other) === formatTlsa(record);
  const { owner } = input.sets.find(({ records }) => records.some(isMatched)) ?? { owner: null };
  return {
    kind: 'proved',
    prooftype: 'dane',
    strength: 'strong',
    evidence: {
      sha256: input.certificate?.sha256 ?? null,
      owner,
      tlsa: `${usage} ${selector} ${matching} ${data.slice(0, 128)}`,
    },
    expiresAtMs: Math.min(input.expiresAtMs, notAfterMs ?? Infinity),
  };
}

/**
 * RFC 6698 §4.1: a peer with usable records that matches none is rejected; no other prooftype is tried instead (S8).
 */
const refuted = (condition: string, text: string): ProofVerdict => ({
  kind: 'refuted',
  fault: fault('dane', condition, 'peer', text),
  final: true,
});

export const daneProoftype = setup({
  types: {
    input: {} as DaneInput,
    context: {} as DaneContext,
    events: {} as NoEvents,
    output: {} as ProofVerdict,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    matchTlsa: declareEffect<DaneMatch, { stream: StreamId; records: readonly TlsaRecord[] }>('matchTlsa'),
  },
  delays: { proofTimeout: limits.proofMs },
  guards: {
    noCertificateWasPresented: ({ context }) => context.certificate === null,
    noRecordIsUsable: ({ context }) => usableRecords(context).length === 0,
    certificateMatches: (_, match: DaneMatch) => match.kind === 'matched',
    somePlaceWasNotAsked: ({ context }, match: DaneMatch) => match.kind === 'unmatched' && context.unasked > 0,
    /** For usages other than DANE-EE the certificate must also name the domain, or the target that serves it. */
    matchedCertificateNamesOthers: ({ context }, match: DaneMatch) =>
      match.kind === 'matched' && match.record.usage !== DANE_EE && !namesTheDomain(context),
  },
  actions: {
    prove: assign(({ context }, match: DaneMatch) =>
      match.kind === 'matched' ? { verdict: provedBy(context, match) } : {},
    ),
    refuteName: assign(({ context }) => ({
      verdict: refuted(
        'name-mismatch',
        `the certificate that the TLSA record names does not name ${context.sourceDomain}`,
      ),
    })),
    refuteMatch: assign((_, match: DaneMatch) =>
      match.kind === 'unmatched' ? { verdict: refuted(match.condition, match.text) } : {},
    ),
    withholdForUnasked: assign(({ context: { sets, unasked } }) => {
      const text = `no record at ${sets.map(({ owner }) => owner).join(', ')} names the certificate, and ${unasked} further targets were not asked`;
      return {
        verdict: {
          kind: 'undetermined' as const,
          fault: fault('dane', 'too-many-targets', 'dns', text),
          final: true as const,
        },
      };
    }),
    leaveOpen: assign((_, what: Fault) => ({ verdict: { kind: 'undetermined' as const, fault: what } })),
    /** DANE's verdict is unknown: no other prooftype may take its place (S8). */
    withhold: assign((_, what: Fault) => ({
      verdict: { kind: 'undetermined' as const, fault: what, final: true as const },
    })),
  },
}).createMachine({
  id: 'daneProoftype',
  description:
    'RFC 7712 §7: the proof is a certificate; it matches a TLSA record, whole or as a hash; the records come from the DNS, which has to be secure.',
  meta: { spec: 'RFC 7712 §5.1, RFC 7673 §4' },
  context: ({ input }) => ({
    verdict: { kind: 'undetermined', fault: fault('dane', 'not-finished', 'local') },
    ...input,
  }),
  initial: 'decidingMaterial',
  states: {
    decidingMaterial: {
      description: 'Where no record can be used, ordinary PKIX decides (RFC 7673 §4.1).',
      meta: { spec: 'RFC 6698 §4.1, RFC 7673 §4.1' },
      always: [
        {
          // If there are records, TLS is required, and without it the domain is not proved (RFC 7673 §4).
          guard: 'noCertificateWasPresented',
          target: 'withheld',
          actions: { type: 'withhold', params: fault('dane', 'no-certificate', 'peer') },
        },
        {
          guard: 'noRecordIsUsable',
          target: 'undetermined',
          actions: {
            type: 'leaveOpen',
            params: fault('dane', 'no-usable-record', 'dns', 'the TLSA records are of no kind that can be used'),
          },
        },
        { target: 'awaitingMatch' },
      ],
    },
    awaitingMatch: {
      description: 'The presented chain is being compared with the usable records.',
      meta: {
        spec: 'RFC 7671 §5, RFC 7673 §4.2',
        awaits: 'the comparison with the TLSA records',
        mover: 'us',
        ifLate: 'the domain is not proved, and no other prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'matchTlsa',
        src: 'matchTlsa',
        input: ({ context }) => ({ stream: context.stream, records: usableRecords(context) }),
        onDone: [
          {
            guard: { type: 'matchedCertificateNamesOthers', params: ({ event }) => event.output },
            target: 'refuted',
            actions: 'refuteName',
          },
          {
            guard: { type: 'certificateMatches', params: ({ event }) => event.output },
            target: 'proved',
            actions: { type: 'prove', params: ({ event }) => event.output },
          },
          {
            guard: { type: 'somePlaceWasNotAsked', params: ({ event }) => event.output },
            target: 'withheld',
            actions: 'withholdForUnasked',
          },
          { target: 'refuted', actions: { type: 'refuteMatch', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'withheld',
          actions: { type: 'withhold', params: ({ event }) => toFault(event.error, 'dane') },
        },
      },
      after: {
        proofTimeout: {
          target: 'withheld',
          actions: { type: 'withhold', params: fault('dane', 'match-timeout', 'local') },
        },
      },
    },
    proved: {
      type: 'final',
      description: 'A signed record names the certificate.',
      meta: { spec: 'RFC 7673 §4.2' },
    },
    refuted: {
      type: 'final',
      description: 'The records name other certificates: nothing else is asked.',
      meta: { spec: 'RFC 6698 §4.1' },
    },
    undetermined: {
      type: 'final',
      description: 'No record can be used, so DANE says nothing: another prooftype may decide.',
      meta: { spec: 'RFC 7673 §4.1' },
    },
    withheld: {
      type: 'final',
      description:
        'There are records, but whether they name the certificate is not known: no other prooftype may decide instead.',
      meta: { spec: 'RFC 6698 §4.1, RFC 7673 §4' },
    },
  },
  output: ({ context }) => context.verdict,
});
