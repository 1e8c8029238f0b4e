/** A trace, or a bundle, opened for somebody who asks why. */
import { existsSync } from 'node:fs';
import type { View } from '../trace/view.ts';
import { UsageError } from './terminal.ts';

export interface OpenedTrace {
  readonly view: View;
  /** As they stand in the file; half a line at its end is left out. */
  readonly lines: readonly string[];
  /** Records of kinds that this version does not know. */
  readonly unknown: number;
}

/** @throws UsageError where the file cannot be read, or is no trace */
export function openTrace(file: string, _nowMs: number): Promise<OpenedTrace> {
  const why = existsSync(file) ? 'trace files are not read in this version' : 'ENOENT: no such file';
  return Promise.reject(new UsageError(`${file}: ${why}`));
}
