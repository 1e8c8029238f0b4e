/** The inspector of the daemon. */
import type { InspectorConfig } from '../config/load.ts';
import type { Observable } from 'rxjs';
import type { Commands, Parties } from '../inspector/inspected.ts';
import { Inspector } from '../inspector/server.ts';
import type { Clock } from '../ports.ts';
import { TraceEncoder } from '../trace/format.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { View } from '../trace/view/view.ts';
import { packageVersion } from './version.ts';

/** What the inspector needs from the connection manager. */
export interface InspectedManager extends Commands {
  view(): View;
  traceSnapshots(): readonly TraceRecord[];
  partiesOf(stream: number): Parties | null;
  readonly records$: Observable<TraceRecord>;
}

/**
 * Starts the inspector. Rejects with FaultError `tcp` if the address is not available. `tell` is called with each
 * manual command.
 */
export function inspect(
  manager: InspectedManager,
  config: InspectorConfig,
  hosts: readonly string[],
  clock: Clock,
  tell: (text: string) => void,
): Promise<Inspector> {
  const startedMs = clock.now();
  return Inspector.start(config, {
    view: () => manager.view(),
    traceLines: () => traceOf(manager, { hosts, startedMs, nowMs: clock.now() }),
    live: {
      records$: manager.records$,
      partiesOf: (stream) => manager.partiesOf(stream),
      commands: manager,
      tell: (text) => tell(`by hand: ${text}`),
    },
  });
}

/**
 * The remembered attempts, the contents of the ring, and snapshots of the live actors that were born before the ring
 * begins, so that it can be replayed. Taken now, and made into lines as they are read.
 */
function traceOf(manager: InspectedManager, about: TraceAbout): Iterable<string> {
  const { records, lost } = manager.view();
  const standing = manager.traceSnapshots();
  const [first] = records;
  const born = new Set(records.filter(({ kind }) => kind === 'born').map(({ actor }) => actor));
  const before = standing.filter(({ kind, seq }) => kind === 'attempt' && (first === undefined || seq < first.seq));
  const unborn = standing.filter(({ kind, actor }) => kind === 'snapshot' && !born.has(actor));
  // If the ring has dropped records, the trace begins with the first one left.
  const startedMs = lost === 0 ? about.startedMs : (first?.atMs ?? about.nowMs);
  return linesOf([...before, ...records, ...unborn], { ...about, startedMs });
}

interface TraceAbout {
  readonly hosts: readonly string[];
  readonly startedMs: number;
  readonly nowMs: number;
}

function* linesOf(records: readonly TraceRecord[], { hosts, startedMs, nowMs }: TraceAbout): Generator<string> {
  const encoder = new TraceEncoder();
  const software = `xmpp-dna ${packageVersion()}`;
  yield encoder.header({ software, startedAtMs: startedMs, role: 'daemon', hosts, savedAtMs: nowMs });
  for (const record of records) yield encoder.record(record);
}
