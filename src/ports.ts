/**
 * The ports of the manager, through which all I/O passes: network, names, clock, randomness. The daemon provides real
 * ones (src/adapters); tests provide an in-memory network and a simulated clock.
 */
import type { Fault } from './protocol/faults.ts';
import type { AddressRecord, DnsAnswer, SrvRecord, TlsMode } from './protocol/dns.ts';
import type { CertificateEvidence, DaneMatch, PathVerdict } from './protocol/certificate.ts';
import type { PoshMaterial } from './protocol/posh.ts';
import type { BuiltInDnaProofType, ProofVerdict } from './protocol/proof.ts';
import type { Service } from './protocol/service.ts';
import type { TlsaRecord } from './protocol/tlsa.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(fn: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

export interface Random {
  /** `bytes` unpredictable bytes as lower-case hex. */
  hex(bytes: number): string;
  /** A uniform integer in 0..max, both included. */
  integer(max: number): number;
}

export interface LookUpOptions {
  /** True when a remembered answer led nowhere: query again. @defaultValue false */
  readonly fresh?: boolean;
  /**
   * `verification` marks look-ups that an unproved peer causes, as often as it likes: they must not displace those that
   * our own stanzas wait for.
   * @defaultValue `stanzas`
   */
  readonly purpose?: 'stanzas' | 'verification';
}

/** Look-ups never reject: a failure is reported in `status` and `reason`. */
export interface Resolver {
  /** Whether answers are validated (DNSSEC): if not, none is ever `secure` or `bogus`. */
  readonly validates: boolean;
  /** `name` is a complete owner name in A-labels, such as `_5269._tcp.xmpp.example.net`. */
  tlsa(name: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<TlsaRecord>>;
  /** `name` is a complete owner name in A-labels, such as `_xmpp-server._tcp.example.net`. */
  srv(name: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<SrvRecord>>;
  /** A and AAAA records of a host, in the order in which to try them (RFC 8305). */
  addresses(host: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<AddressRecord>>;
}

/** One certificate chain (leaf first) and its private key, both PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

/** The result of a finished TLS handshake. */
export interface TlsSession {
  readonly protocol: 'TLSv1.2' | 'TLSv1.3';
  readonly cipher: string;
  readonly alpn: string | null;
  readonly resumed: boolean;
  /** The peer's end-entity certificate; null when it presented none. */
  readonly peer: CertificateEvidence | null;
  /** The peer's whole chain, for {@link PathValidator} and prooftypes. */
  readonly chain: CertificateChain | null;
}

/** A peer's chain as it was sent: DER, leaf first. */
export interface CertificateChain {
  readonly der: readonly Uint8Array[];
}

export interface PathValidator {
  /**
   * Validates the chain against the trust anchors at time `atMs`, with purpose server in both directions. Synchronous
   * and bounded.
   */
  validate(chain: CertificateChain, atMs: number): PathVerdict;
  /** Compares the chain with usable TLSA records at time `atMs` (RFC 7671 §5). Synchronous and bounded. */
  validateDane(chain: CertificateChain, records: readonly TlsaRecord[], atMs: number): DaneMatch;
}

export interface PoshSource {
  /**
   * Fetches what a domain publishes over HTTPS about the certificates that may speak for it (RFC 7711 §3).
   * @throws FaultError `posh`: `document-missing` when there is no document; another condition when that could not be
   *   determined
   */
  fetch(domain: string, service: Service, signal: AbortSignal, options?: LookUpOptions): Promise<PoshMaterial>;
}

/** A proof that the peer gave when it was challenged, and its subject. */
export interface DnaProofClaim {
  readonly type: BuiltInDnaProofType;
  /** The domain to be proved. */
  readonly domain: string;
  readonly service: Service;
  /** The contents of `<proof/>`. */
  readonly data: string;
  /** The chain that the peer presented in TLS. */
  readonly chain: CertificateChain;
  /** The endpoint we connected to; null on a stream that the peer opened. */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
}

export interface DnaProofJudge {
  /** Judges a proof. Never rejects: what could not be determined is `undetermined`. */
  check(claim: DnaProofClaim, signal: AbortSignal): Promise<ProofVerdict>;
}

export interface ConnectionEvents {
  /** TCP is connected (not yet TLS). Only on connections that we open. */
  connected(info: { remoteAddress: string; remotePort: number }): void;
  /** Plain bytes; decrypted ones after `secured` was called. The buffer may be kept. */
  data(bytes: Buffer): void;
  secured(session: TlsSession): void;
  /** Written bytes have left the buffer; `writable` is true again. */
  drained(): void;
  /** The peer has closed its half, and ours is being closed: writes from now on are discarded. */
  ended?(): void;
  /** The last event, exactly once. `fault` is null when both ends closed cleanly. */
  closed(fault: Fault | null): void;
}

export interface ClientTls {
  /** SNI: the service domain as an A-label (XEP-0368 §3, RFC 7673 §4.1). */
  readonly serverName: string;
  readonly credential: Credential | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The protocol to offer (XEP-0368 §7); null for none. */
  readonly alpn: Service | null;
}

export interface ServerTls {
  /** Selects the certificate when the peer sent no SNI: the stream's `to`, or null if not known yet. */
  readonly streamTo: string | null;
  /** The protocol spoken here, for ALPN (XEP-0368 §7). @defaultValue xmpp-server */
  readonly service?: Service;
}

/**
 * Called once with the outcome of written bytes, possibly within the call that wrote them. True: they were handed to
 * the kernel (or to the link) without error, which does not mean that they arrived. False: the connection ended first.
 */
export type Flushed = (handedOver: boolean) => void;

/** One byte stream between two hosts. All methods are no-ops once closed. */
export interface Connection {
  readonly remoteAddress: string;
  /** Bytes written but not yet taken by the kernel (or by the link). */
  readonly bufferedBytes: number;
  /** False while more than the high-water mark is buffered. */
  readonly writable: boolean;
  /**
   * Writes of one event loop turn may be sent together at its end. `flushed` is for callers that wait for these bytes
   * (invariant L1 in machines/SPEC.md); it costs nothing when omitted.
   */
  write(bytes: Buffer | string, flushed?: Flushed): void;
  /** Collects writes until `uncork`; calls nest. */
  cork(): void;
  uncork(): void;
  pause(): void;
  resume(): void;
  /**
   * Starts a TLS handshake on this connection, as the client or as the server. Plain bytes that arrive later belong to
   * it.
   */
  startTlsClient(options: ClientTls): void;
  startTlsServer(options: ServerTls): void;
  /** Flushes, sends close_notify and FIN; `closed` follows. */
  end(): void;
  /** Drops the connection at once; of the bytes written before, as many are sent as can be without waiting. */
  destroy(fault?: Fault): void;
}

export interface ConnectOptions {
  readonly addresses: readonly AddressRecord[];
  readonly port: number;
}

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  /** `detect` looks at the first byte: 0x16 is a TLS handshake. */
  readonly tls: TlsMode | 'detect';
}

export interface Accepted {
  readonly connection: Connection;
  /**
   * True when TLS precedes any XML (direct TLS, XEP-0368): the handshake begins when `accept` returns, unless it has
   * dropped the connection, and everything that it wrote waits for it.
   */
  readonly directTls: boolean;
}

export interface Listening {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Network {
  /**
   * Races the addresses of one target (RFC 8305 §5). Returns at once; the outcome follows as `connected` or `closed`.
   */
  connect(options: ConnectOptions, events: ConnectionEvents): Connection;
  /** `accept` is called for each connection and returns the receiver of its events. Rejects with FaultError `tcp`. */
  listen(options: ListenOptions, accept: (accepted: Accepted) => ConnectionEvents): Promise<Listening>;
}

export interface Ports {
  readonly network: Network;
  readonly resolver: Resolver;
  readonly pathValidator: PathValidator;
  /** When absent, the POSH prooftype always ends undetermined. */
  readonly posh?: PoshSource;
  /** When absent, no peer is challenged for a proof of delegation (DNA protocol of 2009). */
  readonly dnaProofs?: DnaProofJudge;
  readonly clock: Clock;
  readonly random: Random;
}
