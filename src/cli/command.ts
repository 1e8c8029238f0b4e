/** A sub-command: one entry of the table in commands.ts, and one file of its own. */
import type { ExitCode, Terminal } from './terminal.ts';

/** The arguments after the name of the command, already checked against {@link CommandEntry}. */
export interface CommandInput {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * Runs a command.
 * @throws UsageError if the values do not fit together; the usage is then printed (except for an InputError) and the
 * exit code is 2.
 */
export type RunCommand = (input: CommandInput, terminal: Terminal) => Promise<ExitCode>;

export interface CommandEntry {
  /** Follows the name in the usage. */
  readonly synopsis: string;
  readonly summary: string;
  /** Further lines of its help. */
  readonly details?: readonly string[];
  /** Its own options, besides `--json` and `--help`; each takes one value or none. */
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;
  readonly positionals: { readonly min: number; readonly max: number };
  /** Loaded when the command is run, so that no command pays for the modules of another. */
  readonly load: () => Promise<RunCommand>;
}
