/**
 * The table from faults to consequences. `next` is the smallest step that may still help; `bounce` is the stanza error
 * that the sender gets if none does (RFC 6120 §10.4.3, XEP-0220 §2.1.1, §2.5).
 */
import type { StanzaErrorCondition } from '../src/protocol/conditions.ts';
import { type Fault, fault } from '../src/protocol/faults.ts';

/** Why one of two simultaneously opened streams is closed. It is not a failure, and is never sent on the wire. */
export const superseded = fault(
  'stream',
  'superseded',
  'local',
  'the far end has opened a stream that serves both directions',
);

/** Whether a stream ends without a failure: the far end may finish sending, and pairs look for another stream. */
export const endsWithoutFault = (why: Fault | null): boolean =>
  why === null || (why.origin === 'local' && ['superseded', 'system-shutdown'].includes(why.condition));

export type NextStep =
  /**
   * Another stream. A peer opens it to the next address of the target if TCP reached one address and others remain,
   * otherwise to the next SRV target. A pair asks for one more stream (XEP-0220 §2.5).
   */
  | 'next-stream'
  /** The same endpoint again, with dialback instead of SASL EXTERNAL; like `next-stream` if dialback is not offered. */
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

/** Network failures, and a far end that is someone else or cannot prove its identity: another stream may succeed. */
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
  // Our own rules: another endpoint does not change them
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

/** What to do about a fault. Defined for every fault. */
export function decide({ layer, condition }: Fault): Decision {
  return table.find((row) => row.layer === layer && (row.conditions?.includes(condition) ?? true)) ?? otherwise;
}
