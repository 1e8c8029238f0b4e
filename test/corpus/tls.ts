/** From <starttls/> to the end of the handshake, as the initiating and as the receiving server. */
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { IssueOptions } from '../../src/simulation/certificate-authority.ts';
import { type Case, LATE_MS } from './case.ts';
import { Caller, farEnd, good, sends, silentAfter } from './far-ends.ts';
import { opensslMissing, opensslServer } from './openssl-server.ts';
import { A, authority, B, type Stage, stranger } from './stage.ts';

const section = 'TLS (RFC 6120 §5, XEP-0368)';

const PROCEED = { state: 'tlsNegotiation.awaitingProceed', mover: 'peer' } as const;
const HANDSHAKE = { state: 'tlsNegotiation.awaitingHandshake', mover: 'peer' } as const;

export const tls: readonly Case[] = [
  {
    ...{ section, name: 'no answer to <starttls/>', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 2),
    expect: {
      ...{ ...PROCEED, diagnosis: 'proceed-silent' },
      cause: /offers STARTTLS, and has not answered <starttls\/> for 7 s/,
      fix: /log of the server: most often its certificate or key for b\.example cannot be loaded/,
    },
    over: {
      ...{ ...PROCEED, diagnosis: 'failed' },
      cause: /offers STARTTLS and then refuses it, or says nothing more/,
      fix: /its certificate or key for b\.example cannot be loaded/,
    },
  },
  {
    ...{ section, name: 'STARTTLS is offered, and refused' },
    produce: async (stage) => {
      await farEnd(stage, { startTls: 'refused' });
      return sends(stage);
    },
    expect: {
      ...{ ...PROCEED, diagnosis: 'failed' },
      cause: /offers STARTTLS and then refuses it/,
      fix: /its certificate or key for b\.example cannot be loaded/,
    },
  },
  {
    ...{ section, name: 'the server has no TLS' },
    produce: async (stage) => {
      await farEnd(stage, { startTls: 'absent' });
      return sends(stage);
    },
    expect: {
      ...{ ...PROCEED, diagnosis: 'failed' },
      cause: /does not offer STARTTLS, and did not begin TLS when asked anyway; the policy requires TLS/,
      fix: /certificate for b\.example and switch TLS on .*; if it is on, somebody on the way has removed the offer/,
    },
  },
  {
    ...{ section, name: 'somebody on the way takes <starttls/> out', lateMs: LATE_MS },
    produce: async (stage) => {
      const other = await stage.provider({
        hosts: [B],
        onTheWay: (text) => text.replace(/<starttls[^>]*(\/>|>.*?<\/starttls>)/, ''),
      });
      const produced = await sends(stage, { onTheWay: (text) => text.replace(/<starttls[^>]*\/>/, '') });
      return { ...produced, other };
    },
    expect: {
      ...{ ...PROCEED, diagnosis: 'proceed-silent' },
      cause: /offers no STARTTLS, and has not answered when asked to begin TLS all the same/,
      fix: /if it is on, somebody on the way has removed the offer/,
    },
    joined: {
      id: 'altered-on-the-way',
      cause: /b\.example sent .*starttls.*a\.example saw/i,
      fix: /strips <starttls\/>/,
    },
  },
  {
    ...{ section, name: 'no ServerHello', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 3),
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'handshake-silent' },
      cause: /handshake with .* has not finished for 7 s: our ClientHello was sent/,
      fix: /MTU: .*or a proxy in between that waits; then look at the log/,
    },
    over: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /was not finished in time/,
      fix: /MTU: .*or a proxy/,
    },
  },
  {
    ...{ section, name: 'TLS 1.1 at most' },
    produce: async (stage) => {
      await farEnd(stage, { maxVersion: 'TLSv1.1' });
      return sends(stage);
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /speaks no version of TLS that is new enough: at least 1\.2/,
      fix: /Have the server speak TLS 1\.2 and 1\.3\.$/,
    },
  },
  {
    ...{ section, name: 'TLS 1.2, and our policy wants 1.3' },
    produce: async (stage) => {
      await farEnd(stage, { maxVersion: 'TLSv1.2' });
      return sends(stage, { manager: { policy: { minTls: '1.3' } } });
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /at least 1\.3 is required here/,
      fix: /or set minTls to "1\.2" for this domain/,
    },
  },
  {
    ...{ section, name: 'no cipher suite in common' },
    produce: (stage) => tlsServer(stage, { ciphers: 'AES256-SHA', maxVersion: 'TLSv1.2' }),
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /refused the handshake without saying why: .*no cipher suite in common/,
      fix: /whether its certificate and key are loaded, and which suites it takes \(those of RFC 9325 §4\.2/,
    },
  },
  {
    ...{ section, name: 'ALPN is refused: a web server shares the port' },
    produce: (stage) => tlsServer(stage, { ALPNProtocols: ['http/1.1'] }),
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /does not know the protocol "xmpp-server" \(ALPN\)/,
      fix: /or the proxy before it, accept the protocol name "xmpp-server"/,
    },
  },
  {
    ...{ section, name: 'SNI is refused', skip: opensslMissing },
    produce: async (stage) => {
      await opensslServer(stage, '-servername', 'other.example', '-servername_fatal');
      return sends(stage);
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /has no certificate to show for b\.example \(SNI\)/,
      fix: /Give the server a certificate for b\.example/,
    },
  },
  {
    ...{ section, name: 'our certificate has expired, and ends the handshake (TLS 1.2)', skip: opensslMissing },
    produce: (stage) => rejected(stage, '-tls1_2', { notAfter: Date.now() - 86_400_000, eku: null }),
    expect: {
      ...{ state: HANDSHAKE.state, mover: 'operator', diagnosis: 'failed' },
      cause: /ended the handshake because of the certificate that we showed \(.*expired/,
      fix: /^Renew our certificate/,
    },
  },
  {
    ...{ section, name: 'our certificate is for servers alone, and ends the stream (TLS 1.3)', skip: opensslMissing },
    produce: (stage) => rejected(stage, '-tls1_3', { eku: ['serverAuth'] }),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'operator', diagnosis: 'failed' },
      cause: /ended the handshake because of the certificate that we showed \(.*unsupported certificate/,
      fix: /clientAuth/,
    },
  },
  {
    ...{ section, name: 'the authority of our certificate is unknown there (TLS 1.2)', skip: opensslMissing },
    produce: (stage) => rejected(stage, '-tls1_2', { eku: null }, stranger),
    expect: {
      ...{ state: HANDSHAKE.state, mover: 'operator', diagnosis: 'failed' },
      cause: /ended the handshake because of the certificate that we showed \(.*unknown ca/,
      fix: /from an authority that it trusts, with its chain/,
    },
  },
  {
    ...{ section, name: 'a port for STARTTLS is published as one for direct TLS' },
    produce: async (stage) => {
      await farEnd(stage, { tls: 'starttls' }, 'direct');
      return sends(stage);
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'failed' },
      cause: /is published for TLS from the first byte, but does not speak it/,
      fix: /publish it under _xmpp-server\._tcp\.b\.example and remove it from _xmpps-server\._tcp\.b\.example/,
    },
  },
  {
    ...{ section, name: 'a port for direct TLS takes the connection, and says nothing', lateMs: LATE_MS },
    produce: async (stage) => {
      const server = createServer((socket) => socket.on('error', () => undefined).resume());
      stage.atEnd(() => server.close());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      stage.publish([B], (server.address() as AddressInfo).port, { tls: 'direct' });
      return sends(stage);
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'handshake-silent' },
      cause: /has not finished for 7 s/,
      fix: /speaks TLS from the first byte at all .*; if it does, look for a proxy whose backend is down/,
    },
  },
  {
    ...{ section, name: 'our own key is not that of our certificate' },
    produce: async (stage) => {
      await farEnd(stage);
      return sends(stage, { credential: { cert: authority.issue({ dnsNames: [A] }).cert, key: good.key } });
    },
    expect: {
      ...{ state: HANDSHAKE.state, mover: 'operator', diagnosis: 'failed' },
      cause: /Our own certificate or key cannot be used/,
      fix: /cert and key of the host in the configuration/,
    },
  },
  {
    ...{ section, name: 'who connects says nothing at all', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      const { stream } = await Caller.of(stage, at);
      stream.write(' ');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'initiator-silent' },
      cause: /^Somebody has connected to us, and we have waited for the initial header for 7 s/,
      fix: /log of the server that connects/,
    },
    over: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /^Somebody connected to us, and (did not prove itself in time|the stream ended)/,
      fix: /log of the server that connected/,
    },
  },
  {
    ...{ section, name: 'who connects does not begin TLS', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      await (await Caller.of(stage, at)).header();
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'tlsNegotiation.awaitingStartTls', mover: 'peer', diagnosis: 'initiator-silent' },
      cause: /^b\.example has connected to us, and we have waited for <starttls\/> for 7 s/,
      fix: /TLS is required here: switch it on at the server that connects/,
    },
    over: {
      ...{ state: 'tlsNegotiation.awaitingStartTls', mover: 'peer', diagnosis: 'failed' },
      cause: /^b\.example connected to us, and did not begin TLS in time/,
      fix: /TLS is required here: switch it on at the server that connected/,
    },
  },
  {
    ...{ section, name: 'who connects does not finish the handshake', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.header();
      await caller.says(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, '<proceed');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...HANDSHAKE, diagnosis: 'handshake-silent' },
      cause: /^Whoever connected as b\.example has not finished the TLS handshake for 7 s/,
      fix: /log of the server that connected, .*MTU/,
    },
  },
];

/** b.example for direct TLS, served by Node. */
async function tlsServer(
  stage: Stage,
  options: Parameters<typeof createTlsServer>[0],
): Promise<Awaited<ReturnType<typeof sends>>> {
  const server = createTlsServer({ ...good, ...options }).on('tlsClientError', () => undefined);
  stage.atEnd(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stage.publish([B], (server.address() as AddressInfo).port, { tls: 'direct' });
  return sends(stage);
}

/** The far end validates our certificate in the handshake, and ends the handshake with an alert. */
async function rejected(
  stage: Stage,
  version: string,
  certificate: IssueOptions,
  issuer = authority,
): Promise<Awaited<ReturnType<typeof sends>>> {
  await opensslServer(stage, version, '-Verify', '1', '-verify_return_error');
  return sends(stage, { credential: issuer.issue({ dnsNames: [A], ...certificate }) });
}
