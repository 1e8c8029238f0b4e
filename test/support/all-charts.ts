/** Every chart of the project, by its export. A machine that index.ts exports is in here by itself. */
import type { AnyStateMachine } from 'xstate';
import * as machines from '../../machines/index.ts';

const isMachine = (value: unknown): value is AnyStateMachine =>
  typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value;

export const allMachines: readonly AnyStateMachine[] = Object.values(machines).filter(isMachine);
