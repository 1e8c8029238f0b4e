/** Broken DNSSEC and DANE, in zones signed for the test, served by nsd and validated by libunbound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepEvidence } from '../../src/check/steps.ts';
import type { Service } from '../../src/protocol/service.ts';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { associationsOf } from '../../src/protocol/tlsa.ts';
import type { IssuedCredential } from '../../src/simulation/certificate-authority.ts';
import {
  assertDiagnosed,
  authority,
  type Checked,
  checkedAt,
  DOMAIN,
  type Expected,
  good,
} from '../support/check-stage.ts';
import { startFarEnd } from '../support/far-end.ts';
import { nsdMissing, startNsd } from '../support/nsd.ts';
import { signingMissing, type SigningOptions, signZone } from '../support/signed-zone.ts';
import { unboundMissing } from '../support/unbound.ts';

const skip = nsdMissing ?? signingMissing ?? unboundMissing ?? false;

const other = authority.issue({ dnsNames: ['other.example'] });

/** `3 1 1` and the SHA-256 of the public key. */
function daneEe({ der: [leaf] }: IssuedCredential): string {
  const parts = certificateParts(leaf ?? Buffer.alloc(0));
  assert.ok(parts !== null);
  return `3 1 1 ${associationsOf(parts)(1, 1) ?? ''}`;
}

const questionOf = ({ question }: StepEvidence): string => (typeof question === 'string' ? question : '');

interface Plan {
  /** @defaultValue `xmpp-server` */
  readonly service?: Service;
  /** Null: the zone is not signed. */
  readonly signing?: SigningOptions | null;
  /** The DS record in the parent. @defaultValue that of the zone, if it is signed */
  readonly ds?: 'own' | 'none' | 'wrong';
  /** The credential of the far end. @defaultValue one that names the domain */
  readonly credential?: IssuedCredential;
  /** The TLSA records of the server; `PORT` is replaced by its port. */
  readonly tlsa?: readonly string[];
  /** Changes the zone after it was signed. */
  readonly spoil?: (zone: string) => string;
}

/** Serves `b.example` below a signed `example`, with a server, and checks it. */
async function checkedWith(plan: Plan): Promise<Checked & { readonly connections: number }> {
  const {
    service = 'xmpp-server',
    signing = {},
    ds = signing === null ? 'none' : 'own',
    credential = good,
    tlsa = [],
    spoil = (zone: string) => zone,
  } = plan;
  const isClient = service === 'xmpp-client';
  const end = await startFarEnd({ credential, ...(isClient ? { contentNamespace: 'jabber:client' } : {}) });
  const plain = `$ORIGIN ${DOMAIN}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_${service}._tcp SRV 0 0 ${end.port} xmpp
xmpp A 127.0.0.1
${tlsa.map((record) => `_${end.port}._tcp.xmpp TLSA ${record}`).join('\n')}
`;
  const signed = signing === null ? null : signZone(DOMAIN, plain, signing);
  const delegation = ds === 'none' ? '' : ds === 'own' ? (signed?.ds ?? '') : signZone(DOMAIN, plain).ds;
  const parent = signZone(
    'example',
    `$ORIGIN example.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
b NS ns
${delegation}
`,
  );
  const nsd = await startNsd({ [DOMAIN]: spoil(signed?.text ?? plain), example: parent.text });
  const dns = { validator: 'libunbound', stubs: { example: nsd.address }, trustAnchors: [parent.ds] } as const;
  try {
    return { ...(await checkedAt({ dns }, isClient ? { service, local: '' } : {})), connections: end.connections };
  } finally {
    await Promise.all([nsd.stop(), end.close()]);
  }
}

function broken(name: string, plan: Plan, expected: Expected & { readonly connections?: number }): void {
  test(name, { skip }, async () => {
    const checked = await checkedWith(plan);
    assertDiagnosed(checked, expected);
    if (expected.connections !== undefined) assert.equal(checked.connections, expected.connections);
  });
}

test('signed SRV, addresses and TLSA prove whatever certificate they name (RFC 7673 §4)', { skip }, async () => {
  const { verdict, steps } = await checkedWith({ credential: other, tlsa: [daneEe(other)] });
  assert.deepEqual(
    [verdict.verdict, verdict.prooftype, verdict.federation],
    ['proved', 'dane', 'authenticated'],
    verdict.explanation,
  );
  const answers = steps.filter(({ state }) => state === 'dnsResolution');
  assert.deepEqual(
    answers.map(({ outcome, evidence }) => `${questionOf(evidence).split(' ')[0] ?? ''} ${outcome}`),
    ['SRV secure', 'SRV nodata-secure', 'A, secure', 'TLSA secure'],
  );
});

broken(
  'signatures that have ended: nothing is dialled (S4)',
  { signing: { expired: true } },
  {
    cause: 'signatures-expired',
    fault: 'dns bogus dns',
    because: /signatures of the zone have expired/,
    fix: /Sign the zone again/,
    connections: 0,
  },
);

broken(
  'signatures of the future (RFC 4035 §5.3.1)',
  { signing: { notYet: true } },
  {
    cause: 'signatures-not-yet-valid',
    fault: 'dns bogus dns',
    fix: /clock of the machine that signs/,
    connections: 0,
  },
);

broken(
  'a DS record of another key (RFC 4035 §5.2)',
  { ds: 'wrong' },
  {
    cause: 'ds-mismatch',
    fault: 'dns bogus dns',
    because: /matches none of the keys/,
    fix: /at the registrar/,
    connections: 0,
  },
);

broken(
  'a DS record and no signatures (RFC 4035 §5.2)',
  { signing: null, ds: 'wrong' },
  {
    cause: 'ds-mismatch',
    fault: 'dns bogus dns',
    fix: /or remove it/,
    connections: 0,
  },
);

broken(
  'TLSA records that do not validate, where all else does (RFC 7673 §3.4)',
  {
    tlsa: [daneEe(good)],
    spoil: (zone) => zone.replace(/(IN\s+TLSA\s+3 1 1 )[0-9a-f]{2}/i, '$100'),
  },
  {
    cause: 'tlsa-bogus',
    fault: 'dns bogus dns',
    because: /TLSA records of the server do not validate/,
    fix: /remove the TLSA records/,
    connections: 0,
  },
);

broken(
  'addresses that do not validate (RFC 7673 §3.2)',
  { spoil: (zone) => zone.replace(/^(xmpp\S*\s+\d+\s+IN\s+A\s+)127\.0\.0\.1/m, '$1127.0.0.2') },
  {
    cause: 'dnssec-bogus',
    fault: 'dns bogus dns',
    because: /signed incorrectly, or forged/,
    fix: /between it and the name servers/,
    connections: 0,
  },
);

broken(
  'a certificate that was rolled over, and TLSA that was not (RFC 6698 §4.1)',
  { tlsa: [daneEe(other)] },
  {
    cause: 'tlsa-mismatch',
    fault: 'dane no-tlsa-match peer',
    because: /when a certificate was replaced without updating the DNS/,
    fix: new RegExp(`"${daneEe(good)}", at _\\d+\\._tcp\\.xmpp\\.b\\.example.*publish the new record first`),
    verdict: 'refuted',
  },
);

broken(
  'TLSA with the right data and the wrong selector (RFC 6698 §2.1.2)',
  { tlsa: [daneEe(good).replace('3 1 1', '3 0 1')] },
  {
    cause: 'tlsa-wrong-parameters',
    fault: 'dane tlsa-wrong-selector peer',
    because: /for which the selector is 1/,
    fix: /Correct the usage or selector/,
    verdict: 'refuted',
  },
);

broken(
  'TLSA of no kind that can be used, and a certificate of others (RFC 7673 §4.1)',
  { credential: other, tlsa: ['3 1 1 abcd', '255 255 255 01'] },
  {
    cause: 'tlsa-unusable',
    fault: 'dane no-usable-record dns',
    because: /none is of a usable kind/,
    fix: /"3 1 1" with the SHA-256 of its public key/,
    verdict: 'refuted',
  },
);

test('TLSA of no kind that can be used leaves it to PKIX (RFC 7673 §4.1)', { skip }, async () => {
  const { verdict } = await checkedWith({ tlsa: ['3 1 1 abcd'] });
  assert.deepEqual([verdict.verdict, verdict.prooftype], ['proved', 'pkix'], verdict.explanation);
});

broken(
  'TLSA in a zone that is not signed is ignored, and that is said (RFC 7673 §3.2)',
  { signing: null, credential: other, tlsa: [daneEe(other)] },
  {
    cause: 'tlsa-not-signed',
    fault: 'pkix name-mismatch peer',
    because: /are ignored, because the path to them is not signed/,
    fix: /Sign the zones of b\.example/,
    verdict: 'refuted',
  },
);

test('what is asked only to be told is told so, and proves nothing (S8)', { skip }, async () => {
  const { steps, verdict } = await checkedWith({ signing: null, credential: other, tlsa: [daneEe(other)] });
  assert.equal(verdict.federation, 'none');
  const last = steps.at(-1);
  assert.deepEqual([last?.outcome, last?.evidence['ignored']], ['insecure', true]);
  const proved = await checkedWith({ signing: null, tlsa: [daneEe(good)] });
  assert.ok(
    !proved.steps.some(({ evidence }) => questionOf(evidence).startsWith('TLSA')),
    'not asked where all is well',
  );
});

test('a client believes the same records, at the port of clients (RFC 7673 §3, A15)', { skip }, async () => {
  const { verdict } = await checkedWith({ service: 'xmpp-client', credential: other, tlsa: [daneEe(other)] });
  assert.deepEqual(
    [verdict.service, verdict.verdict, verdict.prooftype],
    ['xmpp-client', 'proved', 'dane'],
    verdict.explanation,
  );
});
