/**
 * What an explanation reads from the context of an actor. A trace may come from anybody, so nothing in it is taken for
 * granted.
 */
import { endsWithoutFault } from '../../machines/failures.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { Endpoint } from '../protocol/dns.ts';
import type { Fault, FaultLayer, FaultOrigin } from '../protocol/faults.ts';
import type { ProofAttempt } from '../protocol/proof.ts';
import { tellingFault } from './explain/causes/telling-fault.ts';
import type { StreamFeatures } from '../protocol/wire.ts';

type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const fieldsIn = (value: unknown): Fields => (isFields(value) ? value : {});
export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
export const numberIn = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

export function faultIn(value: unknown): Fault | null {
  const { layer, condition, origin, text } = fieldsIn(value);
  if (typeof layer !== 'string' || typeof condition !== 'string' || typeof origin !== 'string') return null;
  // An unknown layer matches no cause, and is shown unchanged.
  const known = { layer: layer as FaultLayer, condition, origin: origin as FaultOrigin };
  return typeof text === 'string' ? { ...known, text } : known;
}

export function endpointIn(value: unknown): Pick<Endpoint, 'host' | 'port' | 'tls'> | null {
  const { host, port, tls } = fieldsIn(value);
  if (typeof host !== 'string' || host === '' || typeof port !== 'number') return null;
  return { host, port, tls: tls === 'direct' ? 'direct' : 'starttls' };
}

export function certificateIn(value: unknown): CertificateEvidence | null {
  const { sha256, sha512, subject, issuer, notBeforeMs, notAfterMs, presented } = fieldsIn(value);
  if (typeof sha256 !== 'string' || typeof notBeforeMs !== 'number' || typeof notAfterMs !== 'number') return null;
  const { dnsNames, srvNames, xmppAddrs, ipAddresses } = fieldsIn(presented);
  return {
    sha256,
    sha512: textIn(sha512),
    subject: textIn(subject),
    issuer: textIn(issuer),
    notBeforeMs,
    notAfterMs,
    presented: {
      dnsNames: textsIn(dnsNames),
      srvNames: textsIn(srvNames),
      xmppAddrs: textsIn(xmppAddrs),
      ipAddresses: textsIn(ipAddresses),
    },
  };
}

export const startTlsIn = (features: unknown): StreamFeatures['startTls'] | null => {
  const { startTls } = fieldsIn(features);
  return startTls === 'absent' || startTls === 'optional' || startTls === 'required' ? startTls : null;
};

/** The attempts that failed, in order. */
export function attemptsIn(value: unknown): readonly ProofAttempt[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one): ProofAttempt[] => {
    const { prooftype, verdict } = fieldsIn(one);
    const { kind, fault, final } = fieldsIn(verdict);
    const why = faultIn(fault);
    if (typeof prooftype !== 'string' || why === null) return [];
    if (kind !== 'refuted' && kind !== 'undetermined') return [];
    return [{ prooftype, verdict: { kind, fault: why, ...(final === true ? { final: true as const } : {}) } }];
  });
}

/** Why we refused the far end's SASL EXTERNAL although it was offered; null if we did not. */
export function whyRefused(negotiation: unknown): Fault | null {
  const { phase, saslRefused } = fieldsIn(negotiation);
  const isRefused = phase !== 'authenticated' && typeof saslRefused === 'string';
  return isRefused ? { layer: 'sasl', condition: saslRefused, origin: 'peer' } : null;
}

/**
 * Why a stream that was opened to us came to nothing: the far end left or fell silent because its certificate does not
 * prove it and EXTERNAL was not offered, or because its request was refused. Null if it only closed the stream
 * normally.
 */
export function whyInVain(
  { associated, negotiation }: { readonly associated?: unknown; readonly negotiation?: unknown },
  why: Fault | null,
): Fault | null {
  return whyUnproved(associated) ?? whyRefused(negotiation) ?? (endsWithoutFault(why) ? null : why);
}

/** Why the certificate of the far end does not prove its domain; null if it does, or if that was not examined. */
export function whyUnproved(associated: unknown): Fault | null {
  const { verdict, attempts } = fieldsIn(associated);
  const { kind, fault } = fieldsIn(verdict);
  const concluded = kind === 'proved' ? null : faultIn(fault);
  return concluded === null ? null : tellingFault(attemptsIn(attempts), concluded);
}
