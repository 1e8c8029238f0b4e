/**
 * What the zone of a domain says under a trust anchor that a peer supplied. Each check has its own context of
 * libunbound, which knows only that anchor and is closed after the answer (docs/delegation-proofs.md §6.3).
 */
import type { Clock } from '../../../ports.ts';
import { type DnaCondition, dnaFailure } from '../../../protocol/dna-conditions.ts';
import { FaultError } from '../../../protocol/faults.ts';
import { canonicalDomain } from '../../../protocol/names.ts';
import { BoundedWork, NotDone, type WhyNotDone } from '../../bounded.ts';
import type { Outcome, SrvFields } from '../../dns/outcome.ts';
import { createUnboundSource, type UnboundOptions, type UnboundSource } from '../../dns/unbound/source.ts';
import { LruMap } from '../../lru.ts';
import { dsRecord, isZoneKey, keyTag, type ZoneKey } from './zone-key.ts';

/** Opens a context of libunbound that knows these trust anchors and no others. */
export type OpenValidator = (trustAnchors: readonly string[]) => UnboundSource;

export interface AnchoredZonesOptions {
  readonly open: OpenValidator;
  readonly clock: Clock;
  /** Contexts at one time; each holds a thread of its own, and one of the few in Node's thread pool. @defaultValue 2 */
  readonly maxContexts?: number;
  /** Checks that may wait for their turn; further ones fail at once. @defaultValue 64 */
  readonly maxWaiting?: number;
  /** Time limit for one check, in milliseconds, including the wait for its turn. @defaultValue 10000 */
  readonly timeoutMs?: number;
}

export interface AnchoredQuestion {
  /** Owner names of the SRV records, usually in one zone. */
  readonly names: readonly string[];
  readonly key: ZoneKey;
  /** SHA-256 of the certificate that the key belongs to. */
  readonly leafSha256: string;
}

export interface AnchoredTargets {
  readonly zone: string;
  readonly keyTag: number;
  readonly targets: readonly { readonly host: string; readonly port: number }[];
  /** End of the shortest TTL, in milliseconds since the epoch; no TTL outlives its signature (RFC 4035 §5.3.3). */
  readonly untilMs: number;
}

/** libunbound, which reaches the DNS as `dns` says and has only the given anchors, not even that of the root. */
export const isolatedValidator =
  (dns: Pick<UnboundOptions, 'servers' | 'stubs'> = {}): OpenValidator =>
  (trustAnchors) =>
    createUnboundSource({ ...dns, trustAnchors, rootAnchorFiles: [] });

interface Remembered {
  readonly found: AnchoredTargets;
  /** At half of its lifetime: a proof is renewed before it expires, and a remembered answer could not extend it. */
  readonly askAgainAtMs: number;
}

const REMEMBERED = 256;
/** Most targets of a zone's SRV records that are compared with the one that was reached. */
const MAX_ZONE_TARGETS = 64;
/** One key may occur with several flags or algorithms. */
const MAX_ANCHORS = 4;

const CONDITION = {
  full: 'too-many-checks',
  'no-turn': 'timeout',
  timeout: 'timeout',
  cancelled: 'cancelled',
} as const satisfies Record<WhyNotDone, DnaCondition>;

export class AnchoredZones {
  readonly #options: AnchoredZonesOptions;
  readonly #checks: BoundedWork;
  readonly #remembered = new LruMap<string, Remembered>(REMEMBERED);
  /** Knows no anchor, so it validates nothing: it only finds zones and their keys. */
  #finder: UnboundSource | null = null;

  constructor(options: AnchoredZonesOptions) {
    this.#options = options;
    const { clock, timeoutMs = 10_000, maxContexts = 2, maxWaiting = 64 } = options;
    this.#checks = new BoundedWork({ clock, timeoutMs, most: maxContexts, mostWaiting: maxWaiting });
  }

  /** @throws FaultError `dna` */
  async delegation(question: AnchoredQuestion, signal: AbortSignal): Promise<AnchoredTargets> {
    const { clock } = this.#options;
    const cacheKey = [question.leafSha256, ...question.names].join(' ');
    const known = this.#remembered.get(cacheKey);
    if (known !== undefined && clock.now() < known.askAgainAtMs) return known.found;
    const found = await this.#checks
      .run((stop) => this.#ask(question, stop), signal)
      .catch((thrown: unknown) => {
        if (!(thrown instanceof NotDone)) throw thrown;
        throw dnaFailure(CONDITION[thrown.why], `${question.names.join(', ')}: ${thrown.message}`);
      });
    const halfOfItMs = (found.untilMs - clock.now()) / 2;
    this.#remembered.set(cacheKey, { found, askAgainAtMs: clock.now() + halfOfItMs });
    return found;
  }

  /** Cancels the checks under way; later ones fail with `cancelled`. */
  close(): void {
    this.#checks.close();
    this.#finder?.close();
    this.#remembered.clear();
  }

  async #ask({ names, key }: AnchoredQuestion, stop: AbortSignal): Promise<AnchoredTargets> {
    const [name = ''] = names;
    const { zone, keys } = await this.#zoneOf(name, stop);
    const anchors = keys.filter((rdata) => isZoneKey(rdata, key)).slice(0, MAX_ANCHORS);
    const [anchor] = anchors;
    if (anchor === undefined)
      throw dnaFailure('anchor-not-in-zone', `the key of the certificate is none of the ${keys.length} of ${zone}`);

    const validator = this.#open(anchors.map((rdata) => dsRecord(zone, rdata)));
    try {
      const validated = await validator.dnskeys(zone, stop);
      const until = [secure(validated, `DNSKEY of ${zone}`).ttlSeconds];
      const targets: { host: string; port: number }[] = [];
      for (const owner of names) {
        const answer = secure(await validator.srv(owner, stop), `SRV of ${owner}`);
        until.push(answer.ttlSeconds);
        if (answer.kind === 'absent') continue;
        if (answer.canonicalName !== null) await this.#staysIn(zone, answer.canonicalName, stop);
        targets.push(...answer.found.map(targetOf).filter((target) => target !== null));
      }
      return {
        zone,
        keyTag: keyTag(anchor),
        targets: targets.slice(0, MAX_ZONE_TARGETS),
        untilMs: this.#options.clock.now() + Math.min(...until) * 1000,
      };
    } finally {
      validator.close();
    }
  }

  /** The closest zone at or above `name` that has keys. Not validated: wrong data fails later. */
  async #zoneOf(name: string, stop: AbortSignal): Promise<{ zone: string; keys: readonly Buffer[] }> {
    this.#finder ??= this.#open([]);
    for (let zone = name; zone !== ''; zone = parentOf(zone)) {
      const outcome = await this.#finder.dnskeys(zone, stop);
      if (outcome.kind === 'failed' || outcome.kind === 'bogus')
        throw dnaFailure('dns-failed', `DNSKEY of ${zone}: ${outcome.reason}`);
      // An alias has no keys of its own.
      if (outcome.kind === 'found' && outcome.canonicalName === null) return { zone, keys: outcome.found };
    }
    throw dnaFailure('zone-unsigned', `no zone from ${name} upwards has keys`);
  }

  /** @throws FaultError `dna`: `alias-leaves-zone`. */
  async #staysIn(zone: string, alias: string, stop: AbortSignal): Promise<void> {
    const name = canonicalDomain(alias);
    const inside = name !== null && name.endsWith(`.${zone}`);
    if (inside && (await this.#zoneOf(name, stop)).zone === zone) return;
    throw dnaFailure('alias-leaves-zone', `the SRV records are those of ${alias}, outside of ${zone}`);
  }

  #open(trustAnchors: readonly string[]): UnboundSource {
    try {
      return this.#options.open(trustAnchors);
    } catch (cause) {
      if (!(cause instanceof FaultError)) throw cause;
      throw dnaFailure('validator-unavailable', cause.fault.text ?? cause.fault.condition, { cause });
    }
  }
}

/** @throws FaultError `dna`: `zone-bogus`, `dns-failed`, `delegation-insecure`. */
function secure<Found>(outcome: Outcome<Found>, what: string): Exclude<Outcome<Found>, { kind: 'bogus' | 'failed' }> {
  if (outcome.kind === 'bogus') throw dnaFailure('zone-bogus', `${what}: ${outcome.reason}`);
  if (outcome.kind === 'failed') throw dnaFailure('dns-failed', `${what}: ${outcome.reason}`);
  if (!outcome.secure) throw dnaFailure('delegation-insecure', `${what}: no signature leads to the supplied anchor`);
  return outcome;
}

function targetOf({ target, port }: SrvFields): { host: string; port: number } | null {
  const host = target === '.' ? null : canonicalDomain(target);
  return host === null ? null : { host, port };
}

function parentOf(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? '' : name.slice(dot + 1);
}
