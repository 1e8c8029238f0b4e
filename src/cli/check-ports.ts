/** The ports of a check: from its configuration, or, without one, whatever this machine provides. */
import type { ServeConfig } from '../config/load.ts';
import { createNodePorts, type NodePorts } from '../node-ports.ts';
import { FaultError, faultSentence } from '../protocol/faults.ts';
import { createPorts, INSTALL_VALIDATOR } from './ports.ts';

/** @throws as {@link createPorts} does; without a configuration, a missing validator is only noted. */
export function portsFor(
  file: string,
  config: ServeConfig | null,
  note: (sentence: string) => void,
  create: typeof createNodePorts = createNodePorts,
): NodePorts {
  if (config !== null) return createPorts(file, config, note, create);
  try {
    return create({ hosts: {}, dns: { validator: 'libunbound' } });
  } catch (thrown) {
    if (!(thrown instanceof FaultError) || thrown.fault.layer !== 'dns') throw thrown;
    const why = faultSentence(thrown.fault);
    note(`DNS answers are not validated here, so DANE proves nothing (${why}); ${INSTALL_VALIDATOR}`);
    return create({ hosts: {} });
  }
}
