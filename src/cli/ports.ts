/** The real ports, made from the configuration. */
import { ConfigError, type DnsOptions, type ServeConfig } from '../config/load.ts';
import { createNodePorts, type NodePorts } from '../node-ports.ts';
import { FaultError, faultSentence } from '../protocol/faults.ts';

/** What a person does about a validator that is not there. */
const INSTALL = 'Debian: apt-get install libunbound8 dns-root-data';
const UNVALIDATED = 'every answer counts as insecure, and DANE and secure delegation prove nothing';

/**
 * With a validator that this machine does not have, everything works but what needs one, and that is told.
 *
 * @throws ConfigError what the validator says against `dns`. FaultError `pkix`: what is wrong with the trust anchors.
 */
export function createPorts(
  file: string,
  config: ServeConfig,
  warn: (sentence: string) => void,
  create: typeof createNodePorts = createNodePorts,
): NodePorts {
  const { manager, trust, dns, posh } = config;
  const portsWith = (validator: DnsOptions['validator']): NodePorts =>
    create({
      hosts: manager.hosts,
      trust: { system: trust.system, anchors: trust.files },
      dns: { ...dns, validator },
      posh: { ...posh, anchors: posh.files },
    });
  try {
    if (dns.validator === 'none')
      warn(`${file}: dns.validator: none, so ${UNVALIDATED}; set it to libunbound (${INSTALL})`);
    return portsWith(dns.validator);
  } catch (thrown) {
    if (!(thrown instanceof FaultError) || thrown.fault.layer !== 'dns') throw thrown;
    if (thrown.fault.condition !== 'validator-unavailable')
      throw new ConfigError([`${file}: ${faultSentence(thrown.fault)}`]);
    warn(`${file}: dns.validator: there is no libunbound here, so ${UNVALIDATED}; ${INSTALL}`);
    return portsWith('none');
  }
}
