/** First what is stuck, then everything there is. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { Overview, RowKind } from '../../src/trace/queries/queries.ts';
import type { Answered } from './answers.ts';
import { BlockedLine, ConnectButton } from './commands.tsx';
import { leadOf } from './explanation.tsx';
import { isFocusLost, leave, leftIn } from './focus.ts';
import { List } from './list.tsx';
import { useNow } from './now.ts';
import { actorHash, adjust, type Route } from './route.ts';
import type { Source } from './source.ts';
import { moveFocus } from './keys.ts';
import { countWords, stuckWords } from '../../src/trace/explain/words.ts';
import { endsOf, MOVERS, sinceWords } from './words.ts';

interface StartProps {
  readonly source: Source;
  readonly route: Route;
  readonly overview: Answered<Overview>;
}

export function Start({ source, route, overview: { value: overview, error } }: StartProps) {
  return (
    <>
      {error === null ? null : (
        <p class="notice bad" role="alert">
          {error}
        </p>
      )}
      {overview === undefined ? null : <Stuck source={source} route={route} overview={overview} />}
      <Lists source={source} route={route} overview={overview} />
    </>
  );
}

function Stuck({
  source,
  route,
  overview,
}: {
  readonly source: Source;
  readonly route: Route;
  readonly overview: Overview;
}) {
  const nowMs = useNow(source);
  const cards = useRef<HTMLOListElement>(null);
  const { stuck, stuckCount, failedCount, isWhole } = overview;
  const count = stuckWords(stuckCount - failedCount, failedCount);
  useLayoutEffect(() => {
    if (cards.current !== null && isFocusLost() && leftIn(route.list) === null) focusCard(cards.current);
  }, []);
  return (
    <section aria-labelledby="stuck" class="stuck">
      <h1 id="stuck" aria-live="polite" aria-atomic="true" class={stuckCount > 0 ? 'bad' : isWhole ? 'good' : ''}>
        {stuckCount > 0 ? (isWhole ? count : `At least ${count}`) : isWhole ? 'Nothing is stuck' : 'Looking…'}
      </h1>
      {stuckCount === 0 && isWhole ? <p class="muted">Whatever is negotiated now goes on as is usual.</p> : null}
      <ol ref={cards} onKeyDown={moveFocus}>
        {stuck.map((one) => (
          <li key={keyOf(one)}>
            <StuckCard told={one} route={route} nowMs={nowMs} />
          </li>
        ))}
      </ol>
      {stuckCount > stuck.length ? (
        <p class="muted">and {countWords(stuckCount - stuck.length, 'more')}: see the lists below.</p>
      ) : null}
    </section>
  );
}

const keyOf = ({ direction, local, remote }: Explanation): string => `${direction} ${local} ${remote}`;

/** Focuses the entry that was left, or the first one. */
function focusCard(list: HTMLElement): void {
  const cards = [...list.querySelectorAll('a')];
  const key = leftIn('stuck')?.key;
  (cards.find(({ dataset }) => dataset['key'] === key) ?? cards[0])?.focus();
}

interface StuckCardProps {
  readonly told: Explanation;
  readonly route: Route;
  readonly nowMs: number;
}

function StuckCard({ told, route, nowMs }: StuckCardProps) {
  const { cause, fault, state, mover, sinceMs, failedIn } = told;
  const [from, to] = endsOf(told);
  const hasFailed = fault !== null;
  return (
    <a
      class="card"
      href={actorHash(route, leadOf(told))}
      data-key={keyOf(told)}
      onClick={() => leave({ list: 'stuck', key: keyOf(told) })}
    >
      <span class="ends">
        <bdi>{from}</bdi> <span aria-label="to">→</span> <bdi>{to}</bdi>
      </span>
      <span class={`pill ${hasFailed ? 'bad' : 'waiting'}`}>{hasFailed ? 'failed' : 'stuck'}</span>
      <span class="for">{sinceWords(sinceMs, nowMs)}</span>
      <span class="cause">{cause}</span>
      <span class="muted where">
        <code>{failedIn ?? state}</code> · {hasFailed ? 'to be put right by' : 'next to move'}: {MOVERS[mover]} ·{' '}
        {told.direction}
      </span>
    </a>
  );
}

const KINDS: Readonly<Record<RowKind, string>> = {
  pair: 'Negotiations',
  proved: 'Proved pairs',
  stream: 'Streams',
  peer: 'Peers',
};

/** `12`, or `12 now, 3 before`: the list also contains those that have ended. */
function countsWords({ counts, endedCounts }: Overview, kind: RowKind): string {
  const [living, ended] = [counts[kind].toLocaleString('en'), endedCounts[kind].toLocaleString('en')];
  return endedCounts[kind] === 0 ? living : `${living} now, ${ended} before`;
}

function Lists({
  source,
  route,
  overview,
}: {
  readonly source: Source;
  readonly route: Route;
  readonly overview: Overview | undefined;
}) {
  const { list, filter } = route;
  return (
    <section aria-label="All there is" class="lists">
      <div class="bar">
        <div role="tablist" aria-label="Lists" onKeyDown={moveFocus}>
          {(['pair', 'proved', 'stream', 'peer'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              role="tab"
              id={`tab-${kind}`}
              aria-controls="listed"
              aria-selected={kind === list}
              tabIndex={kind === list ? 0 : -1}
              onClick={() => adjust({ list: kind })}
            >
              {KINDS[kind]} <span class="count">{overview === undefined ? '' : countsWords(overview, kind)}</span>
            </button>
          ))}
        </div>
        <input
          data-filter
          type="search"
          placeholder="Filter by domain or id   /"
          aria-label="Filter by domain or id"
          value={filter}
          onInput={({ currentTarget }) => adjust({ filter: currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape') adjust({ filter: '' });
          }}
        />
        {source.commands === null ? null : <ConnectButton commands={source.commands} hosts={overview?.hosts ?? []} />}
      </div>
      {source.commands === null ? null : <BlockedLine commands={source.commands} />}
      <div role="tabpanel" id="listed" aria-labelledby={`tab-${list}`}>
        <List key={list} source={source} route={route} kind={list} filter={filter} />
      </div>
    </section>
  );
}
