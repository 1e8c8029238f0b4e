/** Operator actions from the page: `POST /api/commands`. */
import { FaultError, faultSentence } from '../protocol/faults.ts';
import { fieldsIn, numberIn } from '../trace/context.ts';
import type { Commands } from './inspected.ts';

export interface CommandAnswer {
  readonly status: 200 | 400 | 404 | 409;
  readonly done: boolean;
  /** One sentence for the operator. */
  readonly text: string;
}

type Run = (commands: Commands, fields: Readonly<Record<string, unknown>>) => CommandAnswer;

const done = (text: string): CommandAnswer => ({ status: 200, done: true, text });
const refused = (status: 400 | 404 | 409, text: string): CommandAnswer => ({ status, done: false, text });

/** An error in the command itself. */
class Malformed extends Error {}

function domainIn(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length <= 1_000) return value;
  throw new Malformed(`expected "${name}", a domain`);
}

const runs: Readonly<Record<string, Run>> = {
  connect: (commands, fields) => {
    const [local, remote] = [domainIn(fields, 'local'), domainIn(fields, 'remote')];
    const found = commands.connect(local, remote);
    if (found.outcome === 'opening') return done(`a stream is looked for, or opened, from ${local} to ${remote}`);
    if (found.outcome === 'stands') return done(`stream ${found.stream} serves ${local} and ${remote} already`);
    const why = found.fault === null ? '' : ` (${faultSentence(found.fault)})`;
    return refused(409, `${remote} has failed${why}, and nothing is tried for a while: retry ends that`);
  },
  retry: (commands, fields) => {
    const [local, remote] = [domainIn(fields, 'local'), domainIn(fields, 'remote')];
    return commands.retry(local, remote)
      ? done(`the hold-off is over: ${remote} is tried anew for ${local}`)
      : refused(409, `nothing holds off between ${local} and ${remote}`);
  },
  close: (commands, fields) => {
    const stream = numberIn(fields['stream']);
    if (stream === null) throw new Malformed('expected "stream", a number');
    return commands.closeStream(stream)
      ? done(`stream ${stream} closes`)
      : refused(404, `there is no stream ${stream}`);
  },
  block: (commands, fields) => {
    const domain = domainIn(fields, 'domain');
    return commands.block(domain)
      ? done(`${domain} and what is below it are blocked, until they are unblocked or the daemon starts anew`)
      : refused(409, `${domain} is blocked already`);
  },
  unblock: (commands, fields) => {
    const domain = domainIn(fields, 'domain');
    return commands.unblock(domain)
      ? done(`${domain} is blocked no more`)
      : refused(409, `${domain} was not blocked by hand`);
  },
};

export const commandNames: readonly string[] = Object.keys(runs);

export function runCommand(commands: Commands, text: string): CommandAnswer {
  const fields = objectIn(text);
  const command = fields?.['command'];
  const run = typeof command === 'string' && Object.hasOwn(runs, command) ? runs[command] : undefined;
  if (fields === null || run === undefined)
    return refused(400, `expected a JSON object with "command": ${commandNames.join(', ')}`);
  try {
    return run(commands, fields);
  } catch (error) {
    if (error instanceof FaultError) return refused(409, faultSentence(error.fault));
    if (error instanceof Malformed || error instanceof TypeError) return refused(400, error.message);
    throw error;
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? fieldsIn(parsed) : null;
  } catch {
    return null;
  }
}
