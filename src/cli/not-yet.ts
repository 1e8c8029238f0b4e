/** Commands that INTERFACES names and this version does not have. */
import type { CommandEntry, RunCommand } from './command.ts';
import { EXIT } from './terminal.ts';

/** Says so, and ends with the code for a missing part. */
export function notYet(name: string): CommandEntry['load'] {
  const run: RunCommand = (_input, terminal) => {
    terminal.tell(`xmpp-dna ${name}: not in this version`);
    return Promise.resolve(EXIT.missing);
  };
  return () => Promise.resolve(run);
}
