/** Runs a command line: finds the command, checks its options, and turns its result or error into an exit code. */
import { parseArgs } from 'node:util';
import { suggestion } from '../config/nearest.ts';
import { ConfigError } from '../config/spot.ts';
import { FaultError } from '../protocol/faults.ts';
import type { CommandEntry, CommandInput } from './command.ts';
import { commands, usage } from './commands.ts';
import { EXIT, InputError, MissingPartError, UsageError, type ExitCode, type Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** @param args the arguments after the name of the program */
export async function runCommandLine(
  args: readonly string[],
  makeTerminal: (json: boolean) => Terminal,
): Promise<ExitCode> {
  const terminal = makeTerminal(args.includes('--json'));
  const [name = '', ...rest] = args.filter((arg, index) => index > 0 || arg !== '--json');
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (entry !== undefined) return await runCommand(entry, rest, terminal, name);
    if (name === '--version') return version(terminal);
    if (name === '--help' || name === 'help') return help(terminal, null);
    if (name === '') throw new UsageError('expected a command');
    if (name.startsWith('-')) throw new UsageError(`unknown option ${name}`);
    throw new UsageError(`unknown command ${name}${suggestion(name, Object.keys(commands))}`);
  } catch (error) {
    return failed(error, terminal, entry === undefined ? null : name);
  }
}

async function runCommand(
  entry: CommandEntry,
  args: readonly string[],
  terminal: Terminal,
  name: string,
): Promise<ExitCode> {
  const { values, positionals } = parse(entry, args);
  if (values['help'] === true) return help(terminal, name);
  if (values['version'] === true) return version(terminal);
  const { min, max } = entry.positionals;
  if (positionals.length < min) throw new UsageError(`expected ${entry.synopsis}`);
  if (positionals.length > max) throw new UsageError(`unexpected argument ${positionals[max] ?? ''}`);
  return (await entry.load())({ values, positionals }, terminal);
}

function parse(entry: CommandEntry, args: readonly string[]): CommandInput {
  const global = { json: { type: 'boolean' }, help: { type: 'boolean' }, version: { type: 'boolean' } } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...entry.options, ...global },
      allowPositionals: true,
    });
    return { values, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}

function help(terminal: Terminal, name: string | null): ExitCode {
  if (terminal.json) terminal.tell(usage(name));
  else terminal.print(usage(name));
  return EXIT.good;
}

function version(terminal: Terminal): ExitCode {
  terminal.print(packageVersion());
  terminal.event({ event: 'version', version: packageVersion() });
  return EXIT.good;
}

/** Conditions of faults that mean that this machine lacks something we need. */
const MISSING_PARTS: readonly string[] = ['openssl-unavailable'];

/** Prints why a command failed, and returns its exit code. */
function failed(error: unknown, terminal: Terminal, name: string | null): ExitCode {
  const complain = (line: string): void => terminal.tell(terminal.paint('red', line));
  if (error instanceof UsageError) {
    complain(`xmpp-dna: ${error.message}`);
    if (!(error instanceof InputError)) terminal.tell(usage(name));
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    error.problems.forEach(complain);
    return EXIT.usage;
  }
  if (error instanceof MissingPartError) {
    complain(error.message);
    return EXIT.missing;
  }
  if (error instanceof FaultError) {
    complain(`xmpp-dna: ${error.message}`);
    return MISSING_PARTS.includes(error.fault.condition) ? EXIT.missing : EXIT.bad;
  }
  complain(`xmpp-dna: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT.bad;
}
