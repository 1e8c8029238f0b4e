/** SASL EXTERNAL: whether the initiating server is believed for its certificate. */
import { silentServer } from '../support/silent-server.ts';
import { type Case, LATE_MS } from './case.ts';
import { Caller, farEnd, good, scripted, sends, silentAfter } from './far-ends.ts';
import { A, B, stranger } from './stage.ts';

const section = 'SASL EXTERNAL (RFC 6120 §6, XEP-0178)';

const SASL = { state: 'authentication.saslExternal', mover: 'peer' } as const;
const UNPROVED = { state: 'authentication.awaitingAuthentication', mover: 'peer' } as const;

const external = (authzid: string): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${Buffer.from(authzid).toString('base64')}</auth>`;

export const sasl: readonly Case[] = [
  {
    ...{ section, name: 'no header under TLS', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 4),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause: /has finished TLS, and has not answered our stream header under TLS for 7 s/,
      fix: /it hangs where it restarts the stream/,
    },
    over: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'failed' },
      cause: /finished TLS, but did not answer the stream header under TLS in time/,
      fix: /it hangs where it restarts the stream/,
    },
  },
  {
    ...{ section, name: 'no features under TLS: it looks into what proves us', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 5),
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'features-silent' },
      cause: /has offered no features for 7 s: under TLS many servers first check what proves a\.example/,
      fix: /it may be waiting for DNS or HTTPS answers about us/,
    },
    over: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'failed' },
      cause: /answered, and then said nothing more in time/,
      fix: /it may be waiting for DNS or HTTPS answers about us/,
    },
  },
  {
    ...{ section, name: 'no answer to <auth/>', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 6),
    expect: {
      ...{ ...SASL, diagnosis: 'sasl-silent' },
      cause: /offered SASL EXTERNAL, and has not said for 7 s whether it accepts our certificate for a\.example/,
      fix: /log of that server for a\.example; it may wait for our DNS, our POSH document, or OCSP/,
    },
    over: {
      ...{ ...SASL, diagnosis: 'failed' },
      cause: /did not say in time whether it accepts our certificate/,
      fix: /log of that server for a\.example/,
    },
  },
  {
    ...{ section, name: 'no header after <success/>', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 7),
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause: /has accepted our certificate \(SASL EXTERNAL\), and has not answered our stream header after it for 7 s/,
      fix: /it hangs where it restarts the stream/,
    },
  },
  {
    ...{ section, name: 'no features after <success/>', lateMs: LATE_MS },
    produce: (stage) => silentAfter(stage, 8),
    expect: {
      ...{ state: 'streamHeaders.awaitingFeatures', mover: 'peer', diagnosis: 'features-silent' },
      cause: /has accepted our certificate \(SASL EXTERNAL\), .*no features for 7 s\.$/,
      fix: /Look at the log of that server/,
    },
  },
  {
    ...{ section, name: 'EXTERNAL is refused, and there is no dialback' },
    produce: async (stage) => {
      await farEnd(stage, { external: 'refused', dialback: null });
      return sends(stage);
    },
    expect: {
      ...{ ...SASL, mover: 'operator', diagnosis: 'failed' },
      cause: /did not accept our certificate for a\.example \(SASL EXTERNAL\): not-authorized/,
      fix: /the certificate has to name a\.example, and its chain has to be complete/,
    },
  },
  {
    ...{ section, name: 'the stream is closed at <auth/>' },
    produce: async (stage) => {
      const speaks = silentServer(6);
      await scripted(stage, (stream) => {
        speaks(stream);
        if (stream.isSecured && stream.heard.includes('<auth')) stream.destroy();
      });
      return sends(stage);
    },
    expect: {
      ...{ ...SASL, diagnosis: 'failed' },
      cause: /offered SASL EXTERNAL, and closed the stream when we used it as a\.example/,
      fix: /log of that server for a\.example/,
    },
  },
  {
    ...{ section, name: 'neither EXTERNAL nor dialback is offered' },
    produce: async (stage) => {
      await farEnd(stage, { external: 'absent', dialback: null });
      return sends(stage);
    },
    expect: {
      ...{ state: 'authentication.decidingMethod', mover: 'operator', diagnosis: 'failed' },
      cause: /offers a\.example no way to prove itself: neither SASL EXTERNAL nor dialback/,
      fix: /one with the dNSName a\.example, from a public authority, with its chain; or the far end has to allow dialback/,
    },
  },
  {
    ...{
      section,
      name: 'who connects is not offered EXTERNAL, for nobody knows its authority, and stays',
      lateMs: LATE_MS,
    },
    produce: async (stage) => {
      const at = await stage.provider();
      const { cert, key } = stranger.issue({ dnsNames: [B] });
      await (await Caller.of(stage, at)).secured({ cert: cert + stranger.certPem, key });
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, diagnosis: 'initiator-silent' },
      cause:
        /has not proved itself for 7 s\. SASL EXTERNAL was not offered to it, and it has not asserted itself by dialback\. .*not trusted here/,
      fix: /from a public authority; or trust that one here/,
    },
    over: {
      ...{ ...UNPROVED, diagnosis: 'failed' },
      cause: /authority that is not trusted here/,
      fix: /from a public authority; or trust that one here/,
    },
  },
  {
    ...{ section, name: 'who connects does not believe our certificate, and leaves' },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(good);
      const text = `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>the certificate names mallory.example</text>`;
      const error = `<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>${text}`;
      await caller.says(`<stream:error>${error}</stream:error></stream:stream>`, '</stream:stream>');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, mover: 'operator', diagnosis: 'failed' },
      cause:
        /^b\.example connected to us, saw our certificate, and left: it does not believe that this is a\.example \(.*mallory/,
      fix: /Show a certificate here that names a\.example, and that others trust: "xmpp-dna check a\.example"/,
    },
  },
  {
    ...{ section, name: 'who connects shows no certificate, and leaves' },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(null);
      caller.stream.destroy();
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, diagnosis: 'failed' },
      cause: /b\.example .*showed no certificate/,
      fix: /a certificate with the dNSName b\.example/,
    },
  },
  {
    ...{ section, name: 'who connects is offered EXTERNAL, and does not use it', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      await (await Caller.of(stage, at)).secured(good);
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, diagnosis: 'initiator-silent' },
      cause: /^b\.example has connected to us, and has not proved itself for 7 s\.$/,
      fix: /log of the server that connects/,
    },
  },
  {
    ...{ section, name: 'who connects names another identity than its domain, and leaves' },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(good);
      await caller.says(external('else.example'), '<failure');
      caller.stream.destroy();
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, diagnosis: 'failed' },
      cause:
        /^b\.example asked us for SASL authentication, and was refused, because it named an identity other than the domain of its stream \(invalid-authzid\)/,
      fix: /with b\.example or nothing \("="\) as its authorization identity/,
    },
  },
  {
    ...{ section, name: 'who connects asks for another mechanism, and stays', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(good);
      await caller.says(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>`, '<failure');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...UNPROVED, diagnosis: 'initiator-silent' },
      cause: /has not proved itself for 7 s\. b\.example asked us for SASL authentication, and .*another mechanism/,
      fix: /use the mechanism EXTERNAL/,
    },
    over: {
      ...{ ...UNPROVED, diagnosis: 'failed' },
      cause: /asked for another mechanism, which was not offered \(invalid-mechanism\)/,
      fix: /use the mechanism EXTERNAL/,
    },
  },
  {
    ...{ section, name: 'who connects does not answer our challenge', lateMs: LATE_MS },
    produce: async (stage) => {
      const at = await stage.provider();
      const caller = await Caller.of(stage, at);
      await caller.secured(good);
      await caller.says(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>`, '<challenge');
      return { at, direction: 'incoming' };
    },
    expect: {
      ...{ ...SASL, diagnosis: 'initiator-silent' },
      cause: /^b\.example has connected to us, and we have waited for <response\/> for 7 s/,
      fix: /log of the server that connects/,
    },
  },
  {
    ...{ section, name: 'we are not offered EXTERNAL: the far end of our kind does not know our authority' },
    produce: async (stage) => {
      const other = await stage.provider({ hosts: [B] });
      const produced = await sends(stage, { credential: stranger.issue({ dnsNames: [A] }) });
      return { ...produced, other };
    },
    expect: {
      ...{ state: 'established.open', mover: 'operator', diagnosis: 'failed' },
      cause:
        /does not accept a\.example by dialback: not-authorized \(a strong proof is required here: pkix: unknown-issuer\)/,
      fix: /Have our certificate accepted \(SASL EXTERNAL\)/,
    },
  },
];
