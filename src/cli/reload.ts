/** Puts parts of the configuration file in force while the daemon runs: policy, certificates, proofs of delegation. */
import { loadConfig, type ServeConfig } from '../config/load.ts';
import type { DnaProofs, ManagerOptions } from '../options.ts';
import type { PolicyOptions } from '../protocol/policy.ts';
import type { Log } from './log.ts';

export interface Reloadable {
  /** Sets the credentials of both the manager and the ports. */
  readonly setCredentials: (hosts: ManagerOptions['hosts']) => void;
  readonly setPolicy: (policy: PolicyOptions) => void;
  readonly setProofs: (domain: string, proofs: DnaProofs | null) => void;
}

/** Reloads the file, and remembers which proofs are in force. */
export class Reloads {
  readonly #file: string;
  readonly #target: Reloadable;
  readonly #hosted: readonly string[];
  /** The proofs in force, by domain. */
  #shown: NonNullable<ManagerOptions['proofs']>;

  constructor(file: string, { manager: { hosts, proofs = {} } }: ServeConfig, target: Reloadable) {
    this.#file = file;
    this.#target = target;
    this.#hosted = Object.keys(hosts);
    this.#shown = proofs;
  }

  /** Puts the file in force; live streams that its policy forbids are closed. A file with an error changes nothing. */
  reload(log: Log): void {
    let inForce = 'nothing is changed';
    try {
      const { manager, warnings } = loadConfig(this.#file);
      for (const warning of warnings) log.say('warning', warning);
      inForce = `only part of ${this.#file} is in force`;
      this.#target.setPolicy(manager.policy ?? {});
      this.#target.setCredentials(this.#ofHosted(manager.hosts));
      this.#showProofs(this.#ofHosted(manager.proofs ?? {}));
      log.say(
        'info',
        `SIGHUP: the policy of ${this.#file} is in force, with its certificates and proofs; any other change there needs a restart`,
      );
    } catch (error) {
      log.say('error', `SIGHUP: ${inForce}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /**
   * Only domains that were served at the start: new ones are not served before a restart, and removed ones still are.
   */
  #ofHosted<Value>(byDomain: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
    const hosted = new Set(this.#hosted);
    return Object.fromEntries(Object.entries(byDomain).filter(([domain]) => hosted.has(domain)));
  }

  /** Only changed proofs are set, because every stream is notified of each change. */
  #showProofs(proofs: NonNullable<ManagerOptions['proofs']>): void {
    for (const domain of new Set([...Object.keys(this.#shown), ...Object.keys(proofs)])) {
      const [before, now] = [this.#shown[domain], proofs[domain]];
      if (JSON.stringify(before) !== JSON.stringify(now)) this.#target.setProofs(domain, now ?? null);
    }
    this.#shown = proofs;
  }
}
