/** Dialback: the originating half, the far end's half at our authoritative side, and messages lost between them. */
import { DIALBACK_FEATURE, features } from '../support/simulation-peer.ts';
import { silentServer } from '../support/silent-server.ts';
import { freePort } from '../support/processes.ts';
import { blockedPort } from './blocked-port.ts';
import { type Case, LATE_MS, type Produced } from './case.ts';
import { Caller, farEnd, scripted, sends } from './far-ends.ts';
import { A, B, type Provider, type ProviderOptions, type Stage, standing } from './stage.ts';

const section = 'Dialback (XEP-0220, RFC 7712 §4)';

const ASKED = { state: 'awaitingAnswer', mover: 'peer' } as const;
const UNREACHED = { state: 'awaitingAnswer', mover: 'operator', diagnosis: 'key-not-asked-for' } as const;
const VERIFYING = { state: 'established.verifying', mover: 'peer', diagnosis: 'verify-unanswered' } as const;
/** The state of the stream that brought the assertion. */
const CAME = { state: 'authentication.awaitingAuthentication', mover: 'peer' } as const;
const FAILED = { state: 'established.open', mover: 'operator', diagnosis: 'failed' } as const;

const byDialback = { policy: { federation: 'encrypted', prooftypes: ['pkix', 'dialback'] } } as const;

/** a.example shows no certificate as a client, and asserts itself to b.example by dialback. */
async function asserts(
  stage: Stage,
  {
    a = {},
    b = {},
    before = () => Promise.resolve(),
  }: {
    a?: ProviderOptions;
    b?: ProviderOptions;
    before?: (at: Provider, other: Provider) => Promise<void> | void;
  } = {},
): Promise<Produced> {
  const other = await stage.provider({ hosts: [B], manager: byDialback, ...b });
  const at = await stage.provider({ manager: byDialback, showsAsClient: false, ...a });
  await before(at, other);
  at.send(A, B);
  return { at, other, local: A, remote: B };
}

const swallows = (what: RegExp) => ({ onTheWay: (text: string) => text.replace(what, '') });
/** Requests have no type. */
const QUESTION = {
  result: /<db:result (?![^>]*type=)[^>]*>[^<]*<\/db:result>/,
  verify: /<db:verify (?![^>]*type=)[^>]*>[^<]*<\/db:verify>/,
};
const ANSWER = { result: /<db:result [^>]*type=[^>]*\/>/, verify: /<db:verify [^>]*type=[^>]*\/>/ };

const REACH_US = /Have the server of a\.example run, and let it be reached from outside/;
const LOST =
  /has not even connected to us\. Either it does not reach the servers .*, or our db:result has not reached it/;

export const dialback: readonly Case[] = [
  {
    ...{ section, name: 'stanzas come from one who was never verified' },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(null);
      await caller.says(`<message from='juliet@${B}' to='romeo@${A}'><body>!</body></message>`, '</stream:stream>');
      return { at, direction: 'incoming', local: A, remote: B };
    },
    expect: {
      ...{ ...CAME, diagnosis: 'failed' },
      cause: /connected to us and showed no certificate, .* dialback did not prove it either/,
      fix: /Have the server that connected present its certificate on outgoing connections as well/,
    },
  },
  {
    ...{ section, name: 'db:result is lost on its way', lateMs: LATE_MS },
    produce: (stage) => asserts(stage, { a: swallows(QUESTION.result) }),
    expect: {
      ...UNREACHED,
      cause:
        /was sent our db:result 7 s ago, .*has not asked us .*has not even connected to us\. Either .*, or our db:result has not reached it/,
      fix: /let it be reached from outside.* says whether our db:result arrived/,
    },
    joined: {
      id: 'sent-not-seen',
      cause: /a\.example sent db:result from a\.example to b\.example, and b\.example never saw it/,
      fix: /what drops it between/,
    },
    over: {
      ...{ ...FAILED, diagnosis: 'key-not-asked-for' },
      cause: /never answered our db:result, and never asked us whether the key is ours/,
      fix: REACH_US,
    },
  },
  {
    ...{ section, name: 'db:verify is lost on its way, on a stream that stands', lateMs: LATE_MS },
    produce: (stage) =>
      asserts(stage, {
        b: swallows(QUESTION.verify),
        before: async (at, other) => {
          other.send(B, A);
          await standing(stage, at, 'receivingStream');
          await stage.pass(LATE_MS);
        },
      }),
    expect: {
      ...{ ...ASKED, diagnosis: 'key-not-asked-for' },
      cause: /it has reached us \(stream:\d+\), and its question \(db:verify\) has not arrived/,
      fix: /the question was lost on its way/,
    },
  },
  {
    ...{ section, name: 'a firewall drops what goes to our authoritative server', lateMs: LATE_MS },
    produce: (stage) =>
      asserts(stage, {
        before: async () => stage.publish([A], await blockedPort(stage), { target: 'blocked.example' }),
      }),
    expect: { ...UNREACHED, cause: LOST, fix: REACH_US },
    far: {
      ...{ state: 'connecting', mover: 'peer', diagnosis: 'connection-silent' },
      cause: /blocked\.example port \d+ has not answered the connection attempt for 7 s/,
      fix: /Open TCP port \d+/,
    },
    over: {
      ...FAILED,
      cause: /could not ask the server of a\.example whether our key is right: remote-connection-failed/,
      fix: REACH_US,
    },
  },
  {
    ...{ section, name: 'nothing listens where our authoritative server should' },
    produce: (stage) => asserts(stage, { before: async () => stage.publish([A], await freePort()) }),
    expect: {
      ...FAILED,
      cause: /could not ask the server of a\.example whether our key is right: remote-connection-failed/,
      fix: REACH_US,
    },
    far: {
      ...{ ...CAME, diagnosis: 'authoritative-server-failed' },
      cause:
        /^a\.example asserts itself by dialback, and its authoritative server could not be asked .*Nothing listens at/,
      fix: /Start the server/,
    },
  },
  {
    ...{ section, name: 'the DNS does not know our domain' },
    produce: (stage) => asserts(stage, { a: { isPublished: false } }),
    expect: {
      ...FAILED,
      cause: /could not ask the server of a\.example whether our key is right/,
      fix: /"xmpp-dna check a\.example" shows what others see/,
    },
    far: {
      ...{ ...CAME, diagnosis: 'authoritative-server-failed' },
      cause: /^a\.example asserts itself .*has neither SRV records nor an address/,
      fix: /Publish an SRV record .*_xmpp-server\._tcp\.a\.example/,
    },
  },
  {
    ...{ section, name: 'db:verify is lost on its way', lateMs: LATE_MS },
    produce: (stage) => asserts(stage, { b: swallows(QUESTION.verify) }),
    expect: {
      ...{ ...ASKED, diagnosis: 'key-not-asked-for' },
      cause: /has reached us \(stream:\d+\), and its question .* has not arrived/,
      fix: /log of that server.*two traces/,
    },
    far: {
      ...VERIFYING,
      cause:
        /authoritative server of a\.example .* has been asked whether the key is its own, and has not answered for 7 s/,
      fix: /log of the server of a\.example: answering db:verify is a mere computation/,
    },
    joined: {
      id: 'sent-not-seen',
      cause: /b\.example sent db:verify from b\.example to a\.example, and a\.example never saw it/,
      fix: /what drops it between/,
    },
  },
  {
    ...{ section, name: 'db:verify goes out on a stream of stanzas, and is lost on its way', lateMs: LATE_MS },
    produce: async (stage) => {
      const other = await stage.provider({ hosts: [B], manager: byDialback, ...swallows(QUESTION.verify) });
      const at = await stage.provider({ manager: byDialback, showsAsClient: false });
      other.send(B, A);
      await standing(stage, other, 'initiatingStream');
      at.send(A, B);
      return { at, other, local: A, remote: B };
    },
    expect: {
      ...{ ...ASKED, diagnosis: 'key-not-asked-for' },
      cause: /has reached us \(stream:\d+\), and its question .* has not arrived/,
      fix: /log of that server.*two traces/,
    },
    far: {
      ...{ ...VERIFYING, state: 'awaitingVerifyAnswer' },
      cause:
        /authoritative server of a\.example .* has been asked whether the key is its own, and has not answered for 7 s/,
      fix: /log of the server of a\.example: answering db:verify is a mere computation/,
    },
  },
  {
    ...{ section, name: 'the answer to db:verify is lost on its way', lateMs: LATE_MS },
    produce: (stage) => asserts(stage, { a: swallows(ANSWER.verify) }),
    expect: {
      ...{ ...ASKED, diagnosis: 'result-unanswered' },
      cause:
        /has asked us whether the key is ours, and we have answered that it is valid; it has not told us its verdict/,
      fix: /log of that server: it has everything that it needs/,
    },
    far: { ...VERIFYING, cause: /has not answered for 7 s/, fix: /log of the server of a\.example/ },
    joined: {
      id: 'sent-not-seen',
      cause: /a\.example sent db:verify from a\.example to b\.example \(valid\), and b\.example never saw it/,
      fix: /what drops it between/,
    },
    over: {
      ...{ ...FAILED, mover: 'peer', diagnosis: 'key-contested' },
      cause:
        /We have told b\.example that the key is valid, and it says that it could not find out: remote-server-timeout\. Our answer was lost or altered/,
      fix: /two traces/,
    },
  },
  {
    ...{ section, name: 'the answer to db:result is lost on its way', lateMs: LATE_MS },
    produce: (stage) => asserts(stage, { b: swallows(ANSWER.result) }),
    expect: {
      ...{ ...ASKED, diagnosis: 'result-unanswered' },
      cause: /we have answered that it is valid; it has not told us its verdict/,
      fix: /log of that server: it has everything that it needs/,
    },
    joined: {
      id: 'sent-not-seen',
      cause: /b\.example sent db:result from b\.example to a\.example \(valid\), and a\.example never saw it/,
      fix: /what drops it between/,
    },
    over: {
      ...{ ...FAILED, mover: 'peer', diagnosis: 'result-unanswered' },
      cause:
        /b\.example never answered our db:result, though it has asked us about the key and we have answered that it is valid/,
      fix: /log of that server: it has everything that it needs/,
    },
  },
  {
    ...{ section, name: 'the DNS does not answer the far end about us', lateMs: LATE_MS },
    produce: (stage) => asserts(stage, { before: () => stage.resolver.silence(`_xmpp-server._tcp.${A}`) }),
    expect: { ...UNREACHED, cause: LOST, fix: REACH_US },
    far: {
      ...{ state: 'awaitingServiceRecords', mover: 'dns', diagnosis: 'dns-silent' },
      cause: /The DNS has not answered for a\.example \(its SRV records\) for 7 s/,
      fix: /Look at the name servers of the zone/,
    },
  },
  {
    ...{ section, name: 'our authoritative server has another secret' },
    produce: async (stage) => {
      const produced = await asserts(stage, {
        a: { isPublished: false },
        before: async () => {
          await stage.provider({ manager: byDialback });
        },
      });
      return produced;
    },
    expect: {
      ...{ ...FAILED },
      cause: /The server that answers for a\.example in the DNS did not know our dialback key/,
      fix: /the same dialback\.secret on every server that answers for the domain/,
    },
    far: {
      ...{ ...CAME, diagnosis: 'failed' },
      cause: /The server that connected claims to be a\.example; the authoritative server .* does not know the key/,
      fix: /all need the same dialback secret; if its operator knows nothing of this, somebody else claims its name/,
    },
  },
  {
    ...{ section, name: 'the key is changed on its way' },
    produce: (stage) =>
      asserts(stage, {
        a: { onTheWay: (text) => text.replace(/(<db:result (?![^>]*type=)[^>]*>)[^<]{8}/, '$1deadbeef') },
      }),
    expect: {
      ...{ ...FAILED, mover: 'peer', diagnosis: 'key-contested' },
      cause: /We ourselves have told b\.example that the key is not ours: it is not the one that we sent/,
      fix: /two traces|both ends/,
    },
  },
  {
    ...{ section, name: 'our confirmation is changed on its way' },
    produce: (stage) =>
      asserts(stage, { a: { onTheWay: (text) => text.replace(/(<db:verify [^>]*type=['"])valid/, '$1invalid') } }),
    expect: {
      ...{ ...FAILED, mover: 'peer', diagnosis: 'key-contested' },
      cause: /We have told b\.example that the key is valid, and it says that it is not/,
      fix: /two traces|both ends/,
    },
  },
  {
    ...{ section, name: 'the far end refuses dialback' },
    produce: async (stage) => {
      await farEnd(stage, { dialback: 'error not-acceptable' });
      return sends(stage);
    },
    expect: {
      ...FAILED,
      cause: /does not accept a\.example by dialback: not-acceptable/,
      fix: /Have our certificate accepted \(SASL EXTERNAL\)/,
    },
  },
  {
    ...{ section, name: 'the stream is closed while db:result waits' },
    produce: async (stage) => {
      await scripted(stage, dialbackServer('closes'));
      return sends(stage, { showsAsClient: false });
    },
    expect: {
      state: 'established.open',
      mover: 'peer',
      diagnosis: 'failed',
      cause: /closed the stream without answering our db:result/,
      fix: /log of that server/,
    },
  },
  {
    ...{ section, name: 'who connects asserts itself to a domain that is not ours' },
    produce: async (stage) => {
      const at = await stage.provider({ manager: byDialback });
      const caller = await Caller.of(stage, at);
      await caller.secured(null);
      await caller.says(`<db:result from='${B}' to='c.example'>0123456789abcdef</db:result>`, 'db:result');
      return { at, direction: 'incoming', remote: B };
    },
    expect: {
      ...{ state: 'authentication.awaitingAuthentication', mover: 'operator', diagnosis: 'failed' },
      cause: /b\.example asserts itself to c\.example, which is not served here/,
      fix: /Add c\.example to the hosts or components here; or have the DNS of c\.example name the server/,
    },
  },
  {
    ...{ section, name: 'so many domains of ours are asserted that one waits for its turn', lateMs: LATE_MS },
    produce: async (stage) => {
      await scripted(stage, dialbackServer('keeps silent'));
      const hosts = [A, ...Array.from({ length: 80 }, (_, index) => `s${index}.example`)];
      const at = await stage.provider({ hosts, showsAsClient: false });
      for (const host of hosts) at.send(host, B);
      return { at, local: 's79.example', remote: B };
    },
    expect: {
      ...{ state: 'piggybackingAssertion.awaitingTurn', mover: 'peer', diagnosis: 'turn-awaited' },
      cause:
        /b\.example has left \d\d of our db:result unanswered, and this one has waited for its turn behind them for 7 s/,
      fix: /Look at one of those that wait for an answer from b\.example/,
    },
  },
  {
    ...{ section, name: 'a second domain waits for the stream that the first is opening', lateMs: LATE_MS },
    produce: async (stage) => {
      await scripted(stage, silentServer(0), [B, 'c.example']);
      const at = await stage.provider();
      at.send(A, B);
      at.send(A, 'c.example');
      return { at, local: A, remote: 'c.example' };
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause: /accepted the connection, and has not answered our stream header for 7 s/,
      fix: /look at the log of the server/,
    },
  },
];

/** Offers only dialback, under TLS; `then` says what it does on `db:result`. */
function dialbackServer(then: 'closes' | 'keeps silent'): Parameters<typeof scripted>[1] {
  const speaks = silentServer(5);
  const offered = new WeakSet<object>();
  return (stream) => {
    speaks(stream);
    if (!stream.isSecured) return;
    if (stream.heard.includes('<db:result')) {
      if (then === 'closes') stream.destroy();
    } else if (!offered.has(stream) && stream.heard.split('<stream:stream').length > 2) {
      offered.add(stream);
      stream.write(features(DIALBACK_FEATURE));
    }
  };
}
