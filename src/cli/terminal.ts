/** Output of the commands, and the meaning of their exit codes. */
import { type Paint, paintFor } from './paint.ts';
import { jsonLine } from './visible.ts';

/** Exit codes of every command. */
export const EXIT = {
  /** Done, with a good result. */
  good: 0,
  /** Done, with a bad result: not proved, scenario failed, something is stuck. */
  bad: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** A required part is missing. */
  missing: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** This machine lacks something that is required; the message says how to install it. */
export class MissingPartError extends Error {
  override readonly name = 'MissingPartError';
}

/** A wrong file or address: the command line itself is correct, so the usage is not printed. */
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
  /** Colours text for stderr; plain unless that is a terminal and `NO_COLOR` is not set. */
  readonly paint: Paint;
}

export function createTerminal(json: boolean): Terminal {
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
    paint: paintFor(process.stderr),
  };
}
