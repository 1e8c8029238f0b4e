/** `xmpp-dna replay`: shows a trace in the inspector page, on this machine only. */
import { basename } from 'node:path';
import { loadPage } from '../inspector/page.ts';
import { Inspector } from '../inspector/server.ts';
import { FaultError, faultSentence } from '../protocol/faults.ts';
import type { RunCommand } from './command.ts';
import { openTrace, warn } from './open-trace.ts';
import { hearSignals, ignoreSignals } from './signals.ts';
import { EXIT, UsageError } from './terminal.ts';

export const replay: RunCommand = async ({ values, positionals }, terminal) => {
  const [file = ''] = positionals;
  const port = portIn(values['port']);
  // The page reads it again; this only checks that it is a trace.
  const opened = await openTrace(file, Date.now());
  warn(file, opened, terminal);
  const page = loadPage();
  if (page.size === 0) {
    terminal.tell(terminal.paint('red', 'xmpp-dna replay: the page is not built here: npm run build'));
    return EXIT.missing;
  }
  const { view, lines } = opened;
  const inspector = await listening(port, {
    view: () => view,
    traceLines: () => ended(lines),
    trace: { name: basename(file), atMs: view.atMs },
  });
  const signalled = new Promise<void>((resolve) => hearSignals(() => resolve()));
  terminal.print(`${basename(file)} is shown at ${inspector.url}`);
  terminal.print('Ctrl-C ends it.');
  terminal.event({ event: 'ready', inspector: inspector.url });
  await signalled;
  ignoreSignals();
  await inspector.stop();
  return EXIT.good;
};

function portIn(value: string | boolean | undefined): number {
  if (value === undefined) return 0;
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`--port: expected a number up to 65535, got ${JSON.stringify(value)}`);
}

async function listening(port: number, inspected: Parameters<typeof Inspector.start>[1]): Promise<Inspector> {
  try {
    return await Inspector.start({ address: '127.0.0.1', port, token: null }, inspected);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw new UsageError(`--port: expected a port that is free: ${faultSentence(error.fault)}`);
  }
}

function* ended(lines: readonly string[]): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}
