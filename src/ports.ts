/**
 * The ports of the manager (DESIGN §2, sans-IO): network, names, clock, chance. The daemon provides real ones
 * (src/adapters), tests provide an in-memory network and a simulated clock.
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
  /** True when what may be remembered has led nowhere: ask again. @defaultValue false */
  readonly fresh?: boolean;
  /**
   * For `verification` somebody who has proved nothing makes us ask, as often as he likes: such look-ups must not take the
   * place of those that our own stanzas wait for.
   * @defaultValue `stanzas`
   */
  readonly purpose?: 'stanzas' | 'verification';
}

/** Look-ups never reject: what failed is in `status` and `reason`. */
export interface Resolver {
  /** Whether answers are validated (DNSSEC): without it none is ever `secure` or `bogus`. */
  readonly validates: boolean;
  /** `name` is a whole owner name in A-labels, such as `_5269._tcp.xmpp.example.net`. */
  tlsa(name: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<TlsaRecord>>;
  /** `name` is a whole owner name in A-labels, such as `_xmpp-server._tcp.example.net`. */
  srv(name: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<SrvRecord>>;
  /** A and AAAA of a host, in the order in which they are to be tried (RFC 8305). */
  addresses(host: string, signal: AbortSignal, options?: LookUpOptions): Promise<DnsAnswer<AddressRecord>>;
}

/** One certificate chain (leaf first) and its key, both PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

/** What a finished TLS handshake says. */
export interface TlsSession {
  readonly protocol: 'TLSv1.2' | 'TLSv1.3';
  readonly cipher: string;
  readonly alpn: string | null;
  readonly resumed: boolean;
  /** The peer's end-entity certificate; null when it showed none. */
  readonly peer: CertificateEvidence | null;
  /** The peer's whole chain, for {@link PathValidator} and prooftypes. */
  readonly chain: CertificateChain | null;
}

/** A peer's chain as it was sent: DER, leaf first. */
export interface CertificateChain {
  readonly der: readonly Uint8Array[];
}

export interface PathValidator {
  /** Validates the chain against the trust anchors at time `atMs`, purpose server in both directions. Synchronous and bounded. */
  validate(chain: CertificateChain, atMs: number): PathVerdict;
  /** Compares the chain with usable TLSA records at time `atMs` (RFC 7671 §5). Synchronous and bounded. */
  validateDane(chain: CertificateChain, records: readonly TlsaRecord[], atMs: number): DaneMatch;
}

export interface PoshSource {
  /**
   * What a domain publishes over HTTPS of the certificates that speak for it (RFC 7711 §3).
   * @throws FaultError `posh`: `document-missing` where there is none; other conditions where that could not be found out
   */
  fetch(domain: string, service: Service, signal: AbortSignal, options?: LookUpOptions): Promise<PoshMaterial>;
}

/** A proof that the far end gave when it was challenged, and what it is about. */
export interface DnaProofClaim {
  readonly type: BuiltInDnaProofType;
  /** The domain that is to be proved. */
  readonly domain: string;
  readonly service: Service;
  /** The contents of `<proof/>`. */
  readonly data: string;
  /** What the far end presented in TLS. */
  readonly chain: CertificateChain;
  /** Where the stream leads to; null on one that the far end opened. */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
}

export interface DnaProofJudge {
  /** Judges a proof. Never rejects: what could not be found out is `undetermined`. */
  check(claim: DnaProofClaim, signal: AbortSignal): Promise<ProofVerdict>;
}

export interface ConnectionEvents {
  /** TCP is up (not TLS). Only on connections that we open. */
  connected(info: { remoteAddress: string; remotePort: number }): void;
  /** Plain bytes; decrypted ones once `secured` was called. The buffer may be kept. */
  data(bytes: Buffer): void;
  secured(session: TlsSession): void;
  /** What was written has left the buffer; `writable` is true again. */
  drained(): void;
  /** The peer has closed its half, and ours is being closed: what is written from now on is not taken. */
  ended?(): void;
  /** The last event, exactly once. `fault` is null when both ends closed cleanly. */
  closed(fault: Fault | null): void;
}

export interface ClientTls {
  /** SNI: the service domain, A-label (FACTS §2.3). */
  readonly serverName: string;
  readonly credential: Credential | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The protocol that is offered (XEP-0368 §7); null: none. */
  readonly alpn: Service | null;
}

export interface ServerTls {
  /** Picks the certificate: by SNI when the peer sent one, else by the stream `to` given here (null: not known yet). */
  readonly streamTo: string | null;
  /** What is spoken here, for ALPN (XEP-0368 §7). @defaultValue xmpp-server */
  readonly service?: Service;
}

/**
 * Told once what became of bytes, possibly within the call that wrote them: true when they were handed to the kernel (or
 * to the link) without error, which is not to say that they arrived; false when the connection was over before.
 */
export type Flushed = (handedOver: boolean) => void;

/** One byte stream between two hosts. All methods are no-ops once closed. */
export interface Connection {
  readonly remoteAddress: string;
  /** Bytes written and not yet taken by the kernel (or by the link). */
  readonly bufferedBytes: number;
  /** False while more than the high-water mark is buffered. */
  readonly writable: boolean;
  /** What is written in one turn may go out together at its end. What is not asked costs nothing: `flushed` is for those who wait for these bytes (DESIGN §6 L1). */
  write(bytes: Buffer | string, flushed?: Flushed): void;
  /** Collects writes until `uncork`; nests. */
  cork(): void;
  uncork(): void;
  pause(): void;
  resume(): void;
  /** Starts a TLS handshake on this connection as the client, or as the server. Plain bytes that arrive later belong to it. */
  startTlsClient(options: ClientTls): void;
  startTlsServer(options: ServerTls): void;
  /** Flushes, sends close_notify and FIN; `closed` follows. */
  end(): void;
  /** Drops the connection at once; of what was written before, as much goes out as can without waiting. */
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
  /** True when TLS comes before any XML (direct TLS, XEP-0368): the handshake is already under way. */
  readonly directTls: boolean;
}

export interface Listening {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Network {
  /** Races the addresses of one target (RFC 8305 §5) and answers at once; the outcome comes as `connected` or `closed`. */
  connect(options: ConnectOptions, events: ConnectionEvents): Connection;
  /** `accept` is called per connection and answers where its events go. Rejects with FaultError `tcp`. */
  listen(options: ListenOptions, accept: (accepted: Accepted) => ConnectionEvents): Promise<Listening>;
}

export interface Ports {
  readonly network: Network;
  readonly resolver: Resolver;
  readonly pathValidator: PathValidator;
  /** Absent: POSH leaves every question open. */
  readonly posh?: PoshSource;
  /** Absent: nobody is challenged for a delegation (FACTS §13). */
  readonly dnaProofs?: DnaProofJudge;
  readonly clock: Clock;
  readonly random: Random;
}
