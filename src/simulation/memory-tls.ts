/**
 * A stand-in for TLS on the in-memory network: no secrecy, but the same order of events. Records have TLS's outer form,
 * so that a first byte can be recognised and a peer that does not speak TLS is detected as with real TLS. The handshake
 * takes two round trips and carries the real certificate chains, SNI and ALPN.
 */
import { isIP } from 'node:net';
import { fault, FaultError } from '../protocol/faults.ts';
import type { Fault } from '../protocol/faults.ts';
import type { CertificateEvidence } from '../protocol/certificate.ts';
import type { ClientTls, Credential, ServerTls, TlsSession } from '../ports.ts';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import { LruMap } from '../adapters/lru.ts';
import type { CredentialStore } from '../adapters/network/tls.ts';

export type TlsVersion = TlsSession['protocol'];

export const RECORD = { alert: 0x15, handshake: 0x16, applicationData: 0x17 } as const;
export type RecordType = (typeof RECORD)[keyof typeof RECORD];

const HEADER_BYTES = 5;
const MAX_RECORD_BYTES = 16_384;

/** The payload as records of at most 16 KiB (RFC 8446 §5.1). */
export function toRecords(type: RecordType, payload: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < payload.length; at += MAX_RECORD_BYTES) {
    const part = payload.subarray(at, at + MAX_RECORD_BYTES);
    records.push(Buffer.of(type, 3, 3, part.length >> 8, part.length & 0xff), part);
  }
  return records;
}

/** The first record in `wire`; null when more bytes are needed. @throws FaultError when this is not TLS */
export function takeRecord(wire: Buffer): { type: number; payload: Buffer; rest: Buffer } | null {
  const [type = RECORD.handshake, major = 3] = wire;
  if (type < RECORD.alert || type > RECORD.applicationData || major !== 3) {
    throw new FaultError(fault('tls', 'handshake-failed', 'peer', 'wrong version number'));
  }
  if (wire.length < HEADER_BYTES) return null;
  const end = HEADER_BYTES + wire.readUInt16BE(3);
  if (wire.length < end) return null;
  return { type, payload: wire.subarray(HEADER_BYTES, end), rest: wire.subarray(end) };
}

interface Message {
  readonly step: 'client-hello' | 'server-hello' | 'client-finished' | 'server-finished';
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly minVersion?: TlsVersion;
  readonly version?: TlsVersion;
  readonly chain?: readonly string[];
}

/** One side of a handshake: takes the peer's messages, returns its own, and finally a session. */
export interface Handshake {
  /** @throws FaultError `tls`; its `alert` is what to send to the peer */
  take(payload: Buffer): { readonly reply: Buffer | null; readonly session: TlsSession | null };
}

/** A fault that is also sent to the peer. */
class AlertError extends FaultError {
  readonly alert: string;
  constructor(alert: string, what: Fault) {
    super(what);
    this.alert = alert;
  }
}

const ALERTS: Readonly<Record<string, string>> = {
  no_application_protocol: 'no-application-protocol',
  protocol_version: 'no-shared-protocol',
};

export const alertOf = (error: unknown): Buffer =>
  Buffer.from(error instanceof AlertError ? error.alert : 'handshake_failure');

export function alertFault(payload: Buffer): Fault {
  const alert = payload.toString();
  return fault('tls', ALERTS[alert] ?? 'handshake-failed', 'peer', `alert ${alert.replaceAll('_', ' ')}`);
}

const write = (message: Message): Buffer => Buffer.from(JSON.stringify(message));

function read(payload: Buffer, expected: Message['step']): Message {
  let message: unknown;
  try {
    message = JSON.parse(payload.toString());
  } catch {
    message = null;
  }
  if (typeof message !== 'object' || message === null || !('step' in message) || message.step !== expected) {
    throw new AlertError('unexpected_message', fault('tls', 'handshake-failed', 'peer', 'unexpected message'));
  }
  return message as Message; // written by `write` above, or damaged deliberately by a test
}

const chains = new WeakMap<Credential, readonly string[]>();
/** The certificates of a credential, DER in base64: the contents between PEM's delimiter lines. */
function chainOf(credential: Credential | null): readonly string[] {
  if (credential === null) return [];
  const known = chains.get(credential);
  if (known !== undefined) return known;
  const pem = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;
  const chain = Array.from(credential.cert.matchAll(pem), ([, base64 = '']) => base64.replace(/\s/g, ''));
  chains.set(credential, chain);
  return chain;
}

/**
 * Parsing is slow compared with everything else here, and simulations use the same few certificates thousands of times.
 */
const evidences = new LruMap<string, CertificateEvidence>(256);
function evidenceOf(leaf: string): CertificateEvidence {
  const known = evidences.get(leaf);
  if (known !== undefined) return known;
  try {
    const evidence = readCertificate(Buffer.from(leaf, 'base64'));
    evidences.set(leaf, evidence);
    return evidence;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new AlertError('bad_certificate', fault('tls', 'certificate-unreadable', 'peer', text));
  }
}

function sessionOf(protocol: TlsVersion, alpn: string | null, chain: readonly string[] = []): TlsSession {
  const [leaf] = chain;
  return {
    protocol,
    cipher: 'TLS_NULL_WITH_NULL_NULL',
    alpn,
    resumed: false,
    peer: leaf === undefined ? null : evidenceOf(leaf),
    chain: leaf === undefined ? null : { der: chain.map((one) => Buffer.from(one, 'base64')) },
  };
}

export function clientHandshake(options: ClientTls): Handshake & { readonly hello: Buffer } {
  let server: Message | null = null;
  return {
    hello: write({
      step: 'client-hello',
      minVersion: options.minVersion,
      alpn: options.alpn === null ? [] : [options.alpn],
      ...(isIP(options.serverName) === 0 ? { serverName: options.serverName } : {}),
    }),
    take: (payload) => {
      if (server === null) {
        server = read(payload, 'server-hello');
        return { reply: write({ step: 'client-finished', chain: chainOf(options.credential) }), session: null };
      }
      read(payload, 'server-finished');
      const { version = 'TLSv1.3', alpn: [alpn = null] = [], chain } = server;
      return { reply: null, session: sessionOf(version, alpn, chain) };
    },
  };
}

export function serverHandshake(
  credentials: CredentialStore,
  { streamTo, service = 'xmpp-server' }: ServerTls,
  maxVersion: TlsVersion,
): Handshake {
  let alpn: string | null | undefined;
  const choose = (hello: Message): Message => {
    const { serverName, minVersion = 'TLSv1.2', alpn: offered = [] } = hello;
    if (minVersion > maxVersion) {
      throw new AlertError('protocol_version', fault('tls', 'no-shared-protocol', 'peer', 'unsupported protocol'));
    }
    alpn = offered.find((protocol) => protocol === service) ?? null;
    if (alpn === null && offered.length > 0) {
      throw new AlertError('no_application_protocol', fault('tls', 'no-application-protocol', 'peer'));
    }
    const names = [serverName?.toLowerCase(), streamTo, null].filter((name) => name !== undefined);
    for (const name of names) {
      const credential = credentials.forServerName(name);
      if (credential === null) continue;
      return {
        step: 'server-hello',
        version: maxVersion,
        alpn: alpn === null ? [] : [alpn],
        chain: chainOf(credential),
      };
    }
    throw new AlertError(
      'handshake_failure',
      fault('tls', 'no-certificate', 'local', `none for ${String(serverName)}`),
    );
  };
  return {
    take: (payload) => {
      if (alpn === undefined) return { reply: write(choose(read(payload, 'client-hello'))), session: null };
      const { chain } = read(payload, 'client-finished');
      const session = sessionOf(maxVersion, alpn, chain);
      return { reply: write({ step: 'server-finished' }), session };
    },
  };
}
