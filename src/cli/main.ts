#!/usr/bin/env node
/** The program `xmpp-dna`. */
import { runCommandLine } from './run.ts';
import { createTerminal } from './terminal.ts';

/** How long what a command leaves behind (an idle socket, a timer) may hold the process, in milliseconds. */
const LINGER_MS = 1_000;

// Who reads our output may go before us, as `head` does; a daemon goes on without.
process.stdout.on('error', () => undefined);
process.exitCode = await runCommandLine(process.argv.slice(2), createTerminal);
setTimeout(() => process.exit(), LINGER_MS).unref();
