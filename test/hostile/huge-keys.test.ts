/**
 * Keys that are expensive to compute with, in leaves and in chains: each is refused by name before anything is
 * computed.
 */
import assert from 'node:assert/strict';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { after, test } from 'node:test';
import {
  ATTRIBUTE_CERTIFICATE_SCHEMES,
  schemeNamed,
  XML_ASSERTION_SCHEMES,
} from '../../src/adapters/dna/signatures.ts';
import { bitString, sequence } from '../../src/adapters/der-writer.ts';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { createPathValidator } from '../../src/adapters/pkix/path-validator.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { parseTlsa } from '../../src/protocol/tlsa.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
/** A test that computes for hours fails. */
const IN_TIME = { timeout: 120_000 };

const root = createCertificateAuthority({ name: 'Root', keyType: 'rsa' });
const validator = createPathValidator({ system: false, anchors: [root.certPem] });
after(() => validator.close());

/**
 * An odd number of this many bits. Nobody has the private key: its "signatures" are never valid, but have to be
 * checked.
 */
const number = (bits: number): string => {
  const octets = Buffer.alloc(bits / 8, 0xa5);
  octets[octets.length - 1] = 0xff;
  return octets.toString('base64url');
};
const rsaKey = (bits: number, exponentBits: number): KeyObject =>
  createPublicKey({
    key: { kty: 'RSA', n: number(bits), e: exponentBits === 17 ? 'AQAB' : number(exponentBits) },
    format: 'jwk',
  });

/** The elements of a SEQUENCE, each with its header. */
function partsOf(der: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  const headAt = (at: number): [head: number, length: number] => {
    const first = der[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first & 0x7f;
    return [2 + more, more === 0 ? first : der.readUIntBE(at + 2, more)];
  };
  for (let at = headAt(0)[0]; at < der.length;) {
    const [head, length] = headAt(at);
    parts.push(der.subarray(at, at + head + length));
    at += head + length;
  }
  return parts;
}
/** The certificate with another signature, of the length that a key of this many bits produces. */
function signedWith(der: Buffer, bits: number): Buffer {
  const [tbs = Buffer.of(), algorithm = Buffer.of()] = partsOf(der);
  return sequence(tbs, algorithm, bitString(Buffer.alloc(bits / 8, 0x11)));
}

const keys: readonly (readonly [bits: number, exponentBits: number])[] = [
  [8_200, 17],
  [16_384, 17],
  [16_384, 64],
  [16_384, 16_384],
  [32_768, 17],
  [65_536, 65_536],
];

for (const [bits, exponentBits] of keys) {
  const key = rsaKey(bits, exponentBits);
  const title = `RSA of ${bits} bits, with an exponent of ${exponentBits}`;

  test(`${title}, in the certificate of a peer: refused, though a trusted authority signed it`, IN_TIME, () => {
    const leaf = root.certify({ subject: 'a.example', publicKey: key, extensions: [] });
    assert.doesNotThrow(() => readCertificate(leaf));
    const verdict = validator.validate({ der: [leaf] }, NOW);
    assert.equal(verdict.kind === 'invalid' && verdict.condition, 'unsupported-key');
  });

  test(`${title}, in ten issuers of it, each "signed" by the next: refused`, IN_TIME, () => {
    const middle = createCertificateAuthority({ name: 'Middle', keyType: 'rsa' });
    const leaf = signedWith(middle.issue({ dnsNames: ['a.example'] }).der[0] ?? Buffer.of(), bits);
    const issuer = signedWith(middle.certify({ subject: 'Middle', publicKey: key, extensions: [] }), bits);
    const others = Array.from({ length: 9 }, (_, n) =>
      signedWith(
        middle.certify({
          subject: 'Middle',
          publicKey: rsaKey(bits, exponentBits),
          extensions: [],
          notAfter: NOW + n * 86_400_000 + 86_400_000,
        }),
        bits,
      ),
    );
    const chain = { der: [leaf, issuer, ...others] };
    const verdict = validator.validate(chain, NOW);
    assert.equal(verdict.kind, 'invalid');
    for (const usage of [0, 1, 2]) {
      const record = parseTlsa(`${usage} 0 1 ${'ab'.repeat(32)}`);
      assert.ok(record);
      assert.equal(validator.validateDane(chain, [record], NOW).kind, 'unmatched');
    }
    // `2 0 0` contains its own authority.
    const anchor = parseTlsa(`2 0 0 ${issuer.toString('hex')}`);
    assert.ok(anchor);
    assert.equal(validator.validateDane(chain, [anchor], NOW).kind, 'unmatched');
  });

  test(`${title}, of whoever signs a delegation: no scheme is for it (ProtoXEP §5)`, () => {
    const [rsa = ''] = Object.keys(ATTRIBUTE_CERTIFICATE_SCHEMES);
    for (const ask of [
      () => schemeNamed(ATTRIBUTE_CERTIFICATE_SCHEMES, rsa, key),
      () => schemeNamed(XML_ASSERTION_SCHEMES, 'PS256', key),
    ])
      assert.throws(
        ask,
        (thrown) => thrown instanceof FaultError && thrown.fault.condition === 'algorithm-unsupported',
      );
  });
}

test('keys up to 8192 bits are as good as others', () => {
  const key = rsaKey(8_192, 17);
  const leaf = root.certify({ subject: 'a.example', publicKey: key, extensions: [] });
  assert.equal(validator.validate({ der: [leaf] }, NOW).kind, 'valid');
  assert.equal(schemeNamed(XML_ASSERTION_SCHEMES, 'PS256', key).name, 'PS256');
});
