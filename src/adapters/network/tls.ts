/**
 * TLS over sockets: selects the certificate to show and the session to resume, and reports finished handshakes.
 *
 * Node's own verification (`authorized`, `checkServerIdentity`) is switched off: it rejects a client certificate
 * without clientAuth and accepts the CN (measured on Node 20.20.2). The presented chain is passed on as evidence, to be
 * judged elsewhere.
 *
 * Observed on Node 20 with OpenSSL 3, for TLS 1.2 and 1.3 alike: after resumption a client gets nothing of the server's
 * certificate, and a server only the client's leaf. So a client stores the presented chain with the session, and a
 * server stores chains by their leaf. On TLS 1.2 a server does not get the SNI again either.
 */
import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import * as tls from 'node:tls';
import { fault, FaultError } from '../../protocol/faults.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { CertificateEvidence } from '../../protocol/certificate.ts';
import type { CertificateChain, ClientTls, Clock, Credential, ServerTls, TlsSession } from '../../ports.ts';
import { readCertificate } from '../pkix/certificates.ts';
import { WeighedMap } from '../weighed-map.ts';
import { KeptChains } from './kept-chains.ts';

/** Queried at every handshake, so credentials can be replaced at any time. The same object is the same credential. */
export interface CredentialStore {
  /** The credential for a service domain (lower-case A-label); for null, the one shown when no domain is known. */
  forServerName(name: string | null): Credential | null;
}

/** Events of one handshake: `secured` at most once; no event when the socket closes first. */
export interface HandshakeEvents {
  secured(session: TlsSession): void;
  failed(fault: Fault): void;
}

export interface TlsEngine {
  /** @throws FaultError `tls`: `credential-invalid` */
  startClient(socket: Socket, options: ClientTls, events: HandshakeEvents): tls.TLSSocket;
  /** @throws FaultError `tls`: `credential-invalid` */
  startServer(socket: Socket, options: ServerTls, events: HandshakeEvents): tls.TLSSocket;
}

/** Most certificates read from a peer. */
const MAX_CHAIN = 10;
/**
 * How long after its full handshake a session may be resumed. Short, because a resumed session repeats the certificate
 * of that handshake: a peer that changes its certificate and TLSA record would appear refuted until the session
 * expires.
 */
const SESSION_LIFETIME_MS = 600_000;
/** Client sessions that can be resumed, each with its chain: about 5 kB, but the server chooses the size. */
const SESSION_LIMITS = { maxBytes: 8 * 1_024 * 1_024, maxEntryBytes: 65_536, lifetimeMs: SESSION_LIFETIME_MS };
/** Memory of a session besides its bytes: a key with names and an address, objects and buffers. */
const SESSION_OVERHEAD_BYTES = 2_048;

interface Presented {
  readonly peer: CertificateEvidence | null;
  readonly chain: CertificateChain | null;
}

interface KnownSession {
  readonly session: Buffer;
  readonly chain: CertificateChain | null;
  readonly handshakeMs: number;
}

export function createTlsEngine({ credentials, clock }: { credentials: CredentialStore; clock: Clock }): TlsEngine {
  const contextFor = createContextCache();
  const sessions = new WeighedMap<KnownSession>(SESSION_LIMITS, clock);
  const clientChains = new KeptChains(SESSION_LIFETIME_MS, clock);

  const startClient = (plain: Socket, options: ClientTls, events: HandshakeEvents): tls.TLSSocket => {
    const { context, id } = contextFor(options.credential, 'client', options.minVersion);
    const key = [options.serverName, plain.remoteAddress, plain.remotePort, options.alpn, id].join(' ');
    const known = sessions.get(key);

    const socket = tls.connect({
      socket: plain,
      secureContext: context,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      // SNI is never an IP literal (RFC 6066 §3).
      ...(isIP(options.serverName) === 0 ? { servername: options.serverName } : {}),
      ...(options.alpn === null ? {} : { ALPNProtocols: [options.alpn] }),
      ...(known === undefined ? {} : { session: known.session }),
    });

    // TLS 1.2 issues its session inside the handshake, 1.3 some time after it.
    let issued: Buffer | null = null;
    let origin: Omit<KnownSession, 'session'> | null = null;
    const remember = (): void => {
      if (issued === null || origin === null) return;
      const session: KnownSession = { session: issued, ...origin };
      sessions.set(key, session, bytesOf(session), origin.handshakeMs);
    };
    socket.on('session', (session) => {
      issued = session;
      remember();
    });
    // After a failed handshake the session is dropped: it must not make the next one fail too.
    const forget = (): void => sessions.delete(key);
    socket.once('close', forget);
    socket.once('secureConnect', () => {
      socket.off('close', forget);
      report(socket, events, () => {
        const resumed = socket.isSessionReused() ? known : undefined;
        const presented = resumed === undefined ? readPresented(socket) : readChain(resumed.chain);
        origin = { chain: presented.chain, handshakeMs: resumed?.handshakeMs ?? clock.now() };
        remember();
        return presented;
      });
    });
    return socket;
  };

  const startServer = (
    plain: Socket,
    { streamTo, service = 'xmpp-server' }: ServerTls,
    events: HandshakeEvents,
  ): tls.TLSSocket => {
    const fallback =
      (streamTo === null ? null : credentials.forServerName(streamTo)) ?? credentials.forServerName(null);
    const pick = (credential: Credential | null): tls.SecureContext =>
      contextFor(credential, 'server', 'TLSv1.2').context;

    const socket = new tls.TLSSocket(plain, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      secureContext: pick(fallback),
      ALPNProtocols: [service],
      SNICallback: (name, done) => {
        try {
          const credential = credentials.forServerName(name.toLowerCase()) ?? fallback;
          if (credential === null) throw new FaultError(fault('tls', 'no-certificate', 'local', `none for ${name}`));
          done(null, pick(credential));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
    socket.disableRenegotiation();
    let secured = false;
    // A server-side TLSSocket without a tls.Server reports its errors only here, and does not close by itself.
    socket.on('_tlsError', (error: Error) => events.failed(tlsFault(error, secured ? 'session-failed' : undefined)));
    socket.once('secure', () => {
      secured = true;
      report(socket, events, () => {
        const { peer, chain } = readPresented(socket);
        if (peer === null || chain === null) return { peer, chain };
        if (socket.isSessionReused()) return { peer, chain: clientChains.recall(peer.sha256, chain) };
        clientChains.remember(peer.sha256, chain);
        return { peer, chain };
      });
    });
    return socket;
  };

  return { startClient, startServer };
}

/**
 * A context holds the parsed key and the ticket keys. There is one per credential, side and minimum version; all
 * streams share it, and it is released with the credential.
 */
function createContextCache() {
  const anonymous: Credential = { cert: '', key: '' };
  const contexts = new WeakMap<Credential, Map<string, { context: tls.SecureContext; id: number }>>();
  let count = 0;
  return (credential: Credential | null, side: 'client' | 'server', minVersion: ClientTls['minVersion']) => {
    const owner = credential ?? anonymous;
    const made = contexts.get(owner) ?? new Map<string, { context: tls.SecureContext; id: number }>();
    contexts.set(owner, made);
    const kind = `${side} ${minVersion}`;
    let entry = made.get(kind);
    if (entry === undefined) {
      entry = { context: createContext(credential, side, minVersion), id: count++ };
      made.set(kind, entry);
    }
    return entry;
  };
}

function createContext(
  credential: Credential | null,
  side: 'client' | 'server',
  minVersion: ClientTls['minVersion'],
): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ...credential,
      minVersion,
      honorCipherOrder: true,
      // No trust anchors: chains are validated elsewhere, and a server lists no acceptable authorities.
      ca: [],
      // OpenSSL requires a session id context to resume sessions with client certificates.
      sessionIdContext: 'xmpp-server',
      sessionTimeout: SESSION_LIFETIME_MS / 1000,
      // A server drops a peer that renegotiates (`disableRenegotiation`). Node lacks this for clients, OpenSSL has it.
      secureOptions: constants.SSL_OP_NO_COMPRESSION | (side === 'client' ? constants.SSL_OP_NO_RENEGOTIATION : 0),
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new FaultError(fault('tls', 'credential-invalid', 'local', text), { cause: error });
  }
}

function report(socket: tls.TLSSocket, events: HandshakeEvents, read: () => Presented): void {
  let presented: Presented;
  try {
    presented = read();
  } catch (error) {
    events.failed(
      fault('tls', 'certificate-unreadable', 'peer', error instanceof Error ? error.message : String(error)),
    );
    return;
  }
  events.secured({
    // The contexts allow no version below 1.2.
    protocol: socket.getProtocol() === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    cipher: socket.getCipher().standardName,
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : null,
    resumed: socket.isSessionReused(),
    ...presented,
  });
}

/** The chain as it was sent, leaf first; `issuerCertificate` follows that order, not the signatures. */
function readPresented(socket: tls.TLSSocket): Presented {
  const der: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && der.length < MAX_CHAIN) {
    der.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return readChain({ der });
}

function readChain(chain: CertificateChain | null): Presented {
  const leaf = chain?.der[0];
  return leaf === undefined ? { peer: null, chain: null } : { peer: readCertificate(leaf), chain };
}

const bytesOf = ({ session, chain }: KnownSession): number =>
  (chain?.der ?? []).reduce((sum, { byteLength }) => sum + byteLength, SESSION_OVERHEAD_BYTES + session.byteLength);

/** Conditions for OpenSSL's reasons, recognised by Node's error codes. */
const CONDITIONS: readonly (readonly [RegExp, string])[] = [
  [/NO_APPLICATION_PROTOCOL|^ERR_SSL_1120$/, 'no-application-protocol'],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/, 'no-shared-protocol'],
  [/NO_SHARED_CIPHER|NO_SUITABLE/, 'no-shared-cipher'],
  [/UNRECOGNIZED_NAME/, 'unrecognized-name'],
  [
    /ALERT_(BAD|UNKNOWN|UNSUPPORTED)_C|CERTIFICATE_(EXPIRED|REVOKED|UNKNOWN|REQUIRED)|ALERT_ACCESS/,
    'certificate-rejected',
  ],
  [/RENEGOTIATION/, 'renegotiation-refused'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, 'connection-reset'],
];

/** The fault for a TLS error, with OpenSSL's reason as text; `otherwise` is the condition of unlisted errors. */
export function tlsFault(
  error: Error & { code?: string | undefined; reason?: string },
  otherwise: 'handshake-failed' | 'session-failed' = 'handshake-failed',
): Fault {
  if (error instanceof FaultError) return error.fault;
  const { code = '' } = error;
  const condition = CONDITIONS.find(([pattern]) => pattern.test(code))?.[1] ?? otherwise;
  return fault('tls', condition, 'peer', error.reason ?? error.message);
}
