/** Broken certificates, and POSH documents that do not help: check names the cause and the fix. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credential } from '../../src/ports.ts';
import { createCertificateAuthority, type IssuedCredential } from '../../src/simulation/certificate-authority.ts';
import {
  assertDiagnosed,
  authority,
  checking,
  type CheckStage,
  DOMAIN,
  type Expected,
} from '../support/check-stage.ts';
import { answers, type Handler, says, startWeb, strangeAuthority, webAuthority } from '../support/https-server.ts';

const intermediate = authority.intermediate({ name: 'Trusted Intermediate' });
const unknown = createCertificateAuthority({ name: 'Unknown Root' });
/** A certificate like those of `openssl req -x509`. */
function selfSignedCredential(): Credential {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-self-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const names = ['-subj', `/CN=${DOMAIN}`, '-addext', `subjectAltName=DNS:${DOMAIN}`];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const refusedBy = (condition: string): Pick<Expected, 'fault' | 'verdict'> => ({
  fault: `pkix ${condition} peer`,
  verdict: 'refuted',
});

function broken(name: string, credential: () => Credential, expected: Expected): void {
  checking(name, async ({ serve, check }) => {
    await serve({ credential: credential() });
    assertDiagnosed(await check(), expected);
  });
}

broken(
  'a certificate that has expired (RFC 5280 §6.1.3)',
  () => authority.issue({ dnsNames: [DOMAIN], notAfter: new Date('2026-01-31') }),
  {
    ...refusedBy('certificate-expired'),
    cause: 'certificate-expired',
    because: /expired on 2026-01-31/,
    fix: /Renew it and have the server load/,
  },
);

broken(
  'a certificate that is not valid yet (RFC 5280 §6.1.3)',
  () => authority.issue({ dnsNames: [DOMAIN], notBefore: new Date('2049-01-01') }),
  {
    ...refusedBy('certificate-not-yet-valid'),
    cause: 'certificate-not-yet-valid',
    because: /not valid before 2049-01-01/,
    fix: /clock of this machine/,
  },
);

broken('a certificate of another domain (RFC 9525 §6)', () => authority.issue({ dnsNames: ['www.b.example'] }), {
  ...refusedBy('name-mismatch'),
  cause: 'certificate-names-others',
  because: /names www\.b\.example, not b\.example/,
  fix: /dNSName b\.example; or, if it belongs to a provider/,
});

broken(
  'the name in the subject only (RFC 9525 App. A)',
  () => authority.issue({ commonName: DOMAIN, dnsNames: ['host.example'] }),
  {
    ...refusedBy('name-mismatch'),
    cause: 'name-in-subject-only',
    because: /only in its subject \(CN\)/,
    fix: /in its subjectAltName/,
  },
);

broken('the certificate of a user', () => authority.issue({ xmppAddrs: ['romeo@b.example'] }), {
  ...refusedBy('name-mismatch'),
  cause: 'certificate-of-user',
  because: /certificate of a user, not of a server: romeo@b\.example/,
  fix: /has no "@"/,
});

broken(
  'an intermediate certificate that is not sent (RFC 5246 §7.4.2)',
  () => {
    const { certPem, key } = intermediate.issue({ dnsNames: [DOMAIN] });
    return { cert: certPem, key };
  },
  {
    ...refusedBy('unknown-issuer'),
    cause: 'intermediate-missing',
    because: /sends only its own certificate, and its issuer "CN=Trusted Intermediate"/,
    fix: /fullchain\.pem/,
  },
);

broken(
  'an authority that nobody trusts (RFC 5280 §6)',
  () => unknown.intermediate({ name: 'Unknown Intermediate' }).issue({ dnsNames: [DOMAIN] }),
  {
    ...refusedBy('unknown-issuer'),
    cause: 'authority-unknown',
    because: /authority that is not trusted here/,
    fix: /trust\.files/,
  },
);

broken('a certificate that is not for servers', () => authority.issue({ dnsNames: [DOMAIN], eku: ['clientAuth'] }), {
  ...refusedBy('invalid-purpose'),
  cause: 'certificate-wrong-purpose',
  because: /not issued for servers/,
  fix: /serverAuth/,
});

broken('a certificate that is signed by itself (RFC 6120 §13.7.2)', selfSignedCredential, {
  ...refusedBy('self-signed'),
  cause: 'certificate-self-signed',
  because: /signed by itself/,
  fix: /DANE \(TLSA in a signed zone\) or by POSH/,
});

// ——— POSH

const other = authority.issue({ dnsNames: ['hosting.example'] });

const fingerprint = ({ der: [leaf] }: IssuedCredential): string =>
  createHash('sha256')
    .update(leaf ?? '')
    .digest('base64');

interface Web {
  readonly handler: Handler;
  readonly credential?: Credential;
}

/** The domain is served with a certificate of its provider; its web server answers as `web` says. */
function onTheWeb(
  name: string,
  web: Web,
  run: (stage: CheckStage, ports: Parameters<CheckStage['check']>[1]) => Promise<void>,
): void {
  checking(name, async (stage) => {
    const server = await startWeb();
    try {
      server.serve(DOMAIN, web.handler, web.credential);
      await stage.serve({ credential: other });
      stage.dns.set(DOMAIN, [{ type: 'A', address: '127.0.0.1' }]);
      const posh = { system: false, anchors: [webAuthority.certPem], allowPrivate: true, port: server.port };
      await run(stage, { dns: { servers: [stage.dns.address] }, posh });
    } finally {
      await server.close();
    }
  });
}

function poshBroken(name: string, web: Web, expected: Expected, policy: readonly string[] = ['pkix', 'posh']): void {
  onTheWeb(name, web, async ({ check }, ports) => {
    assertDiagnosed(await check({ policy: { prooftypes: policy } }, ports), expected);
  });
}

onTheWeb(
  'a document that lists the certificate proves the domain (RFC 7712 §5.2)',
  { handler: says({ fingerprints: [{ 'sha-256': fingerprint(other) }], expires: 3600 }) },
  async ({ check }, ports) => {
    const { verdict } = await check({}, ports);
    assert.deepEqual([verdict.verdict, verdict.prooftype, verdict.federation], ['proved', 'posh', 'authenticated']);
  },
);

poshBroken(
  'no POSH document, and nothing else either (RFC 7711 §3)',
  { handler: answers(404) },
  {
    ...refusedBy('name-mismatch'),
    cause: 'certificate-names-others',
    fix: /POSH document/,
  },
);

poshBroken(
  'POSH is all that is wanted, and there is none',
  { handler: answers(404) },
  {
    fault: 'posh document-missing web',
    cause: 'posh-missing',
    because: /https:\/\/b\.example\/\.well-known\/posh\/xmpp-server\.json/,
    fix: /Publish one there/,
  },
  ['posh'],
);

poshBroken(
  'a document that lists an old certificate (RFC 7711 §3.3)',
  {
    handler: says({
      fingerprints: [{ 'sha-256': fingerprint(authority.issue({ dnsNames: [DOMAIN] })) }],
      expires: 3600,
    }),
  },
  {
    fault: 'posh no-fingerprint-match peer',
    cause: 'posh-lists-others',
    because: /lists other certificates/,
    fix: /fingerprint of the certificate in use/,
    verdict: 'refuted',
  },
);

poshBroken(
  'a document that is malformed (RFC 7711 §3.1)',
  { handler: says('{"fingerprints": [], "expires": 3600}') },
  {
    fault: 'posh document-invalid web',
    cause: 'posh-malformed',
    because: /no list of at least one/,
    fix: /RFC 7711 §3\.1/,
    verdict: 'refuted',
  },
);

poshBroken(
  'a document that was withdrawn (RFC 7711 §3.1)',
  { handler: says({ fingerprints: [{ 'sha-256': fingerprint(other) }], expires: 0 }) },
  {
    fault: 'posh expires-zero web',
    cause: 'posh-withdrawn',
    because: /"expires": 0/,
    fix: /86400/,
    verdict: 'refuted',
  },
);

for (const [what, credential, condition] of [
  [
    'has expired',
    webAuthority.issue({ dnsNames: [DOMAIN], notAfter: new Date('2026-01-31') }),
    'web-certificate-expired',
  ],
  ['is from an unknown authority', strangeAuthority.issue({ dnsNames: [DOMAIN] }), 'web-certificate-untrusted'],
  ['names another host', webAuthority.issue({ dnsNames: ['www.b.example'] }), 'web-certificate-name-mismatch'],
] as const) {
  poshBroken(
    `the certificate of the web server ${what} (RFC 7711 §3)`,
    { handler: says({ fingerprints: [{ 'sha-256': fingerprint(other) }], expires: 3600 }), credential },
    {
      fault: `posh ${condition} web`,
      cause: 'posh-web-certificate',
      because: /web server of b\.example cannot be trusted/,
      fix: /certificate that browsers accept/,
    },
    ['posh'],
  );
}

poshBroken(
  'a redirect to where there is no TLS (RFC 7711 §10)',
  { handler: answers(302, { location: 'http://b.example/posh.json' }) },
  { fault: 'posh insecure-redirect web', cause: 'posh-redirect', fix: /Redirect to https/ },
  ['posh'],
);

// ——— as a client

const asClient = { service: 'xmpp-client', local: '' } as const;

async function serveClients({ dns, serve }: CheckStage, credential: Credential): Promise<void> {
  const end = await serve({ credential, contentNamespace: 'jabber:client', dialback: null }, false);
  dns.set('_xmpp-client._tcp.b.example', [{ type: 'SRV', target: 'xmpp.b.example', port: end.port }]);
  dns.set('xmpp.b.example', [{ type: 'A', address: '127.0.0.1' }]);
}

onTheWeb(
  'a client asks for the document of its own service (RFC 7712 §5.2)',
  {
    handler: (request, response) => {
      const isOurs = request.url === '/.well-known/posh/xmpp-client.json';
      const answer = isOurs ? says({ fingerprints: [{ 'sha-256': fingerprint(other) }], expires: 3600 }) : answers(404);
      answer(request, response);
    },
  },
  async (stage, ports) => {
    await serveClients(stage, other);
    const { verdict } = await stage.check(asClient, ports);
    assert.deepEqual([verdict.verdict, verdict.prooftype], ['proved', 'posh'], verdict.explanation);
  },
);

checking('the SRVName of clients names the domain to clients only (RFC 6120 §13.7.1.2.1)', async (stage) => {
  const credential = authority.issue({ srvNames: ['_xmpp-client.b.example'] });
  await serveClients(stage, credential);
  assert.equal((await stage.check(asClient)).verdict.verdict, 'proved');
  await stage.serve({ credential });
  const { verdict } = await stage.check();
  assert.deepEqual([verdict.verdict, verdict.cause], ['refuted', 'certificate-names-others'], verdict.explanation);
});

checking('what a client sees is told in the words of its service', async ({ check }) => {
  assertDiagnosed(await check(asClient), {
    cause: 'no-srv-no-address',
    fault: 'dns no-address dns',
    fix: /_xmpp-client\._tcp\.b\.example\. SRV 0 0 5222/,
  });
});
