/** The definition of a demo scenario: two providers, what they send, and what has to be true afterwards. */
import type { LimitOptions, ManagerOptions, PolicyOptions } from '../options.ts';
import type { Facts } from './facts.ts';

/**
 * The providers of RFC 7712: A hosts a.example and c.example, B hosts b.example and d.example, as far as a scenario
 * needs them.
 */
export type Side = 'A' | 'B';

export interface CertificateSetup {
  /** @defaultValue every host of the provider */
  readonly names?: readonly string[];
  /** `stranger` is an authority that nobody trusts. @defaultValue trusted */
  readonly issuer?: 'trusted' | 'stranger';
  /** @defaultValue serverAuth, as public authorities issue */
  readonly usage?: 'serverAuth' | 'clientAuth';
  /** False: presented where the provider is the TLS server, but not where it is the TLS client. @defaultValue true */
  readonly shownAsClient?: boolean;
}

export interface ProviderSetup {
  readonly hosts: readonly string[];
  readonly certificate?: CertificateSetup;
  /** By domain; a domain that is not listed publishes an unsigned SRV record and nothing else. */
  readonly publishes?: Readonly<Record<string, Publication>>;
  /** Whose certificate the signed TLSA record at the target host matches (`3 1 1`). @defaultValue no record */
  readonly tlsa?: 'its own' | "somebody else's";
  /** @defaultValue authenticated federation (XEP-0238) */
  readonly policy?: PolicyOptions;
  /** The proofs that its hosts show when they are challenged (DNA protocol of 2009). @defaultValue none */
  readonly proofs?: NonNullable<ManagerOptions['proofs']>;
  /**
   * By domain: the kind of proof that its owner gave to this provider, to show when it is challenged.
   * @defaultValue none
   */
  readonly delegatedBy?: Readonly<Record<string, Delegated>>;
  /** The provider's own prooftypes. @defaultValue none */
  readonly prooftypes?: NonNullable<ManagerOptions['prooftypes']>;
  /** Whether to use streams in both directions (XEP-0288). @defaultValue false */
  readonly bidi?: boolean;
  readonly limits?: LimitOptions;
}

/** What a domain publishes outside XMPP, by which others judge its certificate. */
export interface Publication {
  /** Whether its SRV records and the addresses of the target host are signed (DNSSEC). @defaultValue false */
  readonly signed?: boolean;
  /** Whose certificate its POSH document lists. @defaultValue no document */
  readonly posh?: 'its own' | "somebody else's";
  /**
   * Whose key signs its zone, an island of security: to anybody without that key as a trust anchor, it is unsigned.
   * @defaultValue the zone is not an island of security
   */
  readonly island?: 'its own' | "somebody else's";
}

/** How a domain lets its provider speak for it, with a key that the provider never has (DNA protocol of 2009). */
export type Delegated = 'attribute-cert' | 'xml-assertion' | 'dnssec-ta';

/** One message, from a user of a hosted domain to a user of the other provider's. */
export interface Message {
  readonly from: string;
  readonly to: string;
}

/** A claim of a scenario: it holds when the observed value equals the expected one. */
export interface Check {
  readonly claim: string;
  readonly expected: string;
  readonly seen: (facts: Facts) => string;
}

export interface Scenario {
  /** Kebab-case, for `--json` and for test names. */
  readonly id: string;
  readonly title: string;
  /** The section that it follows. */
  readonly spec: string;
  /** What happens, in a sentence or two. */
  readonly story: string;
  readonly A: ProviderSetup;
  readonly B: ProviderSetup;
  /** The messages of one act are sent at once; the next act begins when the outcome of each is known. */
  readonly acts: readonly (readonly Message[])[];
  /**
   * Domains of B whose servers clients look for, from A's side, one after another, before the acts. @defaultValue none
   */
  readonly sought?: readonly string[];
  readonly checks: readonly Check[];
  /** The point of the scenario comes after SASL EXTERNAL: the negotiation up to there is not drawn again. */
  readonly roadIsKnown?: true;
}

/** A message, in the notation of the chart. */
export function message(from: string, to: string): Message {
  return { from, to };
}
