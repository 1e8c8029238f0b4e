/** `xmpp-dna serve`: federates the hosts and components of a configuration file until it is told to stop. */
import { sendOneTicket } from '../adapters/network/one-ticket.ts';
import { loadConfig } from '../config/load.ts';
import { ConnectionManager } from '../manager.ts';
import type { RunCommand } from './command.ts';
import { runDaemon } from './daemon.ts';
import { createPorts } from './ports.ts';
import { UsageError } from './terminal.ts';

export const serve: RunCommand = async ({ values }, terminal) => {
  const { config: file } = values;
  if (typeof file !== 'string') throw new UsageError('expected --config FILE');
  const config = loadConfig(file);
  const warn = (warning: string): void => terminal.tell(terminal.paint('yellow', warning));
  config.warnings.forEach(warn);
  sendOneTicket();
  const ports = createPorts(file, config, warn);
  try {
    return await runDaemon({ file, config, ports, manager: new ConnectionManager(config.manager, ports) }, terminal);
  } finally {
    ports.close();
  }
};
