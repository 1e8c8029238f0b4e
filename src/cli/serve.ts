/** `xmpp-dna serve`: federates the hosts and components of a configuration file until it is told to stop. */
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
  for (const warning of config.warnings) terminal.tell(terminal.paint('yellow', warning));
  const ports = createPorts(config);
  return runDaemon({ file, config, ports, manager: new ConnectionManager(config.manager, ports) }, terminal);
};
