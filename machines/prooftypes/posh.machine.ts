/** POSH prooftype: does the domain vouch, over HTTPS, for the presented certificate? */
import { assign, setup } from 'xstate';
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import { fingerprintMatches, type PoshMaterial } from '../../src/protocol/posh.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import type { Service } from '../../src/protocol/service.ts';
import { declareEffect, type LookUpManner, type StateMeta } from '../declare.ts';
import type { NoEvents, StreamId } from '../events.ts';
import { limits } from '../limits.ts';

export interface PoshInput extends LookUpManner {
  readonly stream: StreamId;
  readonly service: Service;
  readonly sourceDomain: string;
  readonly certificate: CertificateEvidence | null;
}

/** The document, and the time at which the certificate must be within its validity period (RFC 7711 §6). */
export interface PoshFinding {
  readonly material: PoshMaterial;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

export interface PoshContext extends PoshInput {
  readonly verdict: ProofVerdict;
}

export const poshProoftype = setup({
  types: {
    input: {} as PoshInput,
    context: {} as PoshContext,
    events: {} as NoEvents,
    output: {} as ProofVerdict,
    tags: {} as 'waiting',
    meta: {} as StateMeta,
  },
  actors: {
    fetchPoshDocument: declareEffect<
      PoshFinding,
      { stream: StreamId; domain: string; service: Service } & LookUpManner
    >('fetchPoshDocument'),
  },
  delays: { documentTimeout: limits.webMs },
  guards: {
    noCertificateWasPresented: ({ context }) => context.certificate === null,
    certificateIsOutOfItsTime: ({ context: { certificate } }, { atMs }: PoshFinding) =>
      certificate !== null && (atMs < certificate.notBeforeMs || atMs > certificate.notAfterMs),
    certificateIsListed: ({ context: { certificate } }, { material }: PoshFinding) =>
      certificate !== null && fingerprintMatches(material, certificate),
  },
  actions: {
    prove: assign(({ context: { certificate } }, { material }: PoshFinding) => ({
      verdict: {
        kind: 'proved' as const,
        prooftype: 'posh' as const,
        strength: 'strong' as const,
        evidence: { sha256: certificate?.sha256 ?? null, url: material.url },
        expiresAtMs: Math.min(material.expiresAtMs, certificate?.notAfterMs ?? Infinity),
      },
    })),
    refute: assign((_, what: Fault) => ({ verdict: { kind: 'refuted' as const, fault: what } })),
    leaveOpen: assign((_, what: Fault) => ({ verdict: { kind: 'undetermined' as const, fault: what } })),
  },
}).createMachine({
  id: 'poshProoftype',
  description:
    'RFC 7712 §7: the proof is a certificate; its hash is in a document of the domain, fetched over HTTPS; secure DNS is not needed.',
  meta: { spec: 'RFC 7712 §5.2, RFC 7711' },
  context: ({ input }) => ({
    verdict: { kind: 'undetermined', fault: fault('posh', 'not-finished', 'local') },
    ...input,
  }),
  initial: 'decidingMaterial',
  states: {
    decidingMaterial: {
      description: 'Without a certificate there is nothing that the document could list.',
      meta: { spec: 'RFC 7711 §3.3' },
      always: [
        {
          guard: 'noCertificateWasPresented',
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: fault('posh', 'no-certificate', 'peer') },
        },
        { target: 'awaitingDocument' },
      ],
    },
    awaitingDocument: {
      description: 'The POSH document of the domain has been asked for.',
      meta: {
        spec: 'RFC 7711 §3',
        awaits: 'the HTTPS answer of the domain',
        mover: 'web',
        ifLate: 'the question stays open, and the next prooftype is asked',
      },
      tags: 'waiting',
      invoke: {
        id: 'fetchPoshDocument',
        src: 'fetchPoshDocument',
        input: ({ context: { stream, sourceDomain, service, fresh, purpose } }) => ({
          stream,
          domain: sourceDomain,
          service,
          fresh,
          purpose,
        }),
        onDone: [
          {
            guard: { type: 'certificateIsOutOfItsTime', params: ({ event }) => event.output },
            target: 'refuted',
            actions: {
              type: 'refute',
              params: fault('posh', 'certificate-expired', 'peer', 'the certificate is not in its time'),
            },
          },
          {
            guard: { type: 'certificateIsListed', params: ({ event }) => event.output },
            target: 'proved',
            actions: { type: 'prove', params: ({ event }) => event.output },
          },
          {
            target: 'refuted',
            actions: {
              type: 'refute',
              params: fault('posh', 'no-fingerprint-match', 'peer', 'the document lists other certificates'),
            },
          },
        ],
        onError: {
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: ({ event }) => toFault(event.error, 'posh') },
        },
      },
      after: {
        documentTimeout: {
          target: 'undetermined',
          actions: { type: 'leaveOpen', params: fault('posh', 'document-timeout', 'web') },
        },
      },
    },
    proved: {
      type: 'final',
      description: 'The domain lists this certificate.',
      meta: { spec: 'RFC 7711 §3.3' },
    },
    refuted: {
      type: 'final',
      description: 'The document was read: it lists other certificates, or this one is not valid now.',
      meta: { spec: 'RFC 7711 §3.3' },
    },
    undetermined: {
      type: 'final',
      description: 'No usable document; another prooftype may decide.',
      meta: { spec: 'RFC 7712 §5.2' },
    },
  },
  output: ({ context }) => context.verdict,
});
