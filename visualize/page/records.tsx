/** The last records of an actor, the newest on top. */
import type { TraceRecord } from '../../src/trace/record.ts';
import { inALine, wordsOfRecord } from '../../src/trace/queries/record-words.ts';
import { clockWords } from './words.ts';

export function RecordsCard({ records }: { readonly records: readonly TraceRecord[] }) {
  return (
    <section class="card" aria-labelledby="records">
      <h2 id="records">Its last records</h2>
      {records.length === 0 ? <p class="muted">There are none at hand.</p> : null}
      <ol class="records" tabIndex={records.length === 0 ? -1 : 0}>
        {records.toReversed().map((record) => {
          const words = wordsOfRecord(record);
          return (
            <li key={`${record.seq} ${record.kind}`} class={words.tone}>
              <span class="seq">{record.seq}</span>
              <time>{clockWords(record.atMs)}</time>
              <span class="kind">{record.kind}</span>
              <span class="text">{inALine(words)}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
