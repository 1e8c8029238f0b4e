/** What a manager is made from: the configuration file of `serve` (INTERFACES), as an object. */
import type { PolicyOptions } from './protocol/policy.ts';
import type { Credential, ListenOptions } from './ports.ts';

export type { DomainPolicy, Federation, FixedTarget, PolicyOptions, ProoftypeName } from './protocol/policy.ts';

export interface LimitOptions {
  /** Largest stanza, in bytes from `<` to `>`. @defaultValue 524288; never below 10000 (RFC 6120 §13.12) */
  readonly stanzaBytes?: number;
  /** Largest element before the stream is authenticated, in bytes. @defaultValue 10000 */
  readonly preAuthBytes?: number;
  /** Stanzas queued per domain pair. @defaultValue 10000 */
  readonly queueStanzas?: number;
  /** Bytes queued per domain pair. @defaultValue 16777216 */
  readonly queueBytes?: number;
}

export interface ManagerOptions {
  /** Domains served here; a null credential serves the domain with that of a parent host. */
  readonly hosts: Readonly<Record<string, Credential | null>>;
  readonly listen?: readonly ListenOptions[];
  readonly policy?: PolicyOptions;
  /** XEP-0288. @defaultValue true */
  readonly bidi?: boolean;
  /** XEP-0185 secret, at least 16 characters; random if absent. */
  readonly dialback?: { readonly secret?: string };
  readonly limits?: LimitOptions;
}
