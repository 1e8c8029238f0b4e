/** Inputs and events that the tests of the stream charts use. */
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import type { Endpoint } from '../../src/protocol/dns.ts';
import { fault } from '../../src/protocol/faults.ts';
import { undelegated } from '../../src/protocol/secure-delegation.ts';
import type { AssociationInput } from '../../machines/association.machine.ts';
import type { PolicyOptions } from '../../src/protocol/policy.ts';
import type { Proof } from '../../src/protocol/proof.ts';
import type { StreamFeatures, StreamHeader, WireElement } from '../../src/protocol/wire.ts';
import type { AssociationOutcome, ChallengeOutcome, TlsFacts, VerificationOutcome } from '../../machines/index.ts';
import { setOf } from '../../machines/collections/growing-table.ts';
import type { StreamInput } from '../../machines/stream/context.ts';
import type { Effect } from './pure.ts';

export const endpoint: Endpoint = {
  host: 'xmpp.b.example',
  port: 5269,
  tls: 'starttls',
  secureDelegation: false,
  delegatedUntilMs: null,
  expandedHost: null,
  addresses: [{ family: 4, address: '127.0.0.1' }],
  dane: undelegated.dane,
};

/** No evidence except certificates. */
export const nowhere = { secureDns: false, posh: false };
/** The DNA protocol of 2009 is not spoken. */
export const noDna = { checks: false, proofs: [] };

export const notSpoken = fault('dna', 'not-spoken', 'peer');

/** The input of an association about a.example, on a stream of a.example. */
export const associationInput = (changes: Partial<AssociationInput> = {}): AssociationInput => ({
  stream: 1,
  service: 'xmpp-server',
  domain: 'a.example',
  prooftypes: ['pkix', 'dialback'],
  delegation: undelegated,
  endpoint: null,
  certificate: certificateOf('a.example'),
  unchallengeable: notSpoken,
  assertion: null,
  fresh: false,
  purpose: 'verification',
  ...changes,
});

export const certificateOf = (...dnsNames: readonly string[]): CertificateEvidence => ({
  sha256: 'c'.repeat(64),
  sha512: 'c'.repeat(128),
  subject: `CN=${dnsNames[0] ?? ''}`,
  issuer: 'CN=ca.example',
  notBeforeMs: 0,
  notAfterMs: 4e12,
  presented: { dnsNames, srvNames: [], xmppAddrs: [], ipAddresses: [] },
});

export const tlsWith = (certificate: CertificateEvidence | null): TlsFacts => ({
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  alpn: null,
  resumed: false,
  certificate,
});

export const strong: Proof = { prooftype: 'pkix', strength: 'strong', evidence: {}, expiresAtMs: null };
export const weak: Proof = { prooftype: 'dialback', strength: 'weak', evidence: {}, expiresAtMs: null };
export const notTrusted = fault('pkix', 'untrusted-root', 'peer');

export const provedFor = (domain: string, proof: Proof = strong): AssociationOutcome => ({
  domain,
  verdict: { kind: 'proved', ...proof },
  attempts: [],
});
export const refutedFor = (domain: string): AssociationOutcome => ({
  domain,
  verdict: { kind: 'refuted', fault: notTrusted },
  attempts: [],
});
/** A challenge that was not answered. */
export const unanswered = (domain: string): ChallengeOutcome => ({
  domain,
  prooftype: null,
  isImpossible: false,
  verdict: { kind: 'undetermined', fault: fault('dna', 'proof-timeout', 'peer') },
});
export const verified = (from: string, to: string, proof: Proof = strong): VerificationOutcome => ({
  from,
  to,
  answer: { type: 'valid' },
  proof,
  attempts: [],
});
export const disowned = (from: string, to: string): VerificationOutcome => ({
  from,
  to,
  answer: { type: 'error', condition: 'forbidden' },
  proof: null,
  attempts: [],
});

export const header = (changes: Partial<StreamHeader> = {}): StreamHeader => ({
  kind: 'streamHeader',
  from: 'a.example',
  to: 'b.example',
  id: null,
  version: '1.0',
  dialback: true,
  ...changes,
});
/** The answer of the receiving server. */
export const responseHeader = (changes: Partial<StreamHeader> = {}): StreamHeader =>
  header({ from: 'b.example', to: 'a.example', id: 'wire-id', ...changes });

export const features = (changes: Partial<StreamFeatures> = {}): StreamFeatures => ({
  kind: 'features',
  startTls: 'absent',
  mechanisms: [],
  dialback: true,
  dialbackErrors: true,
  bidi: false,
  unknown: [],
  ...changes,
});

/** a.example opens a stream to b.example. */
export const initiatingInput = (changes: Partial<StreamInput> = {}, policy: PolicyOptions = {}): StreamInput => ({
  stream: 1,
  settings: {
    hosted: setOf(new Set(['a.example', 'a2.example'])),
    policy,
    bidi: true,
    material: nowhere,
    dna: noDna,
  },
  service: 'xmpp-server',
  purpose: 'stanzas',
  local: 'a.example',
  remote: 'b.example',
  endpoint,
  directTls: false,
  avoidExternal: false,
  ...changes,
});

/** A connection arrives at b.example, which also serves b2.example. */
export const receivingInput = (changes: Partial<StreamInput> = {}, policy: PolicyOptions = {}): StreamInput => ({
  stream: 2,
  settings: {
    hosted: setOf(new Set(['b.example', 'b2.example'])),
    policy,
    bidi: true,
    material: nowhere,
    dna: noDna,
  },
  service: 'xmpp-server',
  purpose: 'stanzas',
  local: '',
  remote: '',
  endpoint: null,
  directTls: false,
  avoidExternal: false,
  ...changes,
});

/**
 * An effect in a few words: `say features`, `secureAsServer`, `report stream.closing`, `spawn association.c.example`.
 */
export function wordsOf(effect: Effect): string {
  if (effect.kind === 'spawned') return `spawn ${effect.id}`;
  if (effect.kind === 'stopped') return `stop ${effect.id}`;
  const { type } = effect.event;
  if (effect.kind === 'emitted') return `report ${type}`;
  if (type !== 'transport.send') return type.replace('transport.', '');
  const element = effect.event['element'] as WireElement; // the payload of `send`
  return `say ${element.kind}${answerOf(element)}`;
}

function answerOf(element: WireElement): string {
  if (element.kind === 'saslFailure') return ` ${element.condition}`;
  if ((element.kind !== 'result' && element.kind !== 'verify') || element.answer === null) return '';
  return element.answer.type === 'error' ? ` ${element.answer.condition}` : ` ${element.answer.type}`;
}
