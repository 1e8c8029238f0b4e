/** `xmpp-dna explain`: explains the state of the negotiations in a trace, or in a running daemon. */
import { existsSync, writeFileSync } from 'node:fs';
import { canonicalDomain } from '../protocol/names.ts';
import { writeBundle } from '../trace/explain/bundle.ts';
import { explain as explanationsOf, type Explanation, type PairWanted, pairFrom } from '../trace/explain/explain.ts';
import { isAbout } from '../trace/join/about.ts';
import type { Disagreement } from '../trace/join/disagreement.ts';
import { join } from '../trace/join/join.ts';
import { overlapOf } from '../trace/join/overlap.ts';
import { lasting } from '../trace/explain/words.ts';
import type { View } from '../trace/view/view.ts';
import { paintFor } from './paint.ts';
import type { RunCommand } from './command.ts';
import { explanationsAt, traceAt } from './explain-inspector.ts';
import { lineOfWell, linesOfDisagreement, linesOfExplanation, summary } from './explain-text.ts';
import { type OpenedTrace, openTrace, warn } from './open-trace.ts';
import { packageVersion } from './version.ts';
import { EXIT, InputError, UsageError, type ExitCode, type Terminal } from './terminal.ts';

/** Maximum number of healthy negotiations listed, one line each. */
const MOST_WELL = 20;

export const explain: RunCommand = async ({ values, positionals }, terminal) => {
  const { inspector, bundle, 'hide-addresses': hide } = values;
  if (hide === true && typeof bundle !== 'string')
    throw new UsageError('--hide-addresses can only be used with --bundle');
  if (typeof inspector === 'string') {
    if (positionals.length > 1) throw new UsageError('expected --inspector URL [PAIR]');
    const pair = positionals[0] === undefined ? {} : wanted(positionals[0]);
    const { explanations: told, leftOut } = await explanationsAt(inspector, pair);
    if (leftOut > 0) terminal.tell(terminal.paint('yellow', `${leftOut} more are left out: name a pair, or a domain`));
    if (typeof bundle === 'string') pack(bundle, told, await traceAt(inspector), Date.now(), hide === true, terminal);
    return print(told, [], terminal, positionals[0]);
  }
  const [file, ...further] = positionals;
  if (file === undefined) throw new UsageError('expected FILE or --inspector URL');
  const nowMs = Date.now();
  const first = await openTrace(file, nowMs);
  const second = await secondOf(further, nowMs);
  const [pair] = second === null ? further : further.slice(1);
  const asked = pair === undefined ? {} : wanted(pair);
  const told = explanationsOf(first.view, asked);
  warn(file, first, terminal);
  if (second === null) {
    if (typeof bundle === 'string') pack(bundle, told, first.lines, first.view.atMs, hide === true, terminal);
    return print(told, [], terminal, pair);
  }
  if (bundle !== undefined) throw new UsageError('--bundle takes one trace only: make a bundle at each end');
  warn(further[0] ?? '', second, terminal);
  const ends = [first.view, second.view] as const;
  warnOfJoin([file, further[0] ?? ''], ends, terminal);
  const apart = join(...ends).filter((one) => pair === undefined || isAbout(one, ends, asked));
  return print(told, apart, terminal, pair);
};

/** Warns about parts of the two traces that cannot be compared. */
function warnOfJoin(names: readonly [string, string], [a, b]: readonly [View, View], terminal: Terminal): void {
  const others = new Set(b.hosts);
  const served = a.hosts.find((host) => others.has(host));
  if (served !== undefined) throw new InputError(`${names.join(' and ')} are from the same end: both serve ${served}`);
  const note = (sentence: string): void => terminal.tell(terminal.paint('yellow', sentence));
  const { shared, onlyA, onlyB, shorter } = overlapOf(a, b);
  note(
    `${shared === 0 ? 'no stream is' : shared === 1 ? 'one stream is' : `${shared} streams are`} in both traces; ${onlyA} only in ${names[0]}, ${onlyB} only in ${names[1]}`,
  );
  if (shorter === null) return;
  const [first, second] = shorter.which === 'first' ? names : [names[1], names[0]];
  note(`${first} ends ${lasting(shorter.byMs)} before ${second}: what came later is not compared`);
}

const looksLikeFile = (name: string): boolean => /[/\\]|\.(?:dnalog|jsonl?|gz)$/.test(name);

/** A further argument is a second trace if there is a file of that name; else it is a pair. */
async function secondOf([name, ...further]: readonly string[], nowMs: number): Promise<OpenedTrace | null> {
  const isFile = name !== undefined && !name.includes('>') && existsSync(name);
  if (name !== undefined && !isFile && looksLikeFile(name)) throw new InputError(`${name}: there is no such file`);
  if (further.length > (isFile ? 1 : 0)) throw new UsageError('expected FILE [FILE2] [PAIR]');
  return isFile ? await openTrace(name, nowMs) : null;
}

function wanted(text: string): PairWanted {
  const { local, remote } = pairFrom(text);
  const canonical = (typed: string): string => {
    const domain = canonicalDomain(typed);
    if (domain !== null) return domain;
    throw new UsageError(`expected an existing trace file, LOCAL>REMOTE, or REMOTE, got ${JSON.stringify(text)}`);
  };
  return {
    ...(local === undefined ? {} : { local: canonical(local) }),
    ...(remote === undefined ? {} : { remote: canonical(remote) }),
  };
}

function pack(
  out: string,
  explanations: readonly Explanation[],
  trace: Iterable<string>,
  atMs: number,
  hideAddresses: boolean,
  terminal: Terminal,
): void {
  const header = {
    software: `xmpp-dna ${packageVersion()}`,
    platform: `${process.version} ${process.platform} ${process.arch}`,
    atMs,
  };
  let bytes: Buffer;
  try {
    bytes = writeBundle({ header, explanations, trace }, hideAddresses);
    // It may reveal who talks to whom, so nobody else on this machine may read it.
    writeFileSync(out, bytes, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new UsageError(`--bundle: ${error instanceof Error ? error.message : String(error)}`);
  }
  terminal.tell(`${out}: ${bytes.length} bytes; look through it before you send it: zcat ${out}`);
}

function print(
  told: readonly Explanation[],
  disagreements: readonly Disagreement[],
  terminal: Terminal,
  pair: string | undefined,
): ExitCode {
  const paint = paintFor(process.stdout);
  terminal.print(summary(told, disagreements, paint, pair));
  for (const one of disagreements) {
    terminal.event({ event: 'disagreement', ...one });
    for (const line of linesOfDisagreement(one, paint)) terminal.print(line);
  }
  let well = 0;
  for (const one of told) {
    terminal.event({ event: 'explanation', ...one });
    // A question about one pair is answered in full.
    if (one.stuck || told.length === 1) for (const line of linesOfExplanation(one, paint)) terminal.print(line);
    else if (++well <= MOST_WELL) terminal.print(`${well === 1 ? '\n' : ''}${lineOfWell(one, paint)}`);
  }
  if (well > MOST_WELL) terminal.print(`and ${well - MOST_WELL} more in order`);
  return told.some(({ stuck }) => stuck) || disagreements.length > 0 ? EXIT.bad : EXIT.good;
}
