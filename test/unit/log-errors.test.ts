/** Errors are in the log: our own, and the reason why a peer is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokenActor } from '../../machines/events.ts';
import { createLog } from '../../src/cli/log.ts';
import { fault, MAX_TEXT } from '../../src/protocol/faults.ts';

test('a peer that broke, and a search that did, are told of in the log', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal, () => 0);
  const boom = fault('internal', 'internal-error', 'local', 'boom');
  const record = { kind: 'report', seq: 1, atMs: 0, actor: 'peer:x', cause: null } as const;
  const broken: BrokenActor = { type: 'peer.errored', remote: 'x', fault: boom };
  log.record({ ...record, report: broken });
  const search = { type: 'search.failed', fault: boom };
  log.record({ ...record, report: search });
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z error peer:x: ended by an internal error: internal: internal-error (local): boom',
    '1970-01-01T00:00:00.000Z warning peer:x: cannot look for a standing stream: internal: internal-error (local): boom',
  ]);
});

test('who is not let in, and what was tried, is in the log; a scanner does not fill it', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  let nowMs = 0;
  const log = createLog(terminal, () => nowMs);
  const told = (actor: string, report: { type: string }): void =>
    log.record({ kind: 'report', seq: 1, atMs: 0, cause: null, actor, report });
  const refuted = { kind: 'refuted', fault: fault('pkix', 'expired', 'peer', 'since yesterday') } as const;
  const attempts = [{ prooftype: 'pkix', verdict: refuted }];
  const unproved = { type: 'association.settled', outcome: { domain: 'b.example', verdict: refuted, attempts } };
  const refused = {
    type: 'verification.settled',
    outcome: { from: 'b.example', to: 'a.example', answer: { type: 'invalid' }, proof: null, attempts },
  };
  told('stream:1', unproved);
  told('stream:1', refused);
  told('stream:1', { ...unproved, type: 'association.settled' });
  const proved = { domain: 'b.example', verdict: { kind: 'proved' }, attempts: [] };
  told('stream:1', { ...unproved, ...{ outcome: proved } });
  assert.deepEqual(lines.splice(0), [
    '1970-01-01T00:00:00.000Z info stream:1: b.example is not proved; by pkix: pkix: expired (peer): since yesterday',
    '1970-01-01T00:00:00.000Z info stream:1: b.example to a.example may not come in; by pkix: pkix: expired (peer): since yesterday',
    '1970-01-01T00:00:00.000Z info stream:1: b.example is not proved; by pkix: pkix: expired (peer): since yesterday',
  ]);

  const down = { type: 'stream.refused', fault: fault('tcp', 'connection-refused', 'peer') };
  told('peer:c.example', down);
  told('peer:c.example', down);
  const closing = { type: 'stream.closing', fault: fault('stream', 'connection-timeout', 'peer') };
  for (let n = 0; n < 3_000; n += 1) told(`stream:${n}`, closing);
  assert.equal(lines.splice(0).length, 11);
  nowMs = 30_000;
  told('peer:c.example', down);
  told('stream:3000', closing);
  assert.match(lines[0] ?? '', /peer:c.example: no stream: .* \(and 1 times before\)$/);
  assert.match(lines[1] ?? '', /stream:3000: closes: .* \(and 2990 times before\)$/);
});

test('what a peer says is cut before it is looked at, and kept: a packet buys no more than a line', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal, () => 0);
  const spent = (length: number): number => {
    const before = process.cpuUsage();
    log.fault('warning', 'refused', { layer: 'stream', condition: 'x', origin: 'peer', text: 'a.'.repeat(length / 2) });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  spent(1_000); // compiled
  // Without the cut, ten times the length took a hundred times as long: minutes for the longest text of a stanza.
  assert.ok(spent(1_000_000) < 1_000_000, 'a second of processor time');
  assert.ok(lines.every((line) => line.length < 1_100));
  const { text } = fault('stream', 'x', 'peer', 'é'.repeat(1_000_000));
  assert.equal(text?.length, MAX_TEXT);
});
