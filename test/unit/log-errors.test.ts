/** An error of ours in a root actor is a line of the log, at the level `error`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokenActor } from '../../machines/events.ts';
import { createLog } from '../../src/cli/log.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { fault } from '../../src/protocol/faults.ts';

test('a peer that broke, and a search that did, are told of in the log', () => {
  const lines: string[] = [];
  const terminal = { tell: (line: string) => lines.push(line), paint: (_colour: string, text: string) => text };
  const log = createLog(terminal as unknown as Terminal, () => 0);
  const boom = fault('internal', 'internal-error', 'local', 'boom');
  const record = { kind: 'report', sequence: 1, atMs: 0, actor: 'peer:x', machine: 'peer' } as const;
  const broken: BrokenActor = { type: 'peer.errored', remote: 'x', fault: boom };
  log.record({ ...record, report: broken });
  const search = { type: 'search.failed', fault: boom };
  log.record({ ...record, report: search });
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z error peer:x: ended by an error of ours: internal: internal-error (local): boom',
    '1970-01-01T00:00:00.000Z warning peer:x: cannot look for a standing stream: internal: internal-error (local): boom',
  ]);
});
