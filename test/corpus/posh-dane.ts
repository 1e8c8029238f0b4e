/** POSH over real HTTPS, and DANE in a signed zone: what the domain publishes about the certificate of its server. */
import { createHash } from 'node:crypto';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { createPoshSource } from '../../src/adapters/posh/source.ts';
import { writePoshDocument } from '../../src/protocol/posh.ts';
import type { TlsaRecord } from '../../src/protocol/tlsa.ts';
import {
  answers,
  type Handler,
  redirects,
  says,
  startWeb,
  strangeAuthority,
  type Web,
  webAuthority,
} from '../support/https-server.ts';
import { freePort } from '../support/processes.ts';
import { type Case, type Expected, LATE_MS, type Produced } from './case.ts';
import { farEnd, sends } from './far-ends.ts';
import { signedDns, signedDnsMissing } from './signed-dns.ts';
import { B, type Stage, stranger } from './stage.ts';

/** Proved only by what the domain publishes about it. */
const shown = stranger.issue({ dnsNames: ['xmpp.hoster.example'] });
const shownLeaf = shown.der[0] ?? Buffer.alloc(0);
const other = stranger.issue({ dnsNames: ['other.example'] }).der[0] ?? Buffer.alloc(0);

const POSH = 'POSH (RFC 7711, RFC 7712 §5.2)';
const URL = String.raw`https://b\.example/\.well-known/posh/xmpp-server\.json`;

/** b.example is served with a certificate that names its host; `serve` sets up its web server. */
async function byPosh(stage: Stage, serve: (web: Web) => void, port?: number): Promise<Produced> {
  await farEnd(stage, { credential: shown, external: 'accepted' });
  const web = await startWeb();
  stage.atEnd(() => web.close());
  serve(web);
  const posh = createPoshSource({
    ...{ system: false, anchors: [webAuthority.certPem], allowPrivate: true, port: port ?? web.port },
    ...{ resolver: web.resolver, clock: stage.clock },
  });
  stage.atEnd(() => posh.close());
  return sends(stage, { ports: { posh }, manager: { policy: { prooftypes: ['posh'] } } });
}

const document = (of: Buffer, expires = 3_600): Handler => says(writePoshDocument([readCertificate(of)], expires));

const posh = (name: string, handler: Handler, cause: RegExp, fix: RegExp, made: Partial<Expected> = {}): Case => ({
  ...{ section: POSH, name },
  produce: (stage) => byPosh(stage, (web) => web.serve(B, handler)),
  expect: { state: 'association.decidingProof', mover: 'web', diagnosis: 'failed', cause, fix, ...made },
});

export const poshCases: readonly Case[] = [
  {
    ...{ section: POSH, name: 'the web server takes the request, and does not answer', lateMs: LATE_MS },
    produce: (stage) => byPosh(stage, (web) => web.serve(B, () => undefined)),
    expect: {
      ...{ state: 'awaitingDocument', mover: 'web', diagnosis: 'posh-silent' },
      cause: /web server of b\.example has been asked for its POSH document, and has not answered for 7 s/,
      fix: new RegExp(`Have the web server answer at ${URL}`),
    },
    over: {
      ...{ state: 'association.decidingProof', mover: 'web', diagnosis: 'failed' },
      cause: /The POSH document of b\.example could not be fetched: .*time/,
      fix: new RegExp(`Have the web server answer at ${URL}`),
    },
  },
  posh(
    'the document lists another certificate',
    document(other),
    new RegExp(`document at ${URL} lists other certificates than the one that xmpp\\.example port \\d+ shows`),
    /Put the fingerprint of the certificate in use into the document; before a roll-over, both/,
    { mover: 'peer' },
  ),
  posh(
    'the document is no JSON',
    says('<html>not here</html>'),
    new RegExp(`document at ${URL} cannot be used`),
    /Write it as in RFC 7711 §3\.1/,
  ),
  posh(
    'there is none',
    answers(404),
    new RegExp(`There is no POSH document at ${URL}`),
    /Publish one there, with the fingerprint of the certificate in use; or give the server a certificate/,
  ),
  posh(
    'the document is withdrawn',
    document(shownLeaf, 0),
    /says "expires": 0, so it does not count/,
    /Give "expires" the number of seconds/,
  ),
  posh(
    'it redirects to http',
    redirects('http://b.example/posh.json'),
    /redirects in a way that is not followed/,
    /Redirect to https, at most five times/,
  ),
  {
    ...{ section: POSH, name: 'the web server has a certificate that nobody trusts' },
    produce: (stage) =>
      byPosh(stage, (web) => web.serve(B, document(shownLeaf), strangeAuthority.issue({ dnsNames: [B] }))),
    expect: {
      ...{ state: 'association.decidingProof', mover: 'web', diagnosis: 'failed' },
      cause:
        /The web server of b\.example cannot be trusted, so neither can its POSH document: web-certificate-untrusted/,
      fix: /Give the web server at https:\/\/b\.example\/ a certificate that browsers accept/,
    },
  },
  {
    ...{ section: POSH, name: 'nothing listens where the web server should' },
    produce: async (stage) => byPosh(stage, (web) => web.serve(B, document(shownLeaf)), await freePort()),
    expect: {
      ...{ state: 'association.decidingProof', mover: 'web', diagnosis: 'failed' },
      cause: /The POSH document of b\.example could not be fetched: /,
      fix: new RegExp(`Have the web server answer at ${URL}`),
    },
  },
];

const DANE = 'DANE (RFC 7671, RFC 7673)';

async function byDane(stage: Stage, ...tlsa: readonly TlsaRecord[]): Promise<Produced> {
  const { port } = await farEnd(stage, { credential: { cert: shown.certPem, key: shown.key }, external: 'accepted' });
  const { resolver } = await signedDns(stage, port, { tlsa });
  return sends(stage, { ports: { resolver } });
}

const record = (usage: number, of: Buffer, selector = 0): TlsaRecord => ({
  ...{ usage, selector, matching: 1 },
  data: createHash('sha256').update(of).digest('hex'),
});

const dane = (
  name: string,
  records: readonly TlsaRecord[],
  cause: RegExp,
  fix: RegExp,
  mover: Expected['mover'] = 'peer',
): Case => ({
  ...{ section: DANE, name, skip: signedDnsMissing },
  produce: (stage) => byDane(stage, ...records),
  expect: { state: 'association.decidingProof', mover, diagnosis: 'failed', cause, fix },
});

export const daneCases: readonly Case[] = [
  dane(
    'the record is of the certificate before',
    [record(3, other)],
    /The signed TLSA records name another certificate than the one that xmpp\.b\.example port \d+ shows; this usually happens when a certificate was replaced/,
    /Have the server show the certificate that the records name, or publish the record of the certificate in use/,
  ),
  dane(
    'the record has the wrong selector',
    [record(3, shownLeaf, 1)],
    /TLSA record is for the right certificate, but with wrong parameters/,
    /Correct the usage or selector/,
  ),
  dane(
    'no record is of a kind that can be used',
    [{ usage: 9, selector: 9, matching: 9, data: '00' }],
    /none is of a usable kind; without them the certificate proves nothing/,
    /Remove them and publish the record of the certificate in use/,
    'dns',
  ),
  dane(
    'the record is of an authority, which the server does not send (usage 2)',
    [record(2, stranger.der)],
    /TLSA records name an authority, and xmpp\.b\.example port \d+ sends only its own certificate/,
    /Have the server send its whole chain with that authority in it/,
  ),
];
