/** What a scenario of the demo is: two providers, what they send, and what has to be true afterwards. */
import type { LimitOptions, ManagerOptions, PolicyOptions } from '../options.ts';
import type { Facts } from './facts.ts';

/** The providers of RFC 7712: A hosts a.example and c.example, B hosts b.example and d.example, as far as a scenario needs. */
export type Side = 'A' | 'B';

export interface CertificateSetup {
  /** @defaultValue every host of the provider */
  readonly names?: readonly string[];
  /** `stranger` is an authority that nobody trusts. @defaultValue trusted */
  readonly issuer?: 'trusted' | 'stranger';
  /** @defaultValue serverAuth, as public authorities issue */
  readonly usage?: 'serverAuth' | 'clientAuth';
  /** False: shown where the provider is the server of TLS, not where it is the client. @defaultValue true */
  readonly shownAsClient?: boolean;
}

export interface ProviderSetup {
  readonly hosts: readonly string[];
  readonly certificate?: CertificateSetup;
  /** By domain; what is not here publishes an unsigned SRV record and nothing else. */
  readonly publishes?: Readonly<Record<string, Publication>>;
  /** Whose certificate the signed TLSA record at the target host names (`3 1 1`). @defaultValue there is none */
  readonly tlsa?: 'its own' | "somebody else's";
  /** @defaultValue authenticated federation (XEP-0238) */
  readonly policy?: PolicyOptions;
  /** What its hosts show when they are challenged (DNA protocol of 2009). @defaultValue nothing */
  readonly proofs?: NonNullable<ManagerOptions['proofs']>;
  /** By domain: what its owner has given to this provider, to be shown when it is challenged. @defaultValue nothing */
  readonly delegatedBy?: Readonly<Record<string, Delegated>>;
  /** Prooftypes of its own. @defaultValue none */
  readonly prooftypes?: NonNullable<ManagerOptions['prooftypes']>;
  /** XEP-0288. @defaultValue false */
  readonly bidi?: boolean;
  readonly limits?: LimitOptions;
}

/** What a domain says of itself outside of XMPP, for others to judge its certificate by. */
export interface Publication {
  /** Its SRV records are signed (DNSSEC); and so are the addresses of the target host. @defaultValue false */
  readonly signed?: boolean;
  /** Whose certificate its POSH document lists. @defaultValue there is none */
  readonly posh?: 'its own' | "somebody else's";
  /**
   * Whose key signs its zone, which nothing signed delegates to: to whoever has not got that key, it is unsigned.
   * @defaultValue the zone is no such island
   */
  readonly island?: 'its own' | "somebody else's";
}

/** How a domain lets its provider speak for it, with a key that the provider never sees (DNA protocol of 2009). */
export type Delegated = 'attribute-cert' | 'xml-assertion' | 'dnssec-ta';

/** One message, from a user of a hosted domain to a user of the other provider's. */
export interface Message {
  readonly from: string;
  readonly to: string;
}

/** Something that a scenario claims: it holds when what is seen is what is expected. */
export interface Check {
  readonly claim: string;
  readonly expected: string;
  readonly seen: (facts: Facts) => string;
}

export interface Scenario {
  /** Kebab-case, for `--json` and for the names of tests. */
  readonly id: string;
  readonly title: string;
  /** The section that it follows. */
  readonly spec: string;
  /** What happens, in a sentence or two. */
  readonly story: string;
  readonly A: ProviderSetup;
  readonly B: ProviderSetup;
  /** The messages of one act are sent at once; the next act waits until what became of each is known. */
  readonly acts: readonly (readonly Message[])[];
  /** Domains of B whose servers clients seek, at the side of A, one after the other: before the acts. @defaultValue none */
  readonly sought?: readonly string[];
  readonly checks: readonly Check[];
  /** Its point comes after SASL EXTERNAL: the way there is not drawn again. */
  readonly roadIsKnown?: true;
}

/** A message, in the notation of the chart. */
export function message(from: string, to: string): Message {
  return { from, to };
}
