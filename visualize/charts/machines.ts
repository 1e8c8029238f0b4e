/** Every chart of the project. A machine that machines/index.ts exports is in here by itself. */
import type { AnyStateMachine } from 'xstate';
import * as machines from '../../machines/index.ts';

const isMachine = (value: unknown): value is AnyStateMachine =>
  typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value;

/** In the order in which a stanza meets them; what is not named here comes last. */
const READING_ORDER: readonly string[] = [
  'pair',
  'peer',
  'resolution',
  'initiatingStream',
  'receivingStream',
  'association',
  'daneProoftype',
  'pkixProoftype',
  'poshProoftype',
  'dialbackProoftype',
  'challenge',
  'assertion',
  'verification',
];
function placeOf({ id }: AnyStateMachine): number {
  const place = READING_ORDER.indexOf(id);
  return place < 0 ? READING_ORDER.length : place;
}

export const allMachines: readonly AnyStateMachine[] = Object.values(machines)
  .filter(isMachine)
  .sort((one, other) => placeOf(one) - placeOf(other));
