#!/usr/bin/env node
/** The program `xmpp-dna`. */
import { setFlagsFromString } from 'node:v8';
import { holdSignals } from './signals.ts';

/** How long what a command leaves behind (an idle socket, a timer) may hold the process, in milliseconds. */
const LINGER_MS = 1_000;

// Heard before anything else is loaded, which takes its time: a daemon drains, whenever it is told to stop.
if (process.argv.slice(2).find((word) => !word.startsWith('-')) === 'serve') {
  holdSignals();
  // What V8 has often seen live on it allocates among the old from then on, and that keeps all it refers to until the next full
  // collection: 50 KiB of each stream that is gone (docs/adr/streams-and-pairs.md, "Garbage of streams").
  setFlagsFromString('--no-allocation-site-pretenuring');
  // Its young are few: threads that share them out cost more than they save.
  setFlagsFromString('--no-parallel-scavenge');
  // And they are looked through when they fill a quarter of their space, not four fifths: chunks that were read lie outside the heap,
  // count against the old, and go with the young. Without, full collections took a third of the stanza path (docs/adr/stanza-path.md).
  setFlagsFromString('--minor-gc-task-trigger=25');
}
const { runCommandLine } = await import('./run.ts');
const { createTerminal } = await import('./terminal.ts');

// Who reads our output may go before us, as `head` does; a daemon goes on without.
process.stdout.on('error', () => undefined);
process.exitCode = await runCommandLine(process.argv.slice(2), createTerminal);
setTimeout(() => process.exit(), LINGER_MS).unref();
