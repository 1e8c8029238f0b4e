/** What is asked of a check. */
import type { Credential } from '../ports.ts';
import type { PolicyOptions } from '../protocol/policy.ts';
import type { Service } from '../protocol/service.ts';

export interface CheckQuestion {
  /** The domain that is checked, canonical. */
  readonly domain: string;
  readonly service: Service;
  /** Whom the header names as ours, canonical; empty for a client, which names nobody. */
  readonly local: string;
  readonly policy: PolicyOptions;
  /** How we would prove `local`; null where that is not tried. */
  readonly authentication: {
    readonly credential: Credential | null;
    /** That of the server which answers for `local`: it is asked about the key (XEP-0185). Null: dialback is not tried. */
    readonly dialbackSecret: string | null;
  } | null;
}
