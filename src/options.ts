/** What a manager is made from: the configuration file of `serve` (INTERFACES), as an object. */
import type { TlsMode } from './protocol/dns.ts';
import type { Credential, ListenOptions } from './ports.ts';

/** Federation policies of XEP-0238, weakest first. */
export type Federation = 'permissive' | 'verified' | 'encrypted' | 'authenticated';
export type ProoftypeName = 'dane' | 'pkix' | 'posh' | 'dialback';

export interface FixedTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
}

/** Policy towards one remote domain. What is absent is inherited. */
export interface DomainPolicy {
  readonly federation?: Federation;
  readonly prooftypes?: readonly ProoftypeName[];
  readonly minTls?: '1.2' | '1.3';
  readonly target?: FixedTarget;
}

export interface PolicyOptions extends Omit<DomainPolicy, 'target'> {
  /** If not empty: only these domains and those below them. */
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  /** Keys are a domain or `*.suffix`; the most specific one wins. */
  readonly domains?: Readonly<Record<string, DomainPolicy>>;
}

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
