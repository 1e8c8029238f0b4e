/**
 * Compares a chain with TLSA records (RFC 7671 §5) and finds a record that matches it, if any.
 *
 * Names are not checked here, since usage 3 does not require it; dates, signatures and keys are, for the other three.
 * Usage 3 is tried first, since it needs no path, then 2, 1, 0; one matching record is enough.
 */
import type { DaneMatch } from '../../protocol/certificate.ts';
import { USAGE, byPreference, namesCertificate, whyUnusable } from '../../protocol/tlsa.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import { matchAssertedAuthority } from './dane-authority.ts';
import type { Comparison, Outcome, PathFinder } from './dane-comparison.ts';
import { matchTrustedAuthority } from './dane-constraint.ts';
import { brokenPath, mismatch, unmatched } from './dane-mismatch.ts';
import type { Unmatched } from './dane-mismatch.ts';
import { associationsIn } from './presented.ts';

/** Most records of all sets together. Steps that cost more than a comparison have bounds of their own. */
const MAX_RECORDS = 256;

const BY_USAGE: Readonly<Record<number, (paths: PathFinder, comparison: Comparison) => Outcome>> = {
  [USAGE.daneEe]: matchLeaf,
  [USAGE.daneTa]: matchAssertedAuthority,
  [USAGE.pkixEe]: matchValidLeaf,
  [USAGE.pkixTa]: matchTrustedAuthority,
};

/** `chain` must be bounded and not empty. */
export function matchTlsa(
  paths: PathFinder,
  chain: readonly Uint8Array[],
  given: readonly TlsaRecord[],
  atMs: number,
): DaneMatch {
  const usable = given.filter((record) => whyUnusable(record) === null);
  const records = usable.toSorted(byPreference).slice(0, MAX_RECORDS);
  if (records.length === 0) return unmatched('no-usable-tlsa', 'none of the TLSA records can be compared with');
  const presented = chain.map(associationsIn);
  let nearest: Unmatched | null = null;
  for (const usage of new Set(records.map((record) => record.usage))) {
    const ofUsage = records.filter((record) => record.usage === usage);
    const outcome = BY_USAGE[usage]?.(paths, { chain, presented, records: ofUsage, atMs }) ?? null;
    if (outcome?.kind === 'matched') return outcome;
    nearest ??= outcome;
  }
  return nearest ?? mismatch(presented, records);
}

/** DANE-EE: only the leaf counts, without dates or path, however weak its key (RFC 7671 §5.1). */
function matchLeaf(_: PathFinder, { presented, records }: Comparison): Outcome {
  const record = namingLeaf(presented, records);
  return record === undefined ? null : { kind: 'matched', record, notAfterMs: null };
}

/** PKIX-EE: the leaf, and a path to one of our trust anchors (RFC 7671 §5.3). */
function matchValidLeaf(paths: PathFinder, { chain, presented, records, atMs }: Comparison): Outcome {
  const record = namingLeaf(presented, records);
  if (record === undefined) return null;
  const verdict = paths.validate(chain, atMs);
  return verdict.kind === 'valid'
    ? { kind: 'matched', record, notAfterMs: verdict.notAfterMs }
    : brokenPath(record, verdict);
}

function namingLeaf([leaf]: readonly Associations[], records: readonly TlsaRecord[]): TlsaRecord | undefined {
  return leaf && records.find((record) => namesCertificate(record, leaf));
}
