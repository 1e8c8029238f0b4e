/** The real ports, made from the configuration. */
import type { ServeConfig } from '../config/load.ts';
import { createNodePorts } from '../node-ports.ts';
import type { Ports } from '../ports.ts';

/** @throws FaultError `pkix`: what is wrong with the trust anchors. */
export const createPorts = ({ manager, trust, dns }: ServeConfig): Ports =>
  createNodePorts({ hosts: manager.hosts, trust: { system: trust.system, anchors: trust.files }, dns });
