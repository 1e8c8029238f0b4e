/** What of the configuration file can be put in force while the daemon runs: policy, certificates, proofs of delegation. */
import { loadConfig, type ServeConfig } from '../config/load.ts';
import type { DnaProofs, ManagerOptions } from '../options.ts';
import type { PolicyOptions } from '../protocol/policy.ts';
import type { Log } from './log.ts';

export interface Reloadable {
  /** Those of the manager and of the ports. */
  readonly setCredentials: (hosts: ManagerOptions['hosts']) => void;
  readonly setPolicy: (policy: PolicyOptions) => void;
  readonly setProofs: (domain: string, proofs: DnaProofs | null) => void;
}

/** What is in force, of what can be reloaded. */
export class Reloads {
  readonly #file: string;
  readonly #target: Reloadable;
  readonly #hosted: readonly string[];
  /** What is shown, by domain. */
  #shown: NonNullable<ManagerOptions['proofs']>;

  constructor(file: string, { manager: { hosts, proofs = {} } }: ServeConfig, target: Reloadable) {
    this.#file = file;
    this.#target = target;
    this.#hosted = Object.keys(hosts);
    this.#shown = proofs;
  }

  /** Puts the file in force; live streams that its policy forbids are closed. A file that is wrong changes nothing. */
  reload(log: Log): void {
    try {
      const { manager, warnings } = loadConfig(this.#file);
      for (const warning of warnings) log.say('warning', warning);
      this.#target.setPolicy(manager.policy ?? {});
      this.#target.setCredentials(this.#ofHosted(manager.hosts));
      this.#showProofs(this.#ofHosted(manager.proofs ?? {}));
      log.say(
        'info',
        `SIGHUP: the policy of ${this.#file} is in force, with its certificates and proofs; what else has changed there needs a restart`,
      );
    } catch (error) {
      log.say('error', `SIGHUP: nothing is changed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Domains that are new in the file are not served before a restart, and those that are gone are. */
  #ofHosted<Value>(byDomain: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
    const hosted = new Set(this.#hosted);
    return Object.fromEntries(Object.entries(byDomain).filter(([domain]) => hosted.has(domain)));
  }

  /** Each change is told to every stream: what is as it was is left alone. */
  #showProofs(proofs: NonNullable<ManagerOptions['proofs']>): void {
    for (const domain of new Set([...Object.keys(this.#shown), ...Object.keys(proofs)])) {
      const [before, now] = [this.#shown[domain], proofs[domain]];
      if (JSON.stringify(before) !== JSON.stringify(now)) this.#target.setProofs(domain, now ?? null);
    }
    this.#shown = proofs;
  }
}
