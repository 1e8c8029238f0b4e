/** From the SYN to the stream header: whether there is an XMPP server at all, and the right one. */
import { limits } from '../../machines/limits.ts';
import { freePort } from '../support/processes.ts';
import { blockedPort } from './blocked-port.ts';
import { type Case, LATE_MS } from './case.ts';
import { header } from '../support/simulation-peer.ts';
import { Caller, farEnd, scripted, sends, silentAfter } from './far-ends.ts';
import { A, B, type Stage } from './stage.ts';

const section = 'Connection (RFC 6120 §3, §4)';

const elsewhere = `${header(`from='${B}' to='${A}' id='x'`)}<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>other.example:5270</see-other-host></stream:error></stream:stream>`;

export const connection: readonly Case[] = [
  {
    ...{ section, name: 'nothing listens at the port' },
    produce: async (stage) => {
      stage.publish([B], await freePort());
      return sends(stage);
    },
    expect: {
      ...{ state: 'connecting', mover: 'peer', diagnosis: 'failed' },
      cause: /Nothing listens at xmpp\.example port \d+/,
      fix: /Start the server, .*publish the port/,
    },
  },
  {
    ...{ section, name: 'a firewall drops every SYN', lateMs: LATE_MS },
    produce: async (stage) => {
      stage.publish([B], await blockedPort(stage));
      return sends(stage);
    },
    expect: {
      ...{ state: 'connecting', mover: 'peer', diagnosis: 'connection-silent' },
      cause: /has not answered the connection attempt for 7 s, as if a firewall dropped it/,
      fix: /Open TCP port \d+ .* in its firewall/,
    },
    over: {
      ...{ state: 'connecting', mover: 'peer', diagnosis: 'failed' },
      cause: /does not answer at all: packets to it are dropped/,
      fix: /Open TCP port \d+ .* in its firewall/,
    },
  },
  {
    ...{ section, name: 'the connection is closed without a word' },
    produce: async (stage) => {
      await farEnd(stage, { closes: true });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /accepted the connection and closed it without a word/,
      fix: /access lists, limits per address, a proxy whose backend is down, or a port that wants TLS from the first byte/,
    },
  },
  {
    ...{ section, name: 'a web server stands at the port' },
    produce: async (stage) => {
      await farEnd(stage, { banner: 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n' });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /is not an XMPP stream|is not an XMPP server|is a web server/,
      fix: /SRV record name (the port of )?the XMPP server/,
    },
  },
  {
    ...{ section, name: 'the far end names another host (see-other-host)' },
    produce: async (stage) => {
      await farEnd(stage, { banner: elsewhere });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'failed' },
      cause: /says that b\.example is served elsewhere \(other\.example:5270\); that is not followed here/,
      fix: /Have the SRV record of b\.example name other\.example:5270/,
    },
  },
  {
    ...{ section, name: 'who connects sends no XMPP' },
    produce: async (stage) => {
      const at = await stage.provider();
      const { stream } = await Caller.of(stage, at);
      stream.write('GET / HTTP/1.1\r\n\r\n');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /^What whoever connected sent us is not an XMPP stream: /,
      fix: /nothing needs to be done: ports get scanned/,
    },
  },
  {
    ...{ section, name: 'who connects is a client' },
    produce: async (stage) => {
      const at = await stage.provider();
      const { stream } = await Caller.of(stage, at);
      stream.write(header(`to='${A}'`).replace("'jabber:server'", "'jabber:client'"));
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /^A client has connected to the port for servers/,
      fix: /port for clients, usually 5222/,
    },
  },
  {
    ...{ section, name: 'who connects wants a domain that is not served here' },
    produce: async (stage) => {
      const at = await stage.provider();
      const { stream } = await Caller.of(stage, at);
      stream.write(header(`from='${B}' to='c.example'`));
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'operator', diagnosis: 'failed' },
      cause: /connected to us for a domain that is not served here \(.*c\.example/,
      fix: /Add that domain to the hosts or components here/,
    },
  },
  {
    ...{ section, name: 'the far end does not serve the domain that we assert ourselves to' },
    produce: async (stage) => {
      await farEnd(stage, { dialback: 'error item-not-found' });
      return sends(stage, { manager: { policy: { federation: 'encrypted' } } });
    },
    expect: {
      ...{ state: 'established.open', mover: 'peer', diagnosis: 'failed' },
      cause: /The server at xmpp\.example port \d+ does not serve b\.example/,
      fix: /Add b\.example to the hosts of that server/,
    },
  },
  {
    ...{ section, name: 'who connects sends what is no XML' },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.header();
      caller.stream.write('<a></b>');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ state: 'tlsNegotiation.awaitingStartTls', mover: 'peer', diagnosis: 'failed' },
      cause: /^What b\.example sent us is not an XMPP stream: not-well-formed/,
      fix: /log of the server of b\.example/,
    },
  },
  {
    ...{ section, name: 'a port for direct TLS is published as one for STARTTLS' },
    produce: async (stage) => {
      await farEnd(stage, { tls: 'direct' }, 'starttls');
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /closed it without a word|speaks TLS from the first byte/,
      fix: /TLS from the first byte|_xmpps-server/,
    },
  },
  {
    ...{ section, name: 'no answer to the stream header', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 0),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause: /accepted the connection, and has not answered our stream header for 7 s/,
      fix: /If the port speaks TLS from the first byte, publish it under .*direct TLS; else look at the log/,
    },
    over: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /accepted the connection but said nothing in time/,
      fix: /If the port speaks TLS from the first byte/,
    },
  },
  {
    ...{ section, name: 'a header, and no features', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 1),
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'features-silent' },
      cause: /answered our header, and has offered no features for 7 s\.$/,
      fix: /Look at the log of that server/,
    },
  },
  {
    ...{ section, name: 'the server does not know the domain' },
    produce: async (stage) => {
      await farEnd(stage, { streamError: 'host-unknown' });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'failed' },
      cause: /does not serve b\.example/,
      fix: /Add b\.example to the hosts of that server; or have the SRV record name the server that serves it/,
    },
  },
  {
    ...{ section, name: 'the server shuts us out by name' },
    produce: async (stage) => {
      await farEnd(stage, { streamError: 'policy-violation' });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'operator', diagnosis: 'failed' },
      cause: /does not talk to a\.example: policy-violation/,
      fix: /Ask its operator: our domain is on a list there/,
    },
  },
  {
    ...{ section, name: 'the server is going down' },
    produce: async (stage) => {
      await farEnd(stage, { streamError: 'system-shutdown' });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'failed' },
      cause: /cannot take the stream now: system-shutdown/,
      fix: /Try again later; if it persists, look at the log/,
    },
  },
  {
    ...{ section, name: 'a server for clients answers: another content namespace' },
    produce: async (stage) => {
      await farEnd(stage, { contentNamespace: 'jabber:client' });
      return sends(stage);
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /is a port for clients, and not for servers/,
      fix: /SRV record name the port for servers: .* 5269/,
    },
  },
  {
    ...{ section, name: 'one target is dead, and the next is silent', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 0, {}, deadFirst),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause: /has not answered our stream header/,
      fix: /look at the log of the server/,
    },
  },
  {
    ...{ section, name: 'what was closed without a word is tried again, and has hardly begun', lateMs: 1_000 },
    produce: async (stage) => {
      const streams = await scripted(stage, (stream) => {
        if (stream === streams[0] && stream.heard !== '') stream.destroy();
      });
      const produced = await sends(stage);
      const isTold = (): boolean => produced.at.explain().some(({ fault }) => fault !== null);
      await stage.until(isTold, () => JSON.stringify(produced.at.explain(), null, 1));
      await stage.pass(limits.backoffMs);
      produced.at.send(A, B);
      return produced;
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'tried-again' },
      cause: /^It is being tried again, .*for 1 s\. The last attempt failed: .*closed it without a word/,
      fix: /access lists, limits per address/,
    },
    over: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /accepted the connection but said nothing in time/,
      fix: /look at the log/,
    },
  },
  {
    ...{ section, name: 'four targets were silent, and the fifth is tried', lateMs: 4 * limits.headerMs + 4_000 },
    produce: (stage) => silentAfter(stage, 0, {}, (at) => targets(at, 5)),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'targets-tried' },
      cause:
        /^4 attempts have failed\. The last failure: target-3\.example port \d+ accepted the connection but said nothing in time.* Now target-4\.example port \d+ is tried/,
      fix: /look at the log of the server/,
    },
  },
  {
    ...{ section, name: 'stanzas have waited for as long as they may, and there are targets left', goesOn: true },
    produce: async (stage) => {
      const produced = await silentAfter(stage, 0, {}, (at) => targets(at, 10));
      await stage.pass(limits.routeMs + 1_000);
      return produced;
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause:
        /No stream to b\.example was established in the time that stanzas may wait; the last target tried was target-8\.example/,
      fix: /shows how far a stream comes now; remove targets that do not answer from its SRV records/,
    },
  },
];

const NAME = `_xmpp-server._tcp.${B}`;
const never = new AbortController().signal;

async function deadFirst({ resolver }: Stage): Promise<void> {
  const { records } = await resolver.srv(NAME, never);
  const dead = { priority: 0, weight: 0, port: await freePort(), target: 'dead.example' };
  resolver.set(NAME, { srv: [dead, ...records.map((record) => ({ ...record, priority: 10 }))] });
  resolver.set('dead.example', { addresses: [{ family: 4, address: '127.0.0.1' }] });
}

/** Publishes the same server under `count` names. */
async function targets({ resolver }: Stage, count: number): Promise<void> {
  const { records } = await resolver.srv(NAME, never);
  const names = Array.from({ length: count }, (_, index) => `target-${index}.example`);
  resolver.set(NAME, {
    srv: names.flatMap((target, priority) => records.map((record) => ({ ...record, priority, target }))),
  });
  for (const name of names) resolver.set(name, { addresses: [{ family: 4, address: '127.0.0.1' }] });
}
