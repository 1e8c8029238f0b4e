/**
 * Names and texts that peers, certificates and zones choose, displayed to a person: lines stay lines, and show what is
 * there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { createLog } from '../../src/cli/log.ts';
import { jsonLine, visible } from '../../src/cli/visible.ts';
import { fault } from '../../src/protocol/faults.ts';
import { presentedNames } from '../../src/protocol/identity.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';

const nasty: readonly (readonly [string, string])[] = [
  ['an end of line, and a line of its own', 'a.example\n2026-01-01T00:00:00.000Z info pair.accepted'],
  ['a return to its start', 'a.example\rb.example'],
  ['a sequence that clears the screen', 'a\u001b[2J\u001b[Hb'],
  ['a title for the window', '\u001b]0;owned\u0007'],
  ['a sequence in one octet of C1', '\u009b2J'],
  ['NUL, BEL, backspace and DEL', 'a\u0000\u0007\b\u007f'],
  ['ends of line of Unicode', 'a\u0085\u2028\u2029b'],
  ['an override of direction', 'moc.\u202elpmaxe'],
  ['isolates and marks', '\u2066a\u2069\u200e\u200f\u061c'],
  ['what has no shape', 'pay\u200bpal\u2060.\ufeffexa\u00admple\u034f'],
  ['tags, which hide a text in a text', 'a\u{e0041}\u{e0042}'],
  ['halves of pairs', '\ud800a\udc00'],
];

/** Forbidden characters in a line, listed separately so that the test does not reuse the code that it tests. */
function offenders(line: string): string[] {
  return Array.from(line)
    .map((character) => character.codePointAt(0) ?? 0)
    .filter(
      (point) =>
        point < 0x20 ||
        (point >= 0x7f && point < 0xa0) ||
        [0xad, 0x34f, 0x61c, 0xfeff].includes(point) ||
        (point >= 0x200b && point <= 0x200f) ||
        (point >= 0x2028 && point <= 0x202e) ||
        (point >= 0x2060 && point <= 0x206f) ||
        (point >= 0xd800 && point < 0xe000) ||
        point >= 0xe0000,
    )
    .map((point) => point.toString(16));
}

for (const [what, text] of nasty) {
  test(`the log: ${what}, wherever it stands in a fault, a name or a report (D5)`, () => {
    const lines: string[] = [];
    const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, line: string) => line };
    const log = createLog(terminal, () => 0);
    const why = fault('pkix', 'name-mismatch', 'peer', text);
    const record = { seq: 1, atMs: 0, actor: `peer:${text}`, cause: null };
    log.fault('warning', text, why);
    log.component({ kind: 'refused', domain: text, remoteAddress: text, fault: why });
    const outcome = {
      domain: text,
      verdict: { kind: 'refuted', fault: why },
      attempts: [{ prooftype: text, verdict: { kind: 'refuted', fault: why } }],
    };
    for (const report of [
      { type: 'pair.accepted', from: text, to: text, proof: { prooftype: text } },
      { type: 'stream.closing', fault: why },
      { type: 'association.settled', outcome },
    ])
      log.record({ ...record, kind: 'report', report });
    assert.equal(lines.length, 5);
    for (const line of lines) assert.deepEqual(offenders(line), [], JSON.stringify(line));
  });

  test(`--json: ${what} is escaped, and is read as it was`, () => {
    const line = jsonLine({ event: 'step', text });
    assert.deepEqual(offenders(line), []);
    assert.deepEqual(JSON.parse(line), { event: 'step', text });
  });

  test(`a certificate: ${what} in each of its names, read and told (RFC 9525 §6.3)`, () => {
    const { der } = createCertificateAuthority({ name: 'CA' }).issue({
      dnsNames: [Buffer.from(text).toString('latin1')],
      xmppAddrs: [text],
      commonName: text,
    });
    const { presented } = readCertificate(der[0] ?? Buffer.alloc(0));
    assert.deepEqual(offenders(visible(presentedNames(presented).join(', '))), []);
  });
}

test('what a person reads stays: letters of all scripts, accents and signs', () => {
  const plain = 'münchen.example, пример.example, 例え.example, דוגמה.example: — “ok” … é 🙂';
  assert.equal(visible(plain), plain);
});

test('a very long text is one line of bounded length', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, line: string) => line };
  createLog(terminal, () => 0).say('info', '\u001b['.repeat(1_000_000));
  assert.deepEqual([lines.length, (lines[0]?.length ?? 0) < 1_100], [1, true]);
});
