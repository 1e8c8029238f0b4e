/** What the root actors do, as records: made only while somebody reads them. */
import { Subject } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import type { Clock } from '../ports.ts';
import { type ReportRecord, type TraceBody, type TraceRecord, transitionOf } from '../trace/record.ts';

export class Recorder {
  /** What root actors report. Cheap, and always worth a log line. */
  readonly reports$ = new Subject<ReportRecord>();
  /** All of it: reports, transitions of every actor, elements on the wire. */
  readonly records$ = new Subject<TraceRecord>();
  readonly #clock: Clock;
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(actor: string, body: TraceBody): void {
    if (!this.records$.observed && (body.kind !== 'report' || !this.reports$.observed)) return;
    const record = { seq: this.#seq++, atMs: this.#clock.now(), actor, cause: null, ...body };
    if (record.kind === 'report') this.reports$.next(record);
    this.records$.next(record);
  }

  /** Options for `createActor`: time, and an inspector for actors that are born while somebody reads. */
  watching(name: string): { clock: Clock; inspect?: (event: InspectionEvent) => void } {
    const clock = this.#clock;
    if (!this.records$.observed) return { clock };
    return {
      clock,
      inspect: (inspected) => {
        const transition = transitionOf(inspected);
        if (transition === null) return;
        const { id: machine, event, states } = transition;
        this.record(name, { kind: 'transition', machine, event, states });
      },
    };
  }
}
