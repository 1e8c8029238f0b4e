/** A TLS connection to a web server, whose certificate must name it by the rules for https URLs (RFC 9110 §4.3.4). */
import { constants } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import * as tls from 'node:tls';
import type { Clock, LookUpOptions, Resolver } from '../../ports.ts';
import type { AddressRecord } from '../../protocol/dns.ts';
import { dnsNameMatches } from '../../protocol/identity.ts';
import { canonicalDomain, isIpLiteral } from '../../protocol/names.ts';
import { raceAddresses } from '../network/happy-eyeballs.ts';
import { tcpFault } from '../network/tcp.ts';
import { readCertificate } from '../pkix/certificates.ts';
import { derOf, systemAnchors } from '../pkix/trust.ts';
import { handshakeError, HttpsError } from './failure.ts';

export interface ConnectionParts {
  readonly resolver: Pick<Resolver, 'addresses'>;
  readonly trust: tls.SecureContext;
  /** Whether an untrusted peer may make us connect to this address. */
  readonly isAllowed: (address: string) => boolean;
  readonly clock: Clock;
}

export interface WebServer {
  /** Canonical. */
  readonly host: string;
  readonly port: number;
}

/** RFC 8305 §8. */
const ATTEMPT_DELAY_MS = 250;
/** Addresses of one host that are tried: whoever chooses the host could otherwise make us connect to many machines. */
const MAX_ADDRESSES = 8;

/** Trust anchors for the certificates of web servers. @throws FaultError `pkix`, local, when they cannot be read. */
export function webTrust(system: boolean, anchors: readonly string[]): tls.SecureContext {
  const own = anchors.flatMap((pem) => derOf(pem, 'CERTIFICATE', 'trust-anchor-malformed'));
  return tls.createSecureContext({
    ca: [...(system ? systemAnchors() : []), ...own].map(toPem),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION,
  });
}

/** Connects and completes the TLS handshake. @throws HttpsError, with any condition once `stop` has fired */
export async function connectTo(
  server: WebServer,
  parts: ConnectionParts,
  stop: AbortSignal,
  options: LookUpOptions,
): Promise<tls.TLSSocket> {
  const addresses = await addressesOf(server.host, parts, stop, options);
  const socket = await openSocket(addresses, server.port, parts.clock, stop);
  return shakeHands(socket, server.host, parts.trust, stop);
}

async function addressesOf(
  host: string,
  { resolver, isAllowed }: ConnectionParts,
  stop: AbortSignal,
  options: LookUpOptions,
): Promise<readonly AddressRecord[]> {
  const { status, records, reason } = await resolver.addresses(host, stop, options);
  const why = reason === undefined ? '' : `: ${reason}`;
  if (status === 'bogus') throw new HttpsError('address-bogus', `the addresses of ${host} are bogus${why}`);
  if (status === 'error') throw new HttpsError('address-unknown', `no answer on the addresses of ${host}${why}`);
  if (records.length === 0) throw new HttpsError('no-address', `${host} has no address`);
  const allowed = records.filter(({ address }) => isAllowed(address));
  if (allowed.length === 0) {
    const which = records.map(({ address }) => address).join(', ');
    throw new HttpsError('private-address', `not of the public Internet: ${which}`);
  }
  return allowed.slice(0, MAX_ADDRESSES);
}

function openSocket(
  addresses: readonly AddressRecord[],
  port: number,
  clock: Clock,
  stop: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const cancel = raceAddresses<Socket>({
      addresses,
      clock,
      attemptDelayMs: ATTEMPT_DELAY_MS,
      attempt: ({ address }, connected, failed) => {
        // An address, not a name: only what was allowed is dialled, not the result of a second look-up.
        const socket = connectTcp({ host: address, port, noDelay: true });
        socket.once('connect', () => connected(socket));
        socket.once('error', (error) => failed(tcpFault(error)));
        return () => socket.destroy();
      },
      won: (socket) => {
        stop.removeEventListener('abort', giveUp);
        resolve(socket);
      },
      lost: (failures) => {
        stop.removeEventListener('abort', giveUp);
        const tried = failures.map(({ address, fault }) => `${address.address} ${fault.condition}`);
        reject(new HttpsError('unreachable', `port ${port}: ${tried.join(', ')}`));
      },
    });
    const giveUp = (): void => {
      cancel();
      reject(new HttpsError('cancelled', 'while connecting'));
    };
    if (stop.aborted) giveUp();
    else stop.addEventListener('abort', giveUp, { once: true });
  });
}

function shakeHands(socket: Socket, host: string, trust: tls.SecureContext, stop: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({
      socket,
      secureContext: trust,
      rejectUnauthorized: true,
      checkServerIdentity: (_, { raw }) => identityProblem(raw, host),
      ALPNProtocols: ['http/1.1'],
      // SNI is never an IP literal (RFC 6066 §3).
      ...(isIpLiteral(host) ? {} : { servername: host }),
    });
    const settle = (error: Error | null): void => {
      stop.removeEventListener('abort', giveUp);
      secured.off('close', closed);
      if (error === null) {
        resolve(secured);
      } else {
        secured.destroy();
        reject(handshakeError(error));
      }
    };
    const giveUp = (): void => settle(new HttpsError('cancelled', 'during the TLS handshake'));
    const closed = (): void => settle(new HttpsError('connection-closed', 'closed during the TLS handshake'));
    secured.once('secureConnect', () => settle(null));
    secured.once('close', closed);
    secured.on('error', settle); // stays: until the socket is read, errors have no other listener
    if (stop.aborted) giveUp();
    else stop.addEventListener('abort', giveUp, { once: true });
  });
}

/**
 * Only subjectAltName counts, and no wildcard that is a part of a label (RFC 9525 §6). Node's own check would fall back
 * to the common name.
 */
function identityProblem(der: Uint8Array, host: string): Error | undefined {
  try {
    const { dnsNames, ipAddresses } = readCertificate(der).presented;
    const names = isIpLiteral(host)
      ? ipAddresses.some((address) => canonicalDomain(address) === host)
      : dnsNames.some((name) => dnsNameMatches(name, host));
    if (names) return undefined;
    const presented = [...dnsNames, ...ipAddresses].join(', ') || 'nothing';
    return new HttpsError('web-certificate-name-mismatch', `the certificate names ${presented}, not ${host}`);
  } catch (error) {
    return new HttpsError('web-certificate-invalid', String(error), { cause: error });
  }
}

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
