/** Certificates with every kind of defect, presented by b.example. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credential } from '../../src/ports.ts';
import type { IssueOptions } from '../../src/simulation/certificate-authority.ts';
import { temporaryFolder } from '../support/processes.ts';
import type { Case } from './case.ts';
import { farEnd, sends } from './far-ends.ts';
import { intercepted } from './interceptor.ts';
import { opensslMissing } from './openssl-server.ts';
import { authority, B, stranger } from './stage.ts';

const section = 'Certificates (RFC 6120 §13.7, RFC 9525)';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const middle = authority.intermediate({ name: 'Between' });

interface Wrong {
  readonly name: string;
  readonly shows: () => Credential;
  readonly cause: RegExp;
  readonly fix: RegExp;
  readonly mover?: 'peer' | 'operator';
  readonly skip?: string | null;
}

const trusted = (options: IssueOptions) => (): Credential => authority.issue({ dnsNames: [B], ...options });

const wrong: readonly Wrong[] = [
  {
    name: 'it names another domain',
    shows: trusted({ dnsNames: ['hoster.example'] }),
    cause: /The certificate at xmpp\.example port \d+ does not name b\.example/,
    fix: /Give the server a certificate with the dNSName b\.example; or, if it belongs to a provider, delegate to it by a signed SRV record \(DNSSEC\) or a POSH document/,
  },
  {
    name: 'it has the name in its subject alone',
    shows: trusted({ dnsNames: [], ipAddresses: ['127.0.0.1'], commonName: B }),
    cause: /names b\.example only in its subject \(CN\), which is no longer checked/,
    fix: /Get a certificate with the dNSName b\.example in its subjectAltName/,
  },
  {
    name: 'it is that of a user',
    shows: trusted({ dnsNames: [], xmppAddrs: [`juliet@${B}`], commonName: 'Juliet' }),
    cause: /shows the certificate of a user, not of a server: juliet@b\.example/,
    fix: /Give the server a certificate with the dNSName b\.example; an xmppAddr of a server has no "@"/,
  },
  {
    name: 'it names a wildcard of a level too high',
    shows: trusted({ dnsNames: ['*.example.b.example'] }),
    cause: /does not name b\.example/,
    fix: /Give the server a certificate with the dNSName b\.example/,
  },
  {
    name: 'it expired a week ago',
    shows: () => trusted({ notAfter: Date.now() - 7 * DAY_MS })(),
    cause: /expired on \d{4}-\d\d-\d\d/,
    fix: /Renew it and have the server load the new one; servers keep using the old one until they reload/,
  },
  {
    name: 'it expired some minutes ago, or our clock is ahead',
    shows: () => trusted({ notAfter: Date.now() - 10 * MINUTE_MS })(),
    cause: /expired 1[01] min ago, by the clock of this machine/,
    fix: /Renew it .*; if it has not really expired, set the clock of this machine/,
  },
  {
    name: 'it begins in half an hour: our clock is behind',
    shows: () => trusted({ notBefore: Date.now() + 30 * MINUTE_MS })(),
    mover: 'operator',
    cause: /becomes valid in (30|29) min, by the clock of this machine: most likely that clock is behind/,
    fix: /Set the clock of this machine \(NTP\)/,
  },
  {
    name: 'it begins in a month',
    shows: () => trusted({ notBefore: Date.now() + 30 * DAY_MS })(),
    cause: /is not valid before \d{4}-\d\d-\d\d/,
    fix: /Wait, or use the previous certificate/,
  },
  {
    name: 'it is signed by itself',
    skip: opensslMissing,
    shows: selfSigned,
    cause: /is signed by itself: no authority vouches for it/,
    fix: /Get a certificate with the dNSName b\.example from a public authority; or publish this one by DANE .* or by POSH/,
  },
  {
    name: 'nobody knows its authority',
    shows: () => {
      const { cert, key } = stranger.intermediate({ name: 'Below the stranger' }).issue({ dnsNames: [B] });
      return { cert: cert + stranger.certPem, key };
    },
    cause: /leads to an authority that is not trusted here/,
    fix: /from a public authority; or trust that one here \(trust\.files\)/,
  },
  {
    name: 'its intermediate certificate is missing',
    shows: () => {
      const { certPem, key } = middle.issue({ dnsNames: [B] });
      return { cert: certPem, key };
    },
    cause:
      /sends only its own certificate, and its issuer ".*Between" is not among the authorities trusted here: the intermediate certificate is missing/,
    fix: /Have the server send the whole chain \("fullchain\.pem", not "cert\.pem"\)/,
  },
  {
    name: 'its intermediate certificate has expired',
    shows: () => authority.intermediate({ name: 'Late', notAfter: Date.now() - 7 * DAY_MS }).issue({ dnsNames: [B] }),
    cause: /A certificate in the chain at .* has expired/,
    fix: /Renew it/,
  },
  {
    name: 'it is for clients alone',
    shows: trusted({ eku: ['clientAuth'] }),
    cause: /was not issued for servers/,
    fix: /Get a certificate with the dNSName b\.example for the purpose serverAuth/,
  },
  {
    name: 'its authority may not speak for the domain',
    shows: () =>
      authority.intermediate({ name: 'Constrained', permittedDnsNames: ['other.example'] }).issue({ dnsNames: [B] }),
    cause: /cannot be trusted: .*permitted|may not vouch for b\.example|name constraints/,
    fix: /Get a certificate with the dNSName b\.example from/,
  },
];

const shown: readonly Case[] = wrong.map(({ name, shows, cause, fix, mover = 'peer', skip = null }) => ({
  ...{ section, name, skip },
  produce: async (stage) => {
    await farEnd(stage, { credential: shows(), external: 'accepted' });
    return sends(stage);
  },
  expect: { ...{ state: 'association.decidingProof', mover, diagnosis: 'failed' }, cause, fix },
}));

/** The server's certificate is correct; a man in the middle presents its own. */
const interceptor: Case = {
  ...{ section, name: 'somebody on the way ends TLS with a certificate of his own' },
  produce: async (stage) => {
    const { cert, key } = stranger.issue({ dnsNames: [B] });
    const shownThere = { cert: cert + stranger.certPem, key };
    const other = await stage.provider({ hosts: [B] });
    stage.publish([B], await intercepted(stage, other.port, shownThere));
    return { ...(await sends(stage)), other };
  },
  joined: {
    id: 'certificates-differ',
    cause:
      /^a\.example presented the certificate [0-9a-f]{16}…, and b\.example saw none: somebody between them terminates TLS/,
    fix: /a proxy of the provider, a firewall that inspects TLS, or an eavesdropper/,
  },
  expect: {
    ...{ state: 'association.decidingProof', mover: 'peer', diagnosis: 'failed' },
    cause: /leads to an authority that is not trusted here; the certificate is from "CN=Stranger"/,
    fix: /trust that one here .*, if you know it\. If others see a different certificate, somebody on the path from here terminates TLS/,
  },
};

export const certificates: readonly Case[] = [...shown, interceptor];

function selfSigned(): Credential {
  const folder = temporaryFolder('self-signed', null);
  try {
    const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
    const names = ['-subj', `/CN=${B}`, '-addext', `subjectAltName=DNS:${B}`];
    execFileSync('/usr/bin/openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    folder.remove();
  }
}
