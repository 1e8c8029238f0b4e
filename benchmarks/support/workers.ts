/** Processes that generate the load, so that their processor time is not counted as the server's. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** V8 flags as in `xmpp-dna serve` (src/cli/main.ts). */
export const AS_SERVED = ['--no-allocation-site-pretenuring', '--no-parallel-scavenge', '--minor-gc-task-trigger=25'];

export interface Worker<Command, Answer> {
  readonly pid: number;
  /** One command at a time. Rejects when the worker reports an error or ends. */
  ask(command: Command): Promise<Answer>;
  stop(): void;
}

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

/** Starts `benchmarks/support/NAME.ts`; it runs until `stop`, or until this process ends. */
export function startWorker<Command extends object, Answer>(
  name: string,
  execArgv: readonly string[] = [],
): Worker<Command, Answer> {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child: ChildProcess = fork(file, { execArgv: ['--import', 'tsx', ...execArgv], serialization: 'advanced' });
  const stop = (): void => {
    process.off('exit', stop);
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  return {
    pid: child.pid ?? 0,
    stop,
    ask: (command) =>
      new Promise((resolve, reject) => {
        const settle = (): void => void child.off('message', heard).off('exit', ended);
        const heard = (reply: Reply<Answer>): void => {
          settle();
          if ('error' in reply) reject(new Error(`${name}: ${reply.error}`));
          else resolve(reply.answer);
        };
        const ended = (): void => {
          settle();
          reject(new Error(`${name} has ended`));
        };
        child.on('message', heard).on('exit', ended);
        child.send(command);
      }),
  };
}

/** The other end: executes one command at a time. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what comes over the wire is what the other end says it sends
export function serveCommands<Command, Answer>(obey: (command: Command) => Promise<Answer> | Answer): void {
  const say = (reply: Reply<Answer>): void => void process.send?.(reply);
  process.on('message', (command: Command) => {
    Promise.resolve()
      .then(() => obey(command))
      .then(
        (answer) => say({ answer }),
        (error: unknown) => say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
  process.on('disconnect', () => process.exit());
}
