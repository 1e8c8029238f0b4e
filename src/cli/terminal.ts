/** Where the commands write to, and what their exit codes mean (INTERFACES). */
import { jsonLine } from './visible.ts';

/** Exit codes of every command. */
export const EXIT = {
  /** Done, and the answer is good. */
  good: 0,
  /** Done, and the answer is bad: not proved, scenario failed, something is stuck. */
  bad: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** A part is missing. */
  missing: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** This machine lacks something that was asked for; the message says what installs it. */
export class MissingPartError extends Error {
  override readonly name = 'MissingPartError';
}

/** A file or an address that is not what it has to be: what was typed is in order, so the usage does not help. */
export class InputError extends UsageError {}

export interface Terminal {
  /** With `--json`: JSON Lines on stdout, and nothing else there. */
  readonly json: boolean;
  /** A line for a person, on stdout; silent with `--json`. */
  print(line: string): void;
  /** One JSON line on stdout; silent without `--json`. */
  event(event: { readonly event: string } & Readonly<Record<string, unknown>>): void;
  /** A line on stderr. */
  tell(line: string): void;
  /** Wraps text for stderr in a colour; plain unless that is a terminal and `NO_COLOR` is not set. */
  paint(colour: Colour, text: string): string;
}

const COLOURS = { red: 31, yellow: 33, green: 32, dim: 2 } as const;
export type Colour = keyof typeof COLOURS;

export function createTerminal(json: boolean): Terminal {
  const noColor = process.env['NO_COLOR'];
  const coloured = process.stderr.isTTY && (noColor === undefined || noColor === '');
  return {
    json,
    print: (line) => {
      if (!json) process.stdout.write(`${line}\n`);
    },
    event: (event) => {
      if (json) process.stdout.write(`${jsonLine(event)}\n`);
    },
    tell: (line) => {
      process.stderr.write(`${line}\n`);
    },
    paint: (colour, text) => (coloured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text),
  };
}
