/** The prooftypes as tables: one question each, three possible verdicts, and never a fourth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daneProoftype, dialbackProoftype, pkixProoftype, poshProoftype } from '../../../machines/index.ts';
import type { DaneInput, PoshInput } from '../../../machines/index.ts';
import type { ProofVerdict } from '../../../src/protocol/proof.ts';
import { type Message, PureActor } from '../../support/pure.ts';
import { certificateOf } from '../../support/samples.ts';
import { broken, checkTable, done, ended } from '../../support/tables.ts';

const certificate = certificateOf('a.example');

const pkixEvents = {
  'path valid': done('validatePath', { kind: 'valid', notAfterMs: 4e12, pathSha256: ['leaf', 'root'] }),
  'path invalid': done('validatePath', { kind: 'invalid', condition: 'expired', text: 'it ended', depth: 0 }),
  'validator broken': broken('validatePath'),
};
checkTable({
  machine: pkixProoftype,
  spec: 'RFC 6120 §13.7.2, RFC 7712 §7',
  input: {
    stream: 1,
    service: 'xmpp-server',
    sourceDomain: 'a.example',
    derivedDomains: [],
    delegationExpiresAtMs: null,
    certificate,
  },
  events: pkixEvents,
  ways: { awaitingPath: [], proved: ['path valid'], refuted: ['path invalid'], undetermined: ['late'] },
  table: {
    awaitingPath: {
      'path valid': ['proved'],
      'path invalid': ['refuted'],
      'validator broken': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(pkixEvents),
    refuted: ended(pkixEvents),
    undetermined: ended(pkixEvents),
  },
});

test('A7: what a delegated name has proved ends with the answer that delegated it (RFC 7673 §4.1)', () => {
  const pkix = (dnsName: string, derivedDomains: readonly string[]) =>
    new PureActor(pkixProoftype, {
      stream: 1,
      service: 'xmpp-server',
      sourceDomain: 'a.example',
      derivedDomains,
      delegationExpiresAtMs: 1_000,
      certificate: certificateOf(dnsName),
    }).sendInternal(pkixEvents['path valid']).snapshot.output;
  const expiryOf = (verdict: ProofVerdict | undefined) => (verdict?.kind === 'proved' ? verdict.expiresAtMs : verdict);
  assert.equal(expiryOf(pkix('h.example', ['h.example'])), 1_000);
  assert.equal(expiryOf(pkix('a.example', ['h.example'])), 4e12, "its own name is nobody's to lend");
});

const record = { usage: 3, selector: 1, matching: 1, data: 'ab'.repeat(32) };
const daneInput: DaneInput = {
  stream: 1,
  service: 'xmpp-server',
  sourceDomain: 'a.example',
  derivedDomains: ['h.example'],
  certificate,
  sets: [{ owner: '_5269._tcp.h.example', records: [record] }],
  expiresAtMs: 500,
  unasked: 0,
};
const daneEvents = {
  matches: done('matchTlsa', { kind: 'matched', record, notAfterMs: null }),
  'matches none': done('matchTlsa', { kind: 'unmatched', condition: 'no-match', text: 'it has another key' }),
  'comparison broken': broken('matchTlsa'),
};
checkTable({
  machine: daneProoftype,
  spec: 'RFC 6698 §4.1, RFC 7673 §4',
  input: daneInput,
  inputs: { withheld: { ...daneInput, certificate: null }, undetermined: { ...daneInput, sets: [] } },
  events: daneEvents,
  ways: { awaitingMatch: [], proved: ['matches'], refuted: ['matches none'], undetermined: [], withheld: [] },
  table: {
    awaitingMatch: {
      matches: ['proved'],
      'matches none': ['refuted'],
      'comparison broken': ['withheld'],
      late: ['withheld'],
    },
    proved: ended(daneEvents),
    refuted: ended(daneEvents),
    undetermined: ended(daneEvents),
    withheld: ended(daneEvents),
  },
});

const daneVerdict = (changes: Partial<DaneInput>, event?: Message) => {
  const actor = new PureActor(daneProoftype, { ...daneInput, ...changes });
  if (event !== undefined) actor.sendInternal(event);
  return actor.snapshot.output ?? assert.fail('it waits');
};
const isFinal = (verdict: ProofVerdict): boolean => verdict.kind !== 'proved' && verdict.final === true;
const matchedBy = (usage: number, notAfterMs: number | null) =>
  done('matchTlsa', { kind: 'matched', record: { ...record, usage }, notAfterMs });

test('DANE-EE wants no name in the certificate; every other usage does (RFC 7671 §5.1, RFC 7673 §4.1)', () => {
  const stranger = certificateOf('somebody.example');
  assert.equal(daneVerdict({ certificate: stranger }, matchedBy(3, null)).kind, 'proved');
  for (const usage of [0, 1, 2]) {
    const refuted = daneVerdict({ certificate: stranger }, matchedBy(usage, 4e12));
    assert.deepEqual([refuted.kind, isFinal(refuted)], ['refuted', true], `usage ${usage}`);
    assert.equal(daneVerdict({ certificate: certificateOf('h.example') }, matchedBy(usage, 4e12)).kind, 'proved');
  }
});

test('what DANE proves ends with the records, or sooner with the path (RFC 7671 §5)', () => {
  const expiryOf = (verdict: ProofVerdict) => (verdict.kind === 'proved' ? verdict.expiresAtMs : null);
  assert.equal(expiryOf(daneVerdict({}, matchedBy(3, null))), 500);
  assert.equal(expiryOf(daneVerdict({}, matchedBy(1, 400))), 400);
});

test('S8: a mismatch, and a comparison that did not end, are final; where there is nothing to compare, PKIX decides (RFC 6698 §4.1)', () => {
  assert.ok(isFinal(daneVerdict({}, daneEvents['matches none'])));
  assert.ok(isFinal(daneVerdict({}, daneEvents['comparison broken'])));
  const unusable = { sets: [{ owner: 'x', records: [{ ...record, usage: 9 }] }] };
  const nothing = daneVerdict(unusable);
  assert.deepEqual([nothing.kind, isFinal(nothing)], ['undetermined', false]);
});

test('the picture tells what is final: nobody else decides after "withheld", and somebody may after "undetermined" (S8)', () => {
  const ends: [changes: Partial<DaneInput>, event?: Message][] = [
    [{ certificate: null }],
    [{ sets: [] }],
    [{}, daneEvents['comparison broken']],
    [{ unasked: 3 }, daneEvents['matches none']],
  ];
  const told = ends.map(([changes, event]) => {
    const actor = new PureActor(daneProoftype, { ...daneInput, ...changes });
    if (event !== undefined) actor.sendInternal(event);
    const { value, output } = actor.snapshot;
    return [value, output !== undefined && isFinal(output)];
  });
  const withheld = ['withheld', true];
  assert.deepEqual(told, [withheld, ['undetermined', false], withheld, withheld]);
});

test('where not all places were asked, a mismatch refutes nobody: the others may name the certificate', () => {
  const verdict = daneVerdict({ unasked: 3 }, daneEvents['matches none']);
  assert.equal(verdict.kind === 'undetermined' && verdict.fault.condition, 'too-many-targets');
  assert.match((verdict.kind === 'undetermined' && verdict.fault.text) || '', /3 further targets were not asked/);
});

test('S8: a domain with TLSA records wants TLS: without a certificate nothing else is asked (RFC 7673 §4)', () => {
  const plain = daneVerdict({ certificate: null });
  assert.deepEqual([plain.kind, isFinal(plain)], ['undetermined', true]);
});

test('of each place the strongest digest counts, whatever digests another has (RFC 7671 §9)', () => {
  const digest = (matching: number) => ({ usage: 3, selector: 1, matching, data: 'ab'.repeat(32 * matching) });
  const records = [digest(1), digest(2)];
  const sets = records.map((one, i) => ({ owner: `place ${i}`, records: [one] }));
  const { effects } = new PureActor(daneProoftype, { ...daneInput, sets });
  const asked = effects.flatMap((effect) => (effect.kind === 'spawned' ? [effect.input] : []));
  assert.deepEqual(asked, [{ stream: daneInput.stream, records }]);
});

const poshInput: PoshInput = {
  stream: 1,
  service: 'xmpp-server',
  sourceDomain: 'a.example',
  certificate,
  fresh: false,
  purpose: 'stanzas',
};
const document = (sha256: string, atMs = 1) =>
  done('fetchPoshDocument', {
    material: { fingerprints: [{ 'sha-256': sha256 }], expiresAtMs: 900, url: 'https://a.example/posh' },
    atMs,
  });
const poshEvents = {
  'lists it': document(certificate.sha256),
  'lists others': document('d'.repeat(64)),
  'no document': broken('fetchPoshDocument'),
};
checkTable({
  machine: poshProoftype,
  spec: 'RFC 7711 §3, RFC 7712 §5.2',
  input: poshInput,
  events: poshEvents,
  ways: { awaitingDocument: [], proved: ['lists it'], refuted: ['lists others'], undetermined: ['no document'] },
  table: {
    awaitingDocument: {
      'lists it': ['proved'],
      'lists others': ['refuted'],
      'no document': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(poshEvents),
    refuted: ended(poshEvents),
    undetermined: ended(poshEvents),
  },
});

test('a certificate that is out of its time is not proved by any document, and a proof ends with both (RFC 7711 §6)', () => {
  const late = new PureActor(poshProoftype, poshInput).sendInternal(document(certificate.sha256, 5e12));
  assert.equal(late.state, 'refuted');
  const { output } = new PureActor(poshProoftype, poshInput).sendInternal(poshEvents['lists it']).snapshot;
  assert.equal(output?.kind === 'proved' && output.expiresAtMs, 900);
});

const dialbackEvents = {
  'stream stands': done('openVerifyStream', { stream: 2, peerSha256: 'f'.repeat(64) }),
  'stream shows the same certificate': done('openVerifyStream', { stream: 2, peerSha256: certificate.sha256 }),
  'no stream': broken('openVerifyStream'),
  valid: done('askAuthoritativeServer', { type: 'valid' }),
  invalid: done('askAuthoritativeServer', { type: 'invalid' }),
  error: done('askAuthoritativeServer', { type: 'error', condition: 'item-not-found' }),
  'stream lost': broken('askAuthoritativeServer'),
};
checkTable({
  machine: dialbackProoftype,
  spec: 'A3, A4; XEP-0220 §2.2.1, XEP-0344 §2.6',
  input: { stream: 1, senderDomain: 'a.example', targetDomain: 'b.example', id: 'x', key: 'k', certificate },
  events: dialbackEvents,
  ways: {
    awaitingVerifyStream: [],
    awaitingVerifyAnswer: ['stream stands'],
    proved: ['stream shows the same certificate'],
    refuted: ['stream stands', 'invalid'],
    undetermined: ['no stream'],
  },
  table: {
    awaitingVerifyStream: {
      'stream stands': ['awaitingVerifyAnswer', 'spawn askAuthoritativeServer'],
      'stream shows the same certificate': ['proved'],
      'no stream': ['undetermined'],
      valid: '=',
      invalid: '=',
      error: '=',
      'stream lost': '=',
      late: ['undetermined'],
    },
    awaitingVerifyAnswer: {
      'stream stands': '=',
      'stream shows the same certificate': '=',
      'no stream': '=',
      valid: ['proved'],
      invalid: ['refuted'],
      error: ['refuted'],
      'stream lost': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(dialbackEvents),
    refuted: ended(dialbackEvents),
    undetermined: ended(dialbackEvents),
  },
});
