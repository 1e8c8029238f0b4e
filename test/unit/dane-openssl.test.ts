/**
 * The comparison with TLSA records through OpenSSL: all handles are freed, and the cost that a stranger can cause is
 * bounded.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import koffi from 'koffi';
import { decodeCertificate, loadLibcrypto, scoped } from '../../src/adapters/pkix/openssl.ts';
import type { X509 } from '../../src/adapters/pkix/openssl.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { derOf } from '../../src/adapters/pkix/trust.ts';
import { certificateParts } from '../../src/protocol/certificate-parts.ts';
import { tlsaFor } from '../../src/protocol/tlsa.ts';
import type { TlsaRecord } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-dane-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
function opensslIsHere(): boolean {
  try {
    openssl('version');
    return true;
  } catch (error) {
    if (process.env['REQUIRE_SERVERS'] === '1') throw error;
    return false;
  }
}
const skip = opensslIsHere() ? false : 'the openssl command is not installed';

function tlsa(numbers: string, der: Uint8Array): TlsaRecord {
  const [usage = -1, selector = -1, matching = -1] = numbers.split(' ').map(Number);
  const parts = certificateParts(der);
  assert.ok(parts);
  return tlsaFor(parts, { usage, selector, matching });
}

const root = createCertificateAuthority({ name: 'Root' });
const middle = root.intermediate({ name: 'Middle' });
const stranger = createCertificateAuthority({ name: 'Stranger' });
const { der } = middle.issue({ dnsNames: ['a.example'], xmppAddrs: ['a.example'] });
const [leaf] = der as [Buffer, ...Buffer[]];

type Validator = ReturnType<typeof createPathValidator>;
const outcome = (validator: Validator, records: readonly TlsaRecord[], chain: readonly Uint8Array[] = der): string => {
  const match = validator.validateDane({ der: chain }, records, NOW);
  return match.kind === 'matched' ? 'matched' : match.condition;
};

/** Takes every path through the comparison once. */
function everyOutcome(validator: Validator): void {
  const garbage = Buffer.from('rubbish');
  assert.equal(outcome(validator, [tlsa('3 1 1', leaf)]), 'matched');
  assert.equal(outcome(validator, [tlsa('2 0 1', middle.der)]), 'matched');
  assert.equal(outcome(validator, [tlsa('2 0 0', root.der)], [leaf, middle.der]), 'matched');
  assert.equal(outcome(validator, [tlsa('2 0 0', stranger.der), tlsa('2 0 0', root.der)]), 'matched');
  assert.equal(outcome(validator, [tlsa('2 0 0', stranger.der)]), 'unknown-issuer');
  assert.equal(outcome(validator, [tlsa('2 1 0', root.der)]), 'matched');
  assert.equal(outcome(validator, [tlsa('2 1 0', stranger.der)]), 'no-tlsa-match');
  assert.equal(outcome(validator, [tlsa('2 0 1', middle.der)], [leaf, middle.der, garbage]), 'malformed');
  assert.equal(outcome(validator, [tlsa('1 0 1', leaf)]), 'matched');
  assert.equal(outcome(validator, [tlsa('0 0 1', root.der)]), 'matched');
  assert.equal(outcome(validator, [tlsa('0 0 1', stranger.der)]), 'no-tlsa-match');
}
const trusting = (): Validator => createPathValidator({ system: false, anchors: [middle.certPem, root.certPem] });

/** Runs `body`; each call of these functions is reported to `called`, with its result. */
function watching(
  names: readonly string[],
  called: (name: string, args: unknown[], result: unknown) => void,
  body: () => void,
) {
  const ssl = loadLibcrypto() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const original = { ...ssl };
  for (const name of names)
    ssl[name] = (...args) => {
      const result = original[name]!(...args);
      called(name, args, result);
      return result;
    };
  try {
    body();
  } finally {
    Object.assign(ssl, original);
  }
}

test('what is made is freed: every handle, whatever the outcome', () => {
  const makers = [
    'BIO_new',
    'd2i_X509_bio',
    'd2i_PUBKEY_bio',
    'X509_STORE_new',
    'X509_STORE_CTX_new',
    'OPENSSL_sk_new_null',
  ];
  const frees = ['BIO_free', 'X509_free', 'EVP_PKEY_free', 'X509_STORE_free', 'X509_STORE_CTX_free', 'OPENSSL_sk_free'];
  const live = new Map<unknown, string>();
  const made = new Set<string>();
  const note = (name: string, [handle]: unknown[], result: unknown): void => {
    if (frees.includes(name)) assert.ok(live.delete(handle), `${name} of what is not alive`);
    else if (result !== null) live.set(result, name);
    made.add(name);
  };
  watching([...makers, ...frees], note, () => {
    const validator = trusting();
    everyOutcome(validator);
    validator.close();
  });
  assert.deepEqual([...live.values()], []);
  assert.deepEqual(made, new Set([...makers, ...frees]));
});

test('no errors are left in the queue that Node reads', () => {
  const validator = trusting();
  everyOutcome(validator);
  assert.equal(loadLibcrypto().ERR_peek_error(), 0);
  validator.close();
});

test('a stranger with many records and a long chain costs a bounded number of searches, signatures and certificates', () => {
  let authority = root;
  for (let i = 0; i < 12; i += 1) authority = authority.intermediate({ name: 'Same' });
  const chain = authority.issue({ dnsNames: ['a.example'] }).der;
  const authorities = Array.from({ length: 80 }, () =>
    createCertificateAuthority({ name: 'Same', keyType: 'ed25519' }),
  );
  const records = authorities.flatMap(({ der: one }) =>
    ['2 0 0', '2 1 0', '0 0 1'].map((numbers) => tlsa(numbers, one)),
  );
  const calls: Record<string, number> = {};
  const count = (name: string): void => void (calls[name] = (calls[name] ?? 0) + 1);
  const validator = createPathValidator({ system: false, anchors: [root.certPem] });
  watching(['X509_verify', 'X509_verify_cert', 'd2i_X509_bio', 'd2i_PUBKEY_bio'], count, () => {
    assert.notEqual(outcome(validator, records, chain), 'matched');
  });
  validator.close();
  const { X509_verify: signatures = 0, X509_verify_cert: searches = 0, d2i_X509_bio: certificates = 0 } = calls;
  assert.ok(signatures > 0 && signatures <= 8, `${signatures} signatures`);
  assert.ok(searches > 4 && searches <= 40, `${searches} searches`);
  assert.ok(certificates > 10 && certificates <= 30, `${certificates} certificates`);
});

test(
  'a bare key does not lend its trust to a SHA-1 signature, nor a weak key to anybody (RFC 9325 §4.5)',
  { skip },
  () => {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-x509', ...curve, '-days', '3650', '-subj', '/CN=CA', '-keyout', 'ca.key', '-out', 'ca.crt');
    openssl('req', ...curve, '-subj', '/CN=a.example', '-keyout', 'a.key', '-out', 'a.csr');
    const ca = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3650'];
    writeFileSync(join(folder, 'a.ext'), 'subjectAltName=DNS:a.example\n');
    const issue = (digest: string): readonly Buffer[] => {
      openssl('x509', '-req', digest, '-in', 'a.csr', ...ca, '-extfile', 'a.ext', '-out', 'a.crt');
      return derOf(readFileSync(join(folder, 'a.crt'), 'latin1'), 'CERTIFICATE');
    };
    const [authority] = derOf(readFileSync(join(folder, 'ca.crt'), 'latin1'), 'CERTIFICATE');
    const key = tlsa('2 1 0', authority!);
    const validator = createPathValidator({ system: false, anchors: [] });
    const at = (chain: readonly Buffer[], record = key): string => {
      const match = validator.validateDane({ der: chain }, [record], Date.now());
      return match.kind === 'matched' ? 'matched' : match.condition;
    };
    assert.equal(at(issue('-sha256')), 'matched');
    assert.equal(at(issue('-sha1')), 'no-tlsa-match');
    assert.equal(at([...issue('-sha1'), authority!]), 'weak-signature');
    // A curve of 192 bits. RSA keys this short are no usable record in the first place.
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-192',
      '-nodes',
      '-days',
      '3650',
      '-subj',
      '/CN=CA',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    const [weak] = derOf(readFileSync(join(folder, 'ca.crt'), 'latin1'), 'CERTIFICATE');
    assert.equal(at(issue('-sha256'), tlsa('2 1 0', weak!)), 'no-tlsa-match');
    validator.close();
  },
);

test(
  'of two authorities of one name the one that signed is found, without key identifiers too (RFC 7671 §8)',
  { skip },
  () => {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    for (const name of ['old', 'new'])
      openssl(
        'req',
        '-x509',
        ...curve,
        '-days',
        '3650',
        '-subj',
        '/CN=Same',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
      );
    openssl('req', ...curve, '-subj', '/CN=a.example', '-keyout', 'c.key', '-out', 'c.csr');
    openssl(
      ...['x509', '-req', '-in', 'c.csr', '-CA', 'new.crt', '-CAkey', 'new.key'],
      '-CAcreateserial',
      '-out',
      'c.crt',
    );
    const [end, before, next] = ['c', 'old', 'new'].flatMap((name) =>
      derOf(readFileSync(join(folder, `${name}.crt`), 'latin1'), 'CERTIFICATE'),
    );
    const validator = createPathValidator({ system: false, anchors: [] });
    for (const order of [[before!, next!] as const, [next!, before!] as const]) {
      const records = order.map((authority) => tlsa('2 0 0', authority));
      const match = validator.validateDane({ der: [end!] }, records, Date.now());
      assert.deepEqual(match.kind === 'matched' && match.record, tlsa('2 0 0', next!));
      const sent = [end!, ...order];
      const named = order.map((authority) => tlsa('2 1 1', authority));
      const byDigest = validator.validateDane({ der: sent }, named, Date.now());
      assert.deepEqual(byDigest.kind === 'matched' && byDigest.record, tlsa('2 1 1', next!));
    }
    validator.close();
  },
);

test('a revocation list of the operator counts under an asserted authority too', { skip }, () => {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...curve, '-days', '3650', '-subj', '/CN=Own', '-keyout', 'own.key', '-out', 'own.crt');
  openssl('req', ...curve, '-subj', '/CN=a.example', '-keyout', 'b.key', '-out', 'b.csr');
  openssl(
    ...['x509', '-req', '-in', 'b.csr', '-CA', 'own.crt', '-CAkey', 'own.key'],
    '-CAcreateserial',
    '-days',
    '3650',
    '-out',
    'b.crt',
  );
  for (const [name, text] of Object.entries({
    index: '',
    crlnumber: '01\n',
    'ca.cnf': '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=5\n',
  }))
    writeFileSync(join(folder, name), text);
  const ca = ['ca', '-config', 'ca.cnf', '-keyfile', 'own.key', '-cert', 'own.crt'];
  openssl(...ca, '-revoke', 'b.crt');
  openssl(...ca, '-gencrl', '-out', 'own.crl');
  const pem = (name: string): string => readFileSync(join(folder, name), 'latin1');
  const [end, authority] = ['b.crt', 'own.crt'].flatMap((name) => derOf(pem(name), 'CERTIFICATE'));
  const records = [tlsa('2 0 1', authority!)];
  for (const [crls, expected] of [
    [[], 'matched'],
    [[pem('own.crl')], 'revoked'],
  ] as const) {
    const validator = createPathValidator({ system: false, anchors: [], crls });
    const match = validator.validateDane({ der: [end!, authority!] }, records, Date.now());
    assert.equal(match.kind === 'matched' ? 'matched' : match.condition, expected);
    validator.close();
  }
});

const library = koffi.load(null);
type Key = unknown;
const keyOf = library.func('void *X509_get_X509_PUBKEY(void *certificate)') as (certificate: X509) => Key;
const readKey = library.func('void *d2i_X509_PUBKEY_bio(void *bio, void *out)') as (bio: unknown, out: null) => Key;
const writeKey = library.func('int i2d_X509_PUBKEY_bio(void *bio, void *key)') as (bio: unknown, key: Key) => number;
const freeKey = library.func('void X509_PUBKEY_free(void *key)') as (key: Key) => void;

/** The key in a certificate, as seen by the OpenSSL that did the handshake, in DER. */
function keyInCertificate(certificate: Uint8Array): Buffer | null {
  const ssl = loadLibcrypto();
  return scoped((own) => {
    const decoded = decodeCertificate(ssl, certificate);
    return decoded === null ? null : derOfKey(keyOf(own(decoded, ssl.X509_free)));
  });
}

/** The same for a key given alone; parts that are not DER are re-encoded as DER, as above. */
function keyAlone(spki: Uint8Array): Buffer | null {
  const ssl = loadLibcrypto();
  return scoped((own) => {
    const bio = own(ssl.BIO_new(ssl.BIO_s_mem()), ssl.BIO_free);
    ssl.BIO_write(bio, spki, spki.length);
    const key = readKey(bio, null);
    ssl.ERR_clear_error();
    return key === null ? null : derOfKey(own(key, freeKey));
  });
}

function derOfKey(key: Key): Buffer {
  const ssl = loadLibcrypto();
  return scoped((own) => {
    const bio = own(ssl.BIO_new(ssl.BIO_s_mem()), ssl.BIO_free);
    writeKey(bio, key);
    const spki = Buffer.alloc(ssl.BIO_ctrl_pending(bio));
    ssl.BIO_read(bio, spki, spki.length);
    return spki;
  });
}

test('in damaged certificates, too, the key that records speak of is the one that OpenSSL uses, or none', () => {
  const keys = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ];
  const whole = keys.map(({ publicKey }) => root.certify({ subject: 'a', publicKey, extensions: [] }));
  for (const one of whole) assert.deepEqual(keyInCertificate(one), Buffer.from(certificateParts(one)?.spki ?? []));
  const octet = fc.tuple(fc.nat(600), fc.nat(255));
  let compared = 0;
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.array(octet, { minLength: 1, maxLength: 3 }), (one, changes) => {
      const damaged = Buffer.from(one);
      for (const [at, value] of changes) damaged[at % damaged.length] = value;
      const [ours, theirs] = [certificateParts(damaged), keyInCertificate(damaged)];
      if (ours === null || theirs === null) return;
      assert.deepEqual(keyAlone(ours.spki), theirs);
      compared += 1;
    }),
    { numRuns: 1500 },
  );
  assert.ok(compared > 200, `${compared} compared`);
});
