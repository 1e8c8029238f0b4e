/** Elements of negotiations, as they pass. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { inALine, wordsOfWire } from '../../src/trace/queries/record-words.ts';
import { actorHash, useRoute } from './route.ts';
import type { Source, WatchedElement, WatchFilter } from './source.ts';
import { clockWords } from './words.ts';

/** The number of elements that are shown; older ones are dropped. */
const MOST = 300;

const ELEMENTS = [
  'streamHeader',
  'features',
  'starttls',
  'proceed',
  'auth',
  'success',
  'saslFailure',
  'result',
  'verify',
  'streamError',
];

export function Watch({ source }: { readonly source: Source }) {
  const route = useRoute();
  const [filter, setFilter] = useState<WatchFilter>({});
  const [isPaused, setPaused] = useState(false);
  const [seen, setSeen] = useState<readonly WatchedElement[]>([]);
  const [dropped, setDropped] = useState(0);
  const [shed, setShed] = useState(0);
  const { watching } = source;
  const asked = JSON.stringify(filter);
  const count = useRef(0);

  useEffect(() => {
    if (watching === null || isPaused) return;
    return watching.watch(
      filter,
      (elements) => {
        count.current += elements.length;
        setShed(Math.max(0, count.current - MOST));
        setSeen((before) => [...elements.toReversed(), ...before].slice(0, MOST));
      },
      (records) => setDropped((before) => before + records),
    );
  }, [watching, isPaused, asked]);

  const change = (part: Partial<Record<keyof WatchFilter, string | number | undefined>>): void =>
    setFilter((before) => {
      const entries = Object.entries({ ...before, ...part }).filter(([, value]) => value !== undefined && value !== '');
      return Object.fromEntries(entries);
    });
  const clear = (): void => {
    setSeen([]);
    setDropped(0);
    setShed(0);
    count.current = 0;
  };
  if (watching === null) return <p class="card">A trace has passed: elements are watched where somebody lives.</p>;
  return (
    <section aria-labelledby="watch" class="card watch">
      <h1 id="watch">Elements as they pass</h1>
      <p class="muted">
        Of negotiations: names, addresses and sizes. Stanzas, keys and what proves something are never among them.
      </p>
      <div class="bar">
        <input
          type="search"
          placeholder="Domain"
          aria-label="Domain"
          data-filter
          onInput={({ currentTarget }) => change({ domain: currentTarget.value.trim() })}
        />
        <input
          type="text"
          inputMode="numeric"
          placeholder="Stream"
          aria-label="Number of a stream"
          onInput={({ currentTarget: { value } }) =>
            change({ stream: /^\d{1,9}$/.test(value) ? Number(value) : undefined })
          }
        />
        <select aria-label="Direction" onChange={({ currentTarget }) => change({ direction: currentTarget.value })}>
          <option value="">in and out</option>
          <option value="in">in</option>
          <option value="out">out</option>
        </select>
        <select aria-label="Element" onChange={({ currentTarget }) => change({ element: currentTarget.value })}>
          <option value="">all elements</option>
          {ELEMENTS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
        <span class="muted" role="status">
          {isPaused ? 'paused; ' : ''}
          {seen.length} shown
          {shed === 0 ? '' : `, ${shed} older ones gone`}
          {dropped === 0 ? '' : `, ${dropped} dropped: more passed than can be told`}
        </span>
      </div>
      {seen.length === 0 ? <p class="muted none">{isPaused ? 'Paused.' : 'Nothing has passed yet.'}</p> : null}
      <ol class="records watched">
        {seen.map((one) => (
          <li key={one.seq} class={wordsOfWire(one.element).tone}>
            <time>{clockWords(one.atMs)}</time>
            <span class="kind">
              {one.stream === null ? '' : <a href={actorHash(route, `stream:${one.stream}`)}>stream:{one.stream}</a>}
            </span>
            <span class="ends">
              <bdi>{one.local || '…'}</bdi> {one.direction === 'out' ? '→' : '←'} <bdi>{one.remote || '…'}</bdi>
            </span>
            <span class="text">{inALine(wordsOfWire(one.element))}</span>
            <span class="seq">{one.bytes === null ? '' : `${one.bytes} B`}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
