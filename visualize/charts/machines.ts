/** Every chart of the project. Any machine that machines/index.ts exports is included automatically. */
import type { AnyStateMachine } from 'xstate';
import * as machines from '../../machines/index.ts';

const isMachine = (value: unknown): value is AnyStateMachine =>
  typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value;

/** In the order in which a stanza meets them; machines that are not listed come last. */
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
