/**
 * The binding to OpenSSL, and certificates made by the `openssl` command, like those of an operator's own authority.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { PROTOTYPES, bindPrototypes, loadLibcrypto, scoped } from '../../src/adapters/pkix/openssl.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { derOf } from '../../src/adapters/pkix/trust.ts';
import { FaultError } from '../../src/protocol/faults.ts';

const folder = mkdtempSync(join(tmpdir(), 'xmpp-dna-pkix-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const pem = (name: string): string => readFileSync(join(folder, name), 'latin1');
const ders = (name: string): Buffer[] => derOf(pem(name), 'CERTIFICATE');

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

/** An authority made as in the manuals, and two servers under it: the leaves have no key identifiers. */
function makeAuthority(): void {
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-subj', '/CN=Own Root', '-keyout', 'ca.key', '-out', 'ca.crt'],
  );
  for (const name of ['good', 'withdrawn']) {
    write(`${name}.ext`, `subjectAltName=DNS:${name}.example\n`);
    openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}.example`],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '20'],
      ...['-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
  }
  write('index', '');
  write('crlnumber', '01\n');
  write(
    'ca.cnf',
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=5\n',
  );
  const ca = ['ca', '-config', 'ca.cnf', '-keyfile', 'ca.key', '-cert', 'ca.crt'];
  openssl(...ca, '-revoke', 'withdrawn.crt');
  openssl(...ca, '-gencrl', '-out', 'ca.crl');
}
if (skip === false) makeAuthority();

const condition = (validator: ReturnType<typeof createPathValidator>, chain: readonly Buffer[]): string => {
  const verdict = validator.validate({ der: chain }, Date.now());
  return verdict.kind === 'valid' ? 'valid' : verdict.condition;
};

test(
  'a server under a hand-made authority is valid by default, and not when the profile is asked of all',
  { skip },
  () => {
    const lenient = createPathValidator({ system: false, anchors: [pem('ca.crt')] });
    const strict = createPathValidator({ system: false, anchors: [pem('ca.crt')], profile: 'all' });
    assert.equal(condition(lenient, ders('good.crt')), 'valid');
    assert.equal(condition(strict, ders('good.crt')), 'profile-violation');
    lenient.close();
    strict.close();
  },
);

test('a revoked certificate is refused; others stand, also those whose authority has no list', { skip }, () => {
  const listless = createCertificateAuthority({ name: 'Without a list' });
  const validator = createPathValidator({
    system: false,
    anchors: [pem('ca.crt'), listless.certPem],
    crls: [pem('ca.crl')],
  });
  assert.equal(condition(validator, ders('withdrawn.crt')), 'revoked');
  assert.equal(condition(validator, ders('good.crt')), 'valid');
  assert.equal(condition(validator, listless.issue({ dnsNames: ['a.example'] }).der), 'valid');
  const later = validator.validate({ der: ders('good.crt') }, Date.now() + 10 * 86_400_000);
  assert.equal(later.kind === 'invalid' && later.condition, 'revocation-list-expired');
  validator.close();
});

test('SHA-1 is too weak a digest (RFC 9325 §4.5)', { skip }, () => {
  openssl(
    ...['x509', '-req', '-sha1', '-in', 'good.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-extfile', 'good.ext', '-out', 'sha1.crt'],
  );
  const validator = createPathValidator({ system: false, anchors: [pem('ca.crt')] });
  assert.equal(condition(validator, ders('sha1.crt')), 'weak-signature');
  validator.close();
});

test('a Node binary without one of the functions is told of at once, as a local fault', () => {
  const missing = { ...PROTOTYPES, X509_verify_cert: 'int X509_verify_cert_of_another_library(void *ctx)' };
  assert.throws(
    () => bindPrototypes(missing),
    (error) =>
      error instanceof FaultError &&
      error.fault.layer === 'pkix' &&
      error.fault.condition === 'openssl-unavailable' &&
      error.fault.origin === 'local' &&
      /X509_verify_cert_of_another_library/.test(error.fault.text ?? ''),
  );
});

test('a scope frees what it owns, last first, also when its body throws', () => {
  const freed: string[] = [];
  const body = () =>
    scoped((own) => {
      own('store', (name) => freed.push(name));
      own('context', (name) => freed.push(name));
      throw new RangeError('in the middle');
    });
  assert.throws(body, RangeError);
  assert.deepEqual(freed, ['context', 'store']);
});

test('a null pointer is out of memory, and what was made before is freed', () => {
  const freed: string[] = [];
  const body = () =>
    scoped((own) => {
      own('store', (name) => freed.push(name));
      own<string>(null, () => assert.fail('nothing to free'));
    });
  assert.throws(body, (error) => error instanceof FaultError && error.fault.condition === 'out-of-memory');
  assert.deepEqual(freed, ['store']);
});

test('errors do not pile up in the queue that Node reads', () => {
  const validator = createPathValidator({
    system: false,
    anchors: [createCertificateAuthority({ name: 'x' }).certPem],
  });
  validator.validate({ der: [Buffer.from([0x30, 0x03, 0x02, 0x01, 0x00])] }, Date.now());
  validator.validate({ der: createCertificateAuthority({ name: 'y' }).issue({ dnsNames: ['a.example'] }).der }, 0);
  assert.equal(loadLibcrypto().ERR_peek_error(), 0);
  validator.close();
});

const root = createCertificateAuthority({ name: 'Root' });
const issued = root.intermediate({ name: 'Below' }).issue({ dnsNames: ['a.example'], xmppAddrs: ['a.example'] }).der;
const wrong = createCertificateAuthority({ name: 'Other' }).certify({
  subject: 'Below',
  publicKey: new X509Certificate(issued[1]!).publicKey,
  extensions: [],
});
const misnamed = root
  .intermediate({ name: 'Limited', permittedDnsNames: ['b.example'] })
  .issue({ dnsNames: ['b.example'], xmppAddrs: ['a.example'] }).der;

/**
 * Every outcome once: a valid path, no issuer, a detour, truncated and over-long DER, limited names; and an error on
 * the way.
 */
function everyOutcome(): void {
  const [leaf = Buffer.alloc(0), below = Buffer.alloc(0)] = issued;
  const validator = createPathValidator({ system: false, anchors: [root.certPem] });
  assert.equal(condition(validator, issued), 'valid');
  assert.equal(condition(validator, [leaf, wrong, below]), 'valid');
  assert.equal(condition(validator, [leaf]), 'unknown-issuer');
  assert.equal(condition(validator, [leaf, leaf.subarray(0, -1)]), 'malformed');
  assert.equal(condition(validator, [leaf, Buffer.concat([leaf, leaf])]), 'malformed');
  assert.equal(condition(validator, misnamed), 'name-constraint-violation');
  validator.close();
  assert.throws(() => createPathValidator({ system: false, anchors: [root.certPem, toPem(leaf.subarray(0, -1))] }));
}

test('what is made is freed: every handle, whatever the outcome', () => {
  const pairs = [
    ['BIO_new', 'BIO_free'],
    ['d2i_X509_bio', 'X509_free'],
    ['d2i_X509_CRL_bio', 'X509_CRL_free'],
    ['X509_STORE_new', 'X509_STORE_free'],
    ['X509_STORE_CTX_new', 'X509_STORE_CTX_free'],
    ['OPENSSL_sk_new_null', 'OPENSSL_sk_free'],
  ] as const;
  const ssl = loadLibcrypto() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const original = { ...ssl };
  const made: Record<string, number> = {};
  const live = new Map<unknown, string>();
  for (const [make, free] of pairs) {
    ssl[make] = (...args) => {
      const handle = original[make]!(...args);
      if (handle !== null) live.set(handle, make);
      made[make] = (made[make] ?? 0) + 1;
      return handle;
    };
    ssl[free] = (handle) => {
      assert.ok(live.delete(handle), `${free} of what is not alive`);
      return original[free]!(handle);
    };
  }
  try {
    everyOutcome();
    if (skip === false) {
      const [anchors, crls] = [[pem('ca.crt')], [pem('ca.crl')]];
      const validator = createPathValidator({ system: false, anchors, crls });
      assert.equal(condition(validator, ders('withdrawn.crt')), 'revoked');
      validator.close();
      assert.ok(made['d2i_X509_CRL_bio']);
    }
  } finally {
    Object.assign(ssl, original);
  }
  assert.deepEqual([...live.values()], []);
  assert.ok((made['d2i_X509_bio'] ?? 0) >= 10 && (made['X509_STORE_CTX_new'] ?? 0) >= 6);
});

// A certificate or a context takes some kilobytes: leaking one per validation makes 10 MB here. 20,000 validations:
// PKIX_LEAK_ROUNDS=3334.
test('thousands of validations leave no memory behind', () => {
  const rounds = Number(process.env['PKIX_LEAK_ROUNDS'] ?? 200);
  const churn = (count: number): void => {
    for (let round = 0; round < count; round += 1) everyOutcome();
  };
  churn(60);
  const before = process.memoryUsage().rss;
  churn(rounds);
  const grownBytes = process.memoryUsage().rss - before;
  assert.ok(grownBytes < 6_000_000, `${grownBytes} bytes more after ${rounds} rounds of six validations`);
});

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
