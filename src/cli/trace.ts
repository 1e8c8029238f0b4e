/** The trace file of the daemon. */
import type { Observable } from 'rxjs';
import type { TraceFileConfig } from '../config/load.ts';
import type { Clock } from '../ports.ts';
import type { TraceRecord } from '../trace/record.ts';
import { TraceFile } from '../trace/trace-file.ts';
import type { Log } from './log.ts';
import { packageVersion } from './version.ts';

/** The source of a trace. */
export interface Traced {
  readonly records$: Observable<TraceRecord>;
  traceSnapshots(): readonly TraceRecord[];
}

/**
 * Writes all records of the manager to the file until it is closed.
 * @throws FaultError `config`: `trace-unwritable`
 */
export async function writeTrace(
  traced: Traced,
  { path, fileBytes }: TraceFileConfig,
  hosts: readonly string[],
  clock: Clock,
  log: Log,
): Promise<TraceFile> {
  const software = `xmpp-dna ${packageVersion()}`; // read now: later there may be no free descriptor
  const file = await TraceFile.open({
    path,
    ...(fileBytes === undefined ? {} : { fileBytes }),
    header: () => ({ software, startedAtMs: clock.now(), role: 'daemon', hosts }),
    snapshots: () => traced.traceSnapshots(),
    failed: (why) => log.fault('error', 'no trace is written for a minute', why),
  });
  file.follow(traced.records$);
  return file;
}
