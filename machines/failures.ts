/**
 * One table: what a fault leads to. `next` is the smallest thing that may still help; `bounce` is the stanza error that
 * the sender gets when nothing does (FACTS §4, §7.7; RFC 6120 §10.4.3).
 */
import type { StanzaErrorCondition } from '../src/protocol/conditions.ts';
import { type Fault, fault } from '../src/protocol/faults.ts';

/** Why one of two streams that were opened at once is closed; nobody's failure, and never said on the wire. */
export const superseded = fault(
  'stream',
  'superseded',
  'local',
  'the far end has opened a stream that serves both directions',
);

/** Whether a stream ends for nobody's fault: the far end may finish what it was saying, and pairs look for another. */
export const isTakingLeave = (why: Fault | null): boolean =>
  why === null || (why.origin === 'local' && ['superseded', 'system-shutdown'].includes(why.condition));

export type NextStep =
  /**
   * Another stream. A peer opens it to the next address of the target, if TCP got through to one and others are left, and
   * else to the next SRV target; a pair asks for one more (XEP-0220 §2.5).
   */
  | 'next-stream'
  /** The same endpoint again, by dialback instead of SASL EXTERNAL; where dialback is not on offer, as `next-stream`. */
  | 'next-prooftype'
  | 'give-up-pair'
  | 'give-up-peer';

export interface Decision {
  readonly next: NextStep;
  readonly bounce: StanzaErrorCondition;
}

interface Row extends Decision {
  readonly layer: Fault['layer'];
  /** Null covers every condition of the layer. */
  readonly conditions: readonly string[] | null;
}

/** The way there, and a far end that is somebody else or cannot show who it is: another stream may do better. */
const otherwise: Decision = { next: 'next-stream', bounce: 'remote-server-timeout' };

const table: readonly Row[] = [
  // Names
  {
    layer: 'dns',
    conditions: ['service-absent', 'no-address', 'host-not-found'],
    next: 'give-up-peer',
    bounce: 'remote-server-not-found',
  },
  { layer: 'dns', conditions: null, next: 'give-up-peer', bounce: 'remote-server-timeout' },
  // Our own rules: no other endpoint changes them
  { layer: 'policy', conditions: ['policy-violation'], next: 'give-up-peer', bounce: 'policy-violation' },
  { layer: 'policy', conditions: null, next: 'next-stream', bounce: 'policy-violation' },
  { layer: 'queue', conditions: null, next: 'give-up-pair', bounce: 'resource-constraint' },
  // The far end does not believe us
  { layer: 'sasl', conditions: ['no-method-offered'], next: 'next-stream', bounce: 'remote-server-timeout' },
  { layer: 'sasl', conditions: null, next: 'next-prooftype', bounce: 'remote-server-timeout' },
  {
    layer: 'dialback',
    conditions: ['resource-constraint', 'not-acceptable', 'not-authorized', 'closed-while-waiting'],
    next: 'next-stream',
    bounce: 'remote-server-timeout',
  },
  { layer: 'dialback', conditions: ['invalid'], next: 'give-up-pair', bounce: 'internal-server-error' },
  { layer: 'dialback', conditions: ['item-not-found'], next: 'give-up-pair', bounce: 'remote-server-not-found' },
  { layer: 'dialback', conditions: null, next: 'give-up-pair', bounce: 'remote-server-timeout' },
  // Stream errors of the far end
  {
    layer: 'stream',
    conditions: ['host-unknown', 'host-gone'],
    next: 'next-stream',
    bounce: 'remote-server-not-found',
  },
];

/** What to do about a fault; total. */
export function decide({ layer, condition }: Fault): Decision {
  return table.find((row) => row.layer === layer && (row.conditions?.includes(condition) ?? true)) ?? otherwise;
}
