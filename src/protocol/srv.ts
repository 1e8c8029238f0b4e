/** Derives targets from SRV answers: RFC 6120 §3.2, RFC 2782, and XEP-0368 for TLS from the first byte. */
import type { DnsAnswer, SrvRecord, TlsMode } from './dns.ts';
import { fault, type Fault } from './faults.ts';
import { isIpLiteral } from './names.ts';
import { type Service, serviceFacts } from './service.ts';

/** Most targets tried for one domain, which bounds the cost of a zone with more. Deployed domains have one to four. */
export const MAX_TARGETS = 20;

/** One target host of a service domain, without its addresses. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  /** True if a DNSSEC-secure SRV answer named this host: it may then be a reference identifier (RFC 7712 §5.1). */
  readonly secureDelegation: boolean;
  /** When that answer expires, in milliseconds since the epoch; absent if no signed answer named the host. */
  readonly delegatedUntilMs?: number;
}

export type TargetDecision =
  | {
      readonly kind: 'targets';
      /** In the order in which to try them; never empty. */
      readonly targets: readonly Target[];
    }
  | { readonly kind: 'fault'; readonly fault: Fault };

/** A uniform integer in 0..max, both included. */
export type RandomInteger = (max: number) => number;

/** The owner names to query, or null for an IP literal, which has no SRV records (RFC 6120 §3.2). */
export function srvOwnerNames(
  domain: string,
  service: Service = 'xmpp-server',
): { readonly xmpp: string; readonly xmpps: string } | null {
  if (isIpLiteral(domain)) return null;
  const { srv, directSrv } = serviceFacts[service];
  return { xmpp: `${srv}.${domain}`, xmpps: `${directSrv}.${domain}` };
}

/**
 * Decides from the two SRV answers where a domain can be reached.
 *
 * The answers are merged into one list by priority and weight, each record keeping its TLS mode (XEP-0368 §3). Faults,
 * of layer and origin `dns`: `bogus`; `lookup-failed`, perhaps temporary; `service-absent`, as the zone declares.
 */
export function decideTargets(
  xmpp: DnsAnswer<SrvRecord>,
  xmpps: DnsAnswer<SrvRecord>,
  domain: string,
  randomInteger: RandomInteger,
  service: Service = 'xmpp-server',
): TargetDecision {
  // RFC 7673 §3.1: MUST abort. An attacker who can forge one answer could otherwise choose between the two.
  const bogus = [xmpp, xmpps].find(({ status }) => status === 'bogus');
  if (bogus) return abort('bogus', bogus.reason);

  // Also if only one failed and the other brought records. Without DNSSEC, RFC 6120 §3.2.1 would let us continue, but
  // the content of the missing answer (records of higher priority, or `.`) is unknown, and silence does not mean
  // "none". Both names are in one zone, so a retry usually gets both. A temporary failure is better than a lasting
  // wrong target.
  const failed = [xmpp, xmpps].find(({ status }) => status === 'error');
  if (failed) return abort('lookup-failed', failed.reason);

  const starttls = read(xmpp, 'starttls');
  const direct = read(xmpps, 'direct');
  const offered = [...starttls.offered, ...direct.offered];
  if (offered.length > 0) {
    const ordered = orderSrv(offered, randomInteger).map(({ target, port, tls, secureDelegation }): Target => ({
      host: target,
      port,
      tls,
      secureDelegation,
    }));
    return { kind: 'targets', targets: withoutRepeats(ordered).slice(0, MAX_TARGETS) };
  }

  // A `.` is an answer: the zone uses SRV, so A/AAAA of the domain MUST NOT be tried, even if the other name does not
  // exist at all (XEP-0368 §5).
  if (starttls.declined || direct.declined) {
    return abort('service-absent', `${domain} publishes that it has no XMPP server (SRV target ".")`);
  }
  const unusable = [starttls, direct].find(({ present }) => present);
  if (unusable) return abort('lookup-failed', unusable.reason ?? `no SRV record of ${domain} can be used`);

  const { defaultPort } = serviceFacts[service];
  const itself: Target = { host: domain, port: defaultPort, tls: 'starttls', secureDelegation: false };
  return { kind: 'targets', targets: [itself] };
}

/**
 * Records in the order in which to try them (RFC 2782, "Usage rules"): by priority, then by weighted random choice.
 * Records of weight 0 come first in each draw, shuffled: otherwise the same one of several would always win.
 */
export function orderSrv<R extends Pick<SrvRecord, 'priority' | 'weight'>>(
  records: readonly R[],
  randomInteger: RandomInteger,
): R[] {
  const ordered: R[] = [];
  for (const priority of [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b)) {
    const group = records.filter((record) => record.priority === priority);
    const weightless = group.filter(({ weight }) => weight === 0);
    const remaining = [...shuffle(weightless, randomInteger), ...group.filter(({ weight }) => weight !== 0)];
    while (remaining.length > 0) {
      const weights = remaining.map(({ weight }) => weight);
      const draw = remaining.length === 1 ? 0 : randomInteger(weights.reduce((sum, weight) => sum + weight, 0));
      ordered.push(...remaining.splice(pickByWeight(weights, draw), 1));
    }
  }
  return ordered;
}

/** The index of the first weight whose running sum reaches `draw`, a number in 0..sum inclusive (RFC 2782). */
export function pickByWeight(weights: readonly number[], draw: number): number {
  let runningSum = 0;
  const index = weights.findIndex((weight) => (runningSum += weight) >= draw);
  return index === -1 ? weights.length - 1 : index;
}

interface Offer extends SrvRecord {
  readonly tls: TlsMode;
  readonly secureDelegation: boolean;
}

/** Reads one answer: what it offers, whether it declines with `.`, and whether there was an RRset at all. */
function read(answer: DnsAnswer<SrvRecord>, tls: TlsMode) {
  const present = answer.status === 'secure' || answer.status === 'insecure';
  const named = present ? answer.records.filter(({ target }) => target !== '.') : [];
  return {
    present,
    reason: answer.reason,
    // A `.` among real records is ignored: RFC 6120 §3.2.1(3) speaks of a single record.
    declined: present && answer.records.length > 0 && named.length === 0,
    offered: named.map((record): Offer => ({ ...record, tls, secureDelegation: answer.status === 'secure' })),
  };
}

function withoutRepeats(targets: readonly Target[]): Target[] {
  const seen = new Set<string>();
  return targets.filter(({ host, port, tls }) => {
    const key = `${tls} ${port} ${host}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Uniform random order, by inserting each item at a random place. */
function shuffle<T>(items: readonly T[], randomInteger: RandomInteger): T[] {
  const shuffled: T[] = [];
  for (const item of items) {
    const at = shuffled.length === 0 ? 0 : randomInteger(shuffled.length);
    shuffled.splice(at, 0, item);
  }
  return shuffled;
}

function abort(condition: string, text?: string): TargetDecision {
  return { kind: 'fault', fault: fault('dns', condition, 'dns', text) };
}
