/** The real ports, created from the configuration. */
import { ConfigError, type ServeConfig } from '../config/load.ts';
import { createNodePorts, type NodePorts } from '../node-ports.ts';
import { FaultError, faultSentence } from '../protocol/faults.ts';
import { MissingPartError } from './terminal.ts';

/** How to install a missing validator. */
export const INSTALL_VALIDATOR = 'Debian: apt-get install libunbound8 dns-root-data';

/**
 * @throws MissingPartError if the configuration names libunbound and this machine lacks it: there is no silent
 *   fallback to unvalidated names. ConfigError with the validator's objection to `dns`. FaultError `pkix` if the trust
 *   anchors are wrong.
 */
export function createPorts(
  file: string,
  config: ServeConfig,
  warn: (sentence: string) => void,
  create: typeof createNodePorts = createNodePorts,
): NodePorts {
  const { manager, trust, dns, posh } = config;
  if (dns.validator === 'none')
    warn(
      `${file}: dns.validator: none, so every answer counts as insecure, and DANE and secure delegation prove nothing; set it to libunbound (${INSTALL_VALIDATOR})`,
    );
  try {
    return create({
      hosts: manager.hosts,
      trust: { system: trust.system, anchors: trust.files },
      dns,
      posh: { ...posh, anchors: posh.files },
    });
  } catch (thrown) {
    if (!(thrown instanceof FaultError) || thrown.fault.layer !== 'dns') throw thrown;
    const sentence = faultSentence(thrown.fault);
    if (thrown.fault.condition === 'validator-unavailable')
      throw new MissingPartError(`${file}: dns.validator: ${sentence}; ${INSTALL_VALIDATOR}, or set it to none`);
    throw new ConfigError([`${file}: ${sentence}`]);
  }
}
