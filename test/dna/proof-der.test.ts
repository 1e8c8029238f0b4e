import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  generalizedTimeOf,
  integerOf,
  readSequence,
  readValue,
  readValues,
  TAG,
} from '../../src/adapters/dna/proof-der.ts';
import { readAttributeCertificate } from '../../src/adapters/dna/attribute-cert/certificate.ts';
import { readCarriage } from '../../src/adapters/dna/attribute-cert/carriage.ts';
import { readDocument } from '../../src/adapters/dna/xml-assertion/document.ts';
import { readXmlAssertion, readXmlStatement } from '../../src/adapters/dna/xml-assertion/statement.ts';
import { DerError, oidOf } from '../../src/protocol/der.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { oid, sequence, tagged } from '../../src/adapters/der-writer.ts';

const refuses = (read: () => unknown): boolean => {
  try {
    read();
    return false;
  } catch (thrown) {
    if (thrown instanceof FaultError && thrown.fault.layer === 'dna') return true;
    throw thrown;
  }
};

test('A10: lengths are definite and in their shortest form, tags are of one octet (X.690 §10.1)', () => {
  const long = Buffer.alloc(128, 5);
  assert.deepEqual(readValue(tagged(0x04, long)).contents, long);
  for (const [name, octets] of Object.entries({
    nothing: Buffer.alloc(0),
    'a tag alone': Buffer.of(0x30),
    indefinite: Buffer.concat([Buffer.of(0x30, 0x80), long]),
    'indefinite, and ended': Buffer.of(0x30, 0x80, 0, 0),
    'a long form of a short length': Buffer.of(0x04, 0x81, 1, 0),
    'a length with a zero in front': Buffer.concat([Buffer.of(0x04, 0x82, 0, 128), long]),
    'a length of four octets': Buffer.concat([Buffer.of(0x04, 0x84, 0, 0, 0, 128), long]),
    'a length of 127 octets': Buffer.of(0x04, 0xff),
    'too little': Buffer.of(0x04, 2, 0),
    'too much': Buffer.of(0x04, 1, 0, 0),
    'a tag of two octets': Buffer.of(0x1f, 1, 0),
  }))
    assert.ok(
      refuses(() => readValue(octets)),
      name,
    );
});

test('A10: whatever is read is the octets that came, and nothing else is thrown than a fault', () => {
  const readers = [
    readCarriage,
    readXmlAssertion,
    readXmlStatement,
    readDocument,
    (octets: Buffer) => readSequence(octets, 'x'),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      if (!refuses(() => readValues(octets)))
        assert.deepEqual(Buffer.concat(readValues(octets).map(({ encoding }) => encoding)), Buffer.from(octets));
      for (const read of readers) refuses(() => read(Buffer.from(octets)));
      refuses(() => readAttributeCertificate(readValue(sequence(octets))));
    }),
    { numRuns: 2_000 },
  );
});

test('A10: object identifiers are written and read as OpenSSL has them, those of a UUID too (X.667)', () => {
  // openssl asn1parse -genstr OID:2.25.274196030801541905054497066850415908724.1
  for (const [dotted, octets] of Object.entries({
    '1.3.6.1.5.5.7.1.4': '06082b06010505070104',
    '2.5.29.56': '0603551d38',
    '2.999.3': '0603883703',
    '2.16.840.1.101.3.4.2.1': '0609608648016503040201',
    '2.25.274196030801541905054497066850415908724.1': '061569839cc89e84a1ece29bcb86acfbe1ab8386ae7401',
  })) {
    assert.equal(oid(dotted).toString('hex'), octets);
    assert.equal(oidOf(readValue(oid(dotted))), dotted);
  }
  for (const octets of [[], [0x80, 1], [0x2b, 0x80], Array.from({ length: 129 }, () => 1)])
    assert.throws(() => oidOf(readValue(tagged(TAG.oid, Buffer.from(octets)))), DerError);
});

test('A10: times and numbers have one form each (RFC 5755 §4.2.6, X.690 §8.3.2)', () => {
  const time = (text: string) => generalizedTimeOf(readValue(tagged(TAG.generalizedTime, Buffer.from(text))));
  assert.equal(time('20280229235959Z'), Date.UTC(2028, 1, 29, 23, 59, 59));
  for (const text of ['20270229000000Z', '20261122240000Z', '20261122120060Z', '2026112212Z', '+20261122120000Z', ''])
    assert.ok(
      refuses(() => time(text)),
      text,
    );
  const integer = (...octets: number[]) => integerOf(readValue(tagged(TAG.integer, Buffer.from(octets))));
  assert.deepEqual([...integer(0, 0x80)], [0, 0x80]);
  for (const octets of [[], [0, 1], [0xff, 0x80]])
    assert.ok(
      refuses(() => integer(...octets)),
      String(octets),
    );
});
