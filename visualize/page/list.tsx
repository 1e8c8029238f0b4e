/** Streams, pairs or peers: of thousands, only the visible rows are requested and drawn. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Row, RowKind } from '../../src/trace/queries/queries.ts';
import { useAnswer } from './answers.ts';
import { isFocusLost, leave, leftIn } from './focus.ts';
import { cellsOf, COLUMNS } from './list-cells.tsx';
import { useNow } from './now.ts';
import { go, type Route } from './route.ts';
import type { Source } from './source.ts';
import { countWords } from '../../src/trace/explain/words.ts';

/** Height of a row, in pixels; the style sheet contains it, too. */
const ROW_HEIGHT = 36;
/** Rows requested beyond the visible ones, above and below. */
const BEYOND = 20;
const MOST_SHOWN = 14;

const NAMES: Readonly<Record<RowKind, string>> = {
  pair: 'negotiation',
  proved: 'proved pair',
  stream: 'stream',
  peer: 'peer',
};

const keyOf = ({ id, local, remote, state }: Row): string => `${id} ${local} ${remote} ${state}`;

interface ListProps {
  readonly source: Source;
  readonly route: Route;
  readonly kind: RowKind;
  readonly filter: string;
}

export function List({ source, route, kind, filter }: ListProps) {
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(false);
  const arrives = useRef(false);
  const nowMs = useNow(source);

  // In steps, so that a little scrolling requests nothing new.
  const offset = Math.max(0, Math.floor(top / ROW_HEIGHT / BEYOND) * BEYOND - BEYOND);
  const limit = MOST_SHOWN + 3 * BEYOND;
  const { value, error } = useAnswer(source, () => source.rows(kind, filter, offset, limit), {
    about: `${kind} ${filter} ${offset}`,
    everyMs: 1_000,
  });
  const kept = useRef({ source, about: '', total: 0, offset: 0, rows: [] as readonly Row[] });
  if (value !== undefined)
    kept.current = { source, about: `${kind} ${filter}`, total: value.total, offset, rows: value.rows };
  // The present rows stay while the next ones are requested.
  const isKept = kept.current.source === source && kept.current.about === `${kind} ${filter}`;
  const shown = isKept ? kept.current : { total: 0, offset: 0, rows: [] };
  const focused = Math.min(active, Math.max(0, shown.total - 1));

  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[aria-rowindex="${focused + 2}"] a`);
    if (row == null) return;
    wantsFocus.current = false;
    row.focus();
  });

  const moveTo = (index: number): void => {
    const to = Math.max(0, Math.min(shown.total - 1, index));
    setActive(to);
    wantsFocus.current = true;
    const box = scroller.current;
    if (box === null) return;
    const space = box.clientHeight - ROW_HEIGHT; // without the head
    if (to * ROW_HEIGHT < box.scrollTop) box.scrollTop = to * ROW_HEIGHT;
    if ((to + 1) * ROW_HEIGHT > box.scrollTop + space) box.scrollTop = (to + 1) * ROW_HEIGHT - space;
  };
  const isThere = value !== undefined;
  useLayoutEffect(() => {
    arrives.current = isFocusLost();
  }, []);
  useLayoutEffect(() => {
    if (!isThere || !arrives.current) return;
    arrives.current = false;
    if (!isFocusLost()) return;
    const left = leftIn(kind);
    const found = shown.rows.findIndex((row) => keyOf(row) === left?.key);
    moveTo(found >= 0 ? shown.offset + found : (left?.index ?? 0));
  }, [isThere]);
  const press = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: focused + 1,
      ArrowUp: focused - 1,
      PageDown: focused + MOST_SHOWN,
      PageUp: focused - MOST_SHOWN,
      Home: 0,
      End: shown.total - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    moveTo(to);
  };

  const columns = COLUMNS[kind];
  return (
    <>
      <div
        ref={scroller}
        class={`list ${kind}`}
        role="grid"
        aria-label={countWords(shown.total, NAMES[kind])}
        aria-rowcount={shown.total + 1}
        onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
        onKeyDown={press}
      >
        <div class="row head" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <span key={column} role="columnheader">
              {column}
            </span>
          ))}
        </div>
        <div role="presentation" class="rows" style={{ height: `${shown.total * ROW_HEIGHT}px` }}>
          {shown.rows.map((row, at) => {
            const index = shown.offset + at;
            return (
              <div
                key={keyOf(row)}
                class={row.endedMs === null ? 'row' : 'row ended'}
                role="row"
                aria-rowindex={index + 2}
                style={{ top: `${index * ROW_HEIGHT}px` }}
                onClickCapture={() => leave({ list: kind, key: keyOf(row), index })}
                onClick={() => go({ view: 'actor', id: row.id })}
              >
                {cellsOf(row, kind, route, nowMs, index === focused, () => setActive(index))}
              </div>
            );
          })}
        </div>
        {value !== undefined && shown.total === 0 ? (
          <p class="muted none">{filter === '' ? `There is no ${NAMES[kind]}.` : `No ${NAMES[kind]} matches.`}</p>
        ) : null}
      </div>
      {error === null ? null : (
        <p class="notice bad" role="alert">
          {error}
        </p>
      )}
    </>
  );
}
