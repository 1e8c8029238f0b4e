/** A cache of the POSH documents of domains, and of failures to get them (RFC 7711 §6). */
import type { Clock } from '../../ports.ts';
import type { Fault } from '../../protocol/faults.ts';
import type { PoshMaterial } from '../../protocol/posh.ts';
import { WeighedMap } from '../weighed-map.ts';

export type PoshFinding =
  { readonly kind: 'found'; readonly material: PoshMaterial } | { readonly kind: 'failed'; readonly fault: Fault };

/** How long a 404, "there is none", is remembered. */
const MISSING_MS = 300_000;
/**
 * The same for other failures. Short, since they may be repaired at any moment; but not zero, since anyone who claims a
 * domain makes us ask, and the web server that is asked may belong to somebody else.
 */
const FAILED_MS = 30_000;
const DAY_MS = 86_400_000;
/** A finding takes about 600 bytes, but untrusted domains choose how many fingerprints they list. */
const LIMITS = { maxBytes: 8 * 1_024 * 1_024, maxEntryBytes: 32 * 1_024, lifetimeMs: DAY_MS };
/** Bytes that a finding takes besides its texts: a key, objects. */
const OVERHEAD_BYTES = 512;
const FINGERPRINT_BYTES = 320;

/** Failures that the domain itself stated: they replace its earlier statements. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  'document-missing',
  'document-invalid',
  'expires-zero',
  'no-known-hash',
  'reference-to-reference',
]);

export class PoshMemory {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #findings: WeighedMap<{ readonly finding: PoshFinding; readonly untilMs: number }>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#findings = new WeighedMap(LIMITS, clock);
  }

  /** Null when nothing is remembered, or when it has expired. */
  recall(key: string): PoshFinding | null {
    const remembered = this.#findings.get(key);
    if (remembered !== undefined && remembered.untilMs > this.#clock.now()) return remembered.finding;
    this.#findings.delete(key);
    return null;
  }

  remember(key: string, finding: PoshFinding): void {
    if (finding.kind === 'failed' && !this.#isWorthIt(key, finding.fault)) return;
    const untilMs = finding.kind === 'found' ? finding.material.expiresAtMs : this.#clock.now() + lifetimeMs(finding);
    this.#findings.set(key, { finding, untilMs }, bytesOf(key, finding));
  }

  /** Local failures are not. Failures on the way to a domain are not while its document is still valid. */
  #isWorthIt(key: string, { condition, origin }: Fault): boolean {
    if (origin === 'local') return false;
    return OWN_WORDS.has(condition) || this.recall(key)?.kind !== 'found';
  }

  get size(): number {
    return this.#findings.size;
  }
}

function lifetimeMs({ fault }: { readonly fault: Fault }): number {
  return fault.condition === 'document-missing' ? MISSING_MS : FAILED_MS;
}

function bytesOf(key: string, finding: PoshFinding): number {
  const ownBytes =
    finding.kind === 'found'
      ? finding.material.url.length + finding.material.fingerprints.length * FINGERPRINT_BYTES
      : (finding.fault.text?.length ?? 0) * 2;
  return OVERHEAD_BYTES + key.length + ownBytes;
}
