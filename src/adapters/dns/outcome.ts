/** What one question to the DNS came to, and who can be asked. */
import type { TlsaRecord } from '../../protocol/tlsa.ts';

/** `secure`: validated by DNSSEC, as records or as the proof that there are none (RFC 4035 §4.3). */
export type Outcome<Found> =
  | {
      readonly kind: 'found';
      readonly found: readonly Found[];
      /** Every link of the chain that led here, too (RFC 7672 §2.1.3). */
      readonly secure: boolean;
      readonly ttlSeconds: number;
      /** Where a chain of CNAMEs led to, as it came; null without one, or where nobody said. */
      readonly canonicalName: string | null;
    }
  | { readonly kind: 'absent'; readonly secure: boolean; readonly ttlSeconds: number }
  | { readonly kind: 'bogus'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** The fields of an SRV record as they came; the target is not checked yet. */
export interface SrvFields {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** Asks one question at a time, and never rejects; what is asked ends as failed when `stop` fires. */
export interface NameSource {
  srv(name: string, stop: AbortSignal): Promise<Outcome<SrvFields>>;
  /** Textual addresses of one family. */
  addresses(host: string, family: 4 | 6, stop: AbortSignal): Promise<Outcome<string>>;
  /** Null where nobody validates: a TLSA record without a signature says nothing (RFC 6698 §4.1). */
  readonly tlsa: ((name: string, stop: AbortSignal) => Promise<Outcome<TlsaRecord>>) | null;
}
