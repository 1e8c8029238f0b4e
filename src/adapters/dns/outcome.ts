/** The outcome of one question to the DNS, and the source that answers it. */
import type { TlsaRecord } from '../../protocol/tlsa.ts';

/** `secure`: DNSSEC has validated the records, or the proof that there are none (RFC 4035 §4.3). */
export type Outcome<Found> =
  | {
      readonly kind: 'found';
      readonly found: readonly Found[];
      /** Covers every link of the alias chain that led here (RFC 7672 §2.1.3). */
      readonly secure: boolean;
      readonly ttlSeconds: number;
      /** The end of a chain of CNAMEs, as received; null without a chain, or when the source does not tell. */
      readonly canonicalName: string | null;
    }
  | { readonly kind: 'absent'; readonly secure: boolean; readonly ttlSeconds: number }
  | { readonly kind: 'bogus'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** The fields of an SRV record as received; the target is not checked yet. */
export interface SrvFields {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** Each call asks one question and never rejects; it ends as `failed` when `stop` fires. */
export interface NameSource {
  srv(name: string, stop: AbortSignal): Promise<Outcome<SrvFields>>;
  /** The addresses of one family, as text. */
  addresses(host: string, family: 4 | 6, stop: AbortSignal): Promise<Outcome<string>>;
  /** Null when answers are not validated: a TLSA record without a signature proves nothing (RFC 6698 §4.1). */
  readonly tlsa: ((name: string, stop: AbortSignal) => Promise<Outcome<TlsaRecord>>) | null;
}
