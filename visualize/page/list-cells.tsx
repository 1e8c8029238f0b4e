/** The cells of a row in each list. */
import type { ComponentChildren } from 'preact';
import type { Row, RowKind } from '../../src/trace/queries/queries.ts';
import { actorHash, type Route } from './route.ts';
import { bytesWords, dateWords, MOVERS, sinceWords, toneOf } from './words.ts';

export const COLUMNS: Readonly<Record<RowKind, readonly string[]>> = {
  pair: ['Pair', 'State', 'For', 'Waits for', 'Stream', 'Fault'],
  proved: ['Pair', 'Proved by', 'Until', 'Stream'],
  stream: ['Stream', 'Domains', 'State', 'For', 'TLS', 'Proof', 'Bytes', 'Waits for or fault'],
  peer: ['Domain', 'State', 'For', 'Waits for', 'Fault'],
};

export function cellsOf(
  row: Row,
  kind: RowKind,
  route: Route,
  nowMs: number,
  isActive: boolean,
  focused: () => void,
): ComponentChildren {
  const link = (text: ComponentChildren) => (
    <a
      href={actorHash(route, row.id)}
      tabIndex={isActive ? 0 : -1}
      onFocus={focused}
      onClick={(event) => event.stopPropagation()}
    >
      {text}
    </a>
  );
  return contentOf(row, kind, nowMs, link).map((content, at) => (
    <span key={at} role="gridcell" title={typeof content === 'string' ? content : undefined}>
      {content}
    </span>
  ));
}

type Link = (text: ComponentChildren) => ComponentChildren;

function contentOf(row: Row, kind: RowKind, nowMs: number, link: Link): readonly ComponentChildren[] {
  const since = sinceWords(row.endedMs ?? row.sinceMs, nowMs);
  const state = <State row={row} />;
  const waits = row.awaits === null ? '' : `${row.awaits}${row.mover === null ? '' : `, from ${MOVERS[row.mover]}`}`;
  const fault = row.fault === null ? '' : `${row.fault.layer}: ${row.fault.condition}`;
  if (kind === 'pair') {
    const ends = link(
      <>
        <bdi>{row.local}</bdi> → <bdi>{row.remote}</bdi>
      </>,
    );
    return [ends, state, since, waits, row.stream === null ? '' : `stream:${row.stream}`, fault];
  }
  if (kind === 'proved') {
    const [from, to] = row.state === 'outgoing' ? [row.local, row.remote] : [row.remote, row.local];
    const until = row.deadlineMs === null ? 'the stream ends' : dateWords(row.deadlineMs);
    const ends = link(
      <>
        <bdi>{from}</bdi> → <bdi>{to}</bdi>
      </>,
    );
    return [ends, row.proof ?? '', until, row.id];
  }
  if (kind === 'peer') return [link(<bdi>{row.remote || row.id}</bdi>), state, since, waits, fault];
  const ends = `${row.local || '…'} ${row.machine === 'receivingStream' ? '←' : '→'} ${row.remote || '…'}`;
  return [link(row.id), ends, state, since, row.tls ?? '', row.proof ?? '', trafficOf(row), fault || waits];
}

function State({ row }: { readonly row: Row }) {
  const tone = toneOf(row.state.split('.')[0], row.endedMs !== null, row.awaits !== null);
  return (
    <span class={`pill ${tone}`} title={`${row.state}: ${row.description}`}>
      {row.state.slice(row.state.lastIndexOf('.') + 1) || '…'}
    </span>
  );
}

/** Empty where bytes were not counted, as may be the case in a trace. */
function trafficOf(row: Row): string {
  return row.bytes === null ? '' : `${bytesWords(row.bytes.in)} in, ${bytesWords(row.bytes.out)} out`;
}
