/** The inspector of the daemon (INTERFACES, `inspector`). */
import type { InspectorConfig } from '../config/load.ts';
import { Inspector } from '../inspector/server.ts';
import type { Clock } from '../ports.ts';
import { TraceEncoder } from '../trace/format.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { View } from '../trace/view.ts';
import { packageVersion } from './version.ts';

/** What the inspector needs of the connection manager. */
export interface InspectedManager {
  view(): View;
  traceSnapshots(): readonly TraceRecord[];
}

/** Rejects with FaultError `tcp` where the address cannot be had. */
export function inspect(
  manager: InspectedManager,
  config: InspectorConfig,
  hosts: readonly string[],
  clock: Clock,
): Promise<Inspector> {
  return Inspector.start(config, { view: () => manager.view(), traceLines: () => traceOf(manager, hosts, clock) });
}

/**
 * What is remembered of attempts, and what the ring holds; and whoever lives and was born before it begins, as he stands now, so
 * that it can be replayed.
 */
function* traceOf(manager: InspectedManager, hosts: readonly string[], clock: Clock): Generator<string> {
  const encoder = new TraceEncoder();
  const nowMs = clock.now();
  const software = `xmpp-dna ${packageVersion()}`;
  yield encoder.header({ software, startedAtMs: nowMs, role: 'daemon', hosts, savedAtMs: nowMs });
  const { records } = manager.view();
  const standing = manager.traceSnapshots();
  const [first] = records;
  for (const record of standing)
    if (record.kind === 'attempt' && (first === undefined || record.seq < first.seq)) yield encoder.record(record);
  const born = new Set<string>();
  for (const record of records) {
    if (record.kind === 'born') born.add(record.actor);
    yield encoder.record(record);
  }
  for (const record of standing)
    if (record.kind === 'snapshot' && !born.has(record.actor)) yield encoder.record(record);
}
