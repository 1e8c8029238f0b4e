#!/usr/bin/env node
/** The program `xmpp-dna`. */
import { setFlagsFromString } from 'node:v8';
import { holdSignals } from './signals.ts';

/** How long leftovers of a command (an idle socket, a timer) may keep the process alive, in milliseconds. */
const LINGER_MS = 1_000;

// Signals are handled before anything else is loaded, which takes time: a daemon drains whenever it is told to stop.
if (process.argv.slice(2).find((word) => !word.startsWith('-')) === 'serve') {
  holdSignals();
  // V8 would otherwise allocate objects from call sites whose objects often survive directly in the old generation,
  // where they keep everything they refer to until the next full collection: 50 KiB of each closed stream
  // (docs/adr/streams-and-pairs.md, "Garbage of streams").
  setFlagsFromString('--no-allocation-site-pretenuring');
  // The young generation holds little live data: sharing the scavenge between threads costs more than it saves.
  setFlagsFromString('--no-parallel-scavenge');
  // Scavenge when a quarter of the young generation is full, not four fifths: chunks that were read lie outside the
  // heap, count towards the old generation, and are freed with the young objects. Otherwise full collections took a
  // third of the stanza path (docs/adr/stanza-path.md).
  setFlagsFromString('--minor-gc-task-trigger=25');
}
const { runCommandLine } = await import('./run.ts');
const { createTerminal } = await import('./terminal.ts');

// The reader of our output may exit first, as `head` does; a daemon continues without it.
process.stdout.on('error', () => undefined);
process.exitCode = await runCommandLine(process.argv.slice(2), createTerminal);
setTimeout(() => process.exit(), LINGER_MS).unref();
