/** The DNA protocol of 2009: proof types by URI, and the far end's elements as events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dnaEventOf } from '../../src/adapters/dna-events.ts';
import { dnaProofTypeOf, uriOf } from '../../src/protocol/dna.ts';
import { DNA_PROOF_TYPES } from '../../src/protocol/proof.ts';

test('proof types are compared as URIs are: scheme and URN namespace have no case, the rest has (RFC 3986 §6.2.2.1)', () => {
  for (const type of DNA_PROOF_TYPES) assert.equal(dnaProofTypeOf(uriOf(type)), type);
  assert.equal(dnaProofTypeOf('URN:XMPP:dna:proof:attribute-cert'), 'attribute-cert');
  assert.equal(dnaProofTypeOf('urn:IETF:params:dna:proof:dnssec-ta'), 'dnssec-ta');
  for (const other of [
    '',
    'urn',
    'urn::',
    'urn:x',
    'attribute-cert',
    ':',
    'x:',
    'urn:x-y: z',
    `urn:x-y:${'z'.repeat(256)}`,
  ])
    assert.equal(dnaProofTypeOf(other), null, other);
});

test('A13: a URI that is none of ours may be that of an embedder: it stays as it is (RFC 3986 §6.2.1)', () => {
  for (const other of ['urn:xmpp:DNA:proof:attribute-cert', 'http://x.example/Y', 'urn:example:dna:token'] as const) {
    assert.equal(dnaProofTypeOf(other), other);
    assert.equal(uriOf(other), other);
  }
  assert.equal(dnaProofTypeOf('URN:Example:dna:Token'), 'urn:example:dna:Token');
  assert.equal(dnaProofTypeOf('HTTP://x.example/'), 'http://x.example/');
});

test('each element is an event with the domain in its canonical form (ProtoXEP §4, §8)', () => {
  const from = 'BÜCHER.example.';
  const domain = 'xn--bcher-kva.example';
  const events = [
    dnaEventOf({ kind: 'dnaAssert', from }),
    dnaEventOf({ kind: 'dnaProof', from, type: uriOf('dnssec-ta'), data: 'x' }),
    dnaEventOf({ kind: 'dnaProof', from, type: 'x', data: null }),
    dnaEventOf({ kind: 'dnaImpossible', from }),
    dnaEventOf({ kind: 'dnaValid', to: from }),
    dnaEventOf({ kind: 'dnaInvalid', to: from }),
  ];
  assert.deepEqual(events, [
    { type: 'peer.domainAsserted', domain },
    { type: 'peer.proofReceived', domain, prooftype: 'dnssec-ta', data: 'x' },
    { type: 'peer.proofReceived', domain, prooftype: null, data: null },
    { type: 'peer.proofDeclaredImpossible', domain },
    { type: 'peer.domainDeclaredValid', domain },
    { type: 'peer.domainDeclaredInvalid', domain },
  ]);
});

test('of the types of a challenge those that somebody may know are told, each once, in the order of the challenger (ProtoXEP §4.4)', () => {
  const types = ['x', uriOf('dnssec-ta'), 'http://x.example/', uriOf('attribute-cert'), uriOf('dnssec-ta'), ''];
  const event = dnaEventOf({ kind: 'dnaChallenge', to: 'a.example', types });
  assert.deepEqual(event['prooftypes'], ['dnssec-ta', 'http://x.example/', 'attribute-cert']);
});

test('what names no domain is ignored as something unknown (RFC 6120 §4.8.4)', () => {
  for (const wrong of ['', ' ', 'a..example', 'a@b.example', 'a.example/x', 'x'.repeat(2000), '\u0000'])
    assert.deepEqual(dnaEventOf({ kind: 'dnaImpossible', from: wrong }), {
      type: 'peer.unsupportedReceived',
      name: '{urn:xmpp:dna:0}impossible',
    });
});
