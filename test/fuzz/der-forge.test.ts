/** Our DER reader compared with that of node-forge: the same values in every certificate that the world trusts. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import forge from 'node-forge';
import { DerError, type DerValue, readValue, readValues } from '../../src/protocol/der.ts';

/** Tag and contents, parsed for constructed values: bit 0x20 of the tag marks these. */
type Tree = readonly [tag: number, contents: string | readonly Tree[]];

const ours = ({ tag, contents }: DerValue): Tree =>
  (tag & 0x20) === 0 ? [tag, contents.toString('hex')] : [tag, readValues(contents).map(ours)];

function forges({ tagClass, type, constructed, value }: forge.asn1.Asn1): Tree {
  const tag = tagClass | type | (constructed ? 0x20 : 0);
  if (typeof value === 'string') return [tag, Buffer.from(value, 'latin1').toString('hex')];
  return [tag, value.map(forges)];
}

/** Octets that happen to look like nested values stay octets, as in our reader. */
const readByForge = (der: Uint8Array): Tree =>
  forges(
    forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString('latin1')), {
      strict: true,
      decodeBitStrings: false,
    } as unknown as boolean), // its types know only the older signature
  );

test('all root certificates of Node: the same tags and contents, to the last octet (X.690 §10)', () => {
  assert.ok(rootCertificates.length > 100);
  for (const pem of rootCertificates) {
    const { raw } = new X509Certificate(pem);
    assert.deepEqual(ours(readValue(raw)), readByForge(raw));
  }
});

test('where node-forge is laxer: lengths that are longer than they need be (X.690 §10.1)', () => {
  const longer = Buffer.from([0x04, 0x81, 0x01, 0xff]);
  assert.deepEqual(readByForge(longer), [0x04, 'ff']);
  assert.throws(() => readValue(longer), DerError);
});
