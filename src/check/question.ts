/** The question that a check answers. */
import type { Credential } from '../ports.ts';
import type { PolicyOptions } from '../protocol/policy.ts';
import type { Service } from '../protocol/service.ts';

export interface CheckQuestion {
  /** The domain to check, canonical. */
  readonly domain: string;
  readonly service: Service;
  /** The local domain named in the stream header, canonical; empty for a client, which names none. */
  readonly local: string;
  readonly policy: PolicyOptions;
  /** How we would prove `local`; null if that is not attempted. */
  readonly authentication: {
    readonly credential: Credential | null;
    /**
     * The secret of the server that is authoritative for `local`, which is asked about the key (XEP-0185). Null:
     * dialback is not attempted.
     */
    readonly dialbackSecret: string | null;
  } | null;
}
