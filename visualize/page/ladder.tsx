/** Elements between the parties, in order of time: who said what to whom. */
import { NOT_AVAILABLE, useAnswer } from './answers.ts';
import type { Ladder, Rung } from '../../src/trace/queries/ladder.ts';
import type { Source } from './source.ts';
import { clockWords } from './words.ts';

interface LadderCardProps {
  readonly source: Source;
  readonly id: string;
  readonly concerns: (actors: readonly string[]) => boolean;
}

export function LadderCard({ source, id, concerns }: LadderCardProps) {
  const { value, error } = useAnswer(source, () => source.ladder(id), {
    about: `ladder ${id}`,
    concerns,
    everyMs: 1_000,
  });
  return (
    <section class="card" aria-labelledby="ladder">
      <h2 id="ladder">Between the parties</h2>
      {error === null ? null : <p class="muted">{error === NOT_AVAILABLE ? 'Not available here.' : error}</p>}
      {value == null ? null : value.rungs.length === 0 ? (
        <p class="muted">Nothing was said yet.</p>
      ) : (
        <Rungs ladder={value} />
      )}
    </section>
  );
}

/** There may be many elements: the box scrolls, and first shows the newest. */
function Rungs({ ladder: { parties, rungs, more } }: { readonly ladder: Ladder }) {
  const columnOf = new Map(parties.map(({ id }, at) => [id, at]));
  return (
    <>
      {more === 0 ? null : <p class="muted">{more} older ones are not shown.</p>}
      <div
        class="ladder"
        tabIndex={0}
        role="region"
        aria-label="Elements between the parties"
        style={{ '--parties': String(parties.length) }}
      >
        <div class="parties">
          <span />
          {parties.map(({ id, label, kind }) => (
            <span key={id} class={`party ${kind}`}>
              <bdi>{label}</bdi>
            </span>
          ))}
        </div>
        <ol>
          {rungs.map((rung) => (
            <RungLine
              key={rung.seq}
              rung={rung}
              from={columnOf.get(rung.from) ?? 0}
              to={columnOf.get(rung.to) ?? 0}
              count={parties.length}
            />
          ))}
        </ol>
      </div>
    </>
  );
}

interface RungLineProps {
  readonly rung: Rung;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A line from the middle of one column to the middle of another. */
function RungLine({ rung: { atMs, label, detail, tone }, from, to, count }: RungLineProps) {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  // A finding of one party alone is written beside its own line, and may be longer than a column.
  const [start, end] = [(left + 0.5) / count, from === to ? Math.min(1, (left + 1.5) / count) : (right + 0.5) / count];
  const line = { marginLeft: `${start * 100}%`, width: `${(end - start) * 100}%` };
  const way = from === to ? 'here' : from < to ? 'right' : 'left';
  return (
    <li class={`rung ${tone}`}>
      <time>{clockWords(atMs)}</time>
      <div class="lanes" style={{ backgroundSize: `${100 / count}% 100%` }}>
        <div class={`line ${way}`} style={line} title={detail}>
          <span class="label">{label}</span>
          {detail === '' ? null : <span class="detail">{detail}</span>}
        </div>
      </div>
    </li>
  );
}
