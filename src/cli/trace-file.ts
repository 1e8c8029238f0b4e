/** Traces and bundles, opened from what a file holds. */
import { fault, FaultError } from '../protocol/faults.ts';
import type { View } from '../trace/view.ts';

export interface OpenedTrace {
  readonly view: View;
  /** As they stand in the file. */
  readonly lines: Iterable<string>;
}

/** @throws FaultError `config`: what is wrong with it */
export function openTrace(_bytes: Uint8Array): OpenedTrace {
  throw new FaultError(fault('config', 'not-available', 'local', 'traces are not in this version'));
}
