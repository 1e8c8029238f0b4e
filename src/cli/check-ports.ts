/** The ports of a check: those of its configuration, or, without one, what this machine has. */
import type { ServeConfig } from '../config/load.ts';
import { createNodePorts, type NodePorts } from '../node-ports.ts';
import { FaultError, faultSentence } from '../protocol/faults.ts';
import { createPorts } from './ports.ts';

/** Null where the configuration wants a validator and this machine has none; that is told. */
export function portsFor(
  file: string,
  config: ServeConfig | null,
  note: (sentence: string) => void,
  create: typeof createNodePorts = createNodePorts,
): NodePorts | null {
  if (config === null) return portsWithout(note, create);
  const ports = createPorts(file, config, note, create);
  if (config.dns.validator !== 'libunbound' || ports.resolver.validates) return ports;
  ports.close();
  return null;
}

function portsWithout(note: (sentence: string) => void, create: typeof createNodePorts): NodePorts {
  try {
    return create({ hosts: {}, dns: { validator: 'libunbound' } });
  } catch (thrown) {
    if (!(thrown instanceof FaultError) || thrown.fault.layer !== 'dns') throw thrown;
    const why = faultSentence(thrown.fault);
    note(
      `nobody validates the DNS here, so DANE proves nothing (${why}); Debian: apt-get install libunbound8 dns-root-data`,
    );
    return create({ hosts: {} });
  }
}
