/**
 * The table of causes: maps a fault, and whatever else is known, to a sentence that says what is wrong, and to its fix.
 */
import type { Mover } from '../../../../machines/declare.ts';
import { faultSentence } from '../../../protocol/faults.ts';
import type { Cause, Situation } from './cause.ts';
import { certificateCauses } from './certificate.ts';
import { connectionCauses } from './connection.ts';
import { daneCauses } from './dane.ts';
import { dnsCauses } from './dns.ts';
import { farEndCauses } from './far-end.ts';
import { incomingCauses } from './incoming.ts';
import { ownCauses } from './own.ts';
import { poshCauses } from './posh.ts';
import { tlsCauses } from './tls.ts';

export { type Cause, place, type Situation, subject } from './cause.ts';

const only = (direction: NonNullable<Cause['direction']>, among: readonly Cause[]): readonly Cause[] =>
  among.map((cause) => ({ ...cause, direction }));

/** In this order; the first match is used. */
export const causes: readonly Cause[] = [
  ...dnsCauses,
  ...daneCauses,
  ...only('outgoing', connectionCauses),
  ...tlsCauses,
  ...certificateCauses,
  ...poshCauses,
  ...only('incoming', incomingCauses),
  ...ownCauses,
  ...only('outgoing', farEndCauses),
];

/** What the table says about a fault. */
export interface Diagnosed {
  /** Id of the cause; null if the table has none. */
  readonly id: string | null;
  readonly cause: string;
  readonly fix: string | null;
  /** Who has to fix it, if that is not the origin of the fault. */
  readonly mover: Mover | null;
}

export function diagnose(situation: Situation): Diagnosed {
  const { fault, direction = 'outgoing' } = situation;
  const found = causes.find(
    ({ layers, conditions, when, direction: of = direction }) =>
      of === direction &&
      layers.includes(fault.layer) &&
      (conditions?.includes(fault.condition) ?? true) &&
      (when === undefined || when(situation)),
  );
  return found === undefined
    ? { id: null, cause: `${faultSentence(fault)}.`, fix: null, mover: null }
    : { id: found.id, cause: found.because(situation), fix: found.fix(situation), mover: found.mover ?? null };
}

/** The fix of the cause with this id. */
export const fixOf = (id: string, situation: Situation): string =>
  causes.find((cause) => cause.id === id)?.fix(situation) ?? '';
