/** The moment of a trace: a slider over its records, and keys. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { isInList } from './keys.ts';
import { adjust } from './route.ts';
import type { Moment, Source, Timeline } from './source.ts';
import { actorHash, useRoute } from './route.ts';
import { countWords } from '../../src/trace/explain/words.ts';
import { dateWords } from './words.ts';

/** During playback: between one record and the next, in milliseconds; periods of silence are skipped. */
const STEP_MS = 250;

export function TimeBar({ source, timeline }: { readonly source: Source; readonly timeline: Timeline }) {
  const route = useRoute();
  const [moment, setMoment] = useState(timeline.moment);
  const [isPlaying, setPlaying] = useState(false);
  const wanted = useRef(moment.index);
  const { index, count, atMs, firstMs, actor, told, seq } = moment;

  const moveTo = (to: number): void => {
    const next = Math.max(0, Math.min(count, to));
    wanted.current = next;
    adjust({ at: next === count ? null : next });
    void timeline.moveTo(next).then(setMoment);
  };
  useEffect(() => {
    setMoment(timeline.moment);
    wanted.current = timeline.moment.index;
    return source.onChanged(() => setMoment(timeline.moment));
  }, [source]);
  useEffect(() => {
    const at = route.at ?? count;
    if (at !== wanted.current) moveTo(at);
  }, [route.at]);
  useEffect(() => {
    if (!isPlaying) return;
    if (index >= count) {
      setPlaying(false);
      return;
    }
    const timer = window.setTimeout(() => moveTo(wanted.current + 1), STEP_MS);
    return () => window.clearTimeout(timer);
  }, [isPlaying, index]);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isTakenBy(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
      if (step === 0) return;
      event.preventDefault();
      moveTo(wanted.current + step * (event.shiftKey ? 10 : 1));
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  });

  return (
    <footer class="time-bar" aria-label="Time">
      <button
        type="button"
        aria-label="One record back"
        onClick={() => moveTo(wanted.current - 1)}
        disabled={index === 0}
      >
        ‹
      </button>
      <button
        type="button"
        class="play"
        onClick={() => {
          if (!isPlaying && index === count) moveTo(0);
          setPlaying(!isPlaying);
        }}
      >
        {isPlaying ? 'Pause' : 'Play'}
      </button>
      <button
        type="button"
        aria-label="One record on"
        onClick={() => moveTo(wanted.current + 1)}
        disabled={index === count}
      >
        ›
      </button>
      <input
        type="range"
        min={0}
        max={count}
        value={index}
        aria-label="Moment of the trace"
        aria-valuetext={`${placeWords(moment)}, ${dateWords(atMs)}`}
        onInput={({ currentTarget }) => moveTo(Number(currentTarget.value))}
      />
      <span class="moment">
        <strong>{placeWords(moment)}</strong>{' '}
        <span class="muted">
          {seq === null ? '' : `no. ${seq} · `}
          {dateWords(atMs)} · +{((atMs - firstMs) / 1_000).toFixed(3)} s
        </span>
      </span>
      <span class="told">
        {actor === '' ? null : <a href={actorHash(route, actor)}>{actor}</a>} {told}
      </span>
    </footer>
  );
}

function placeWords({ index, count }: Moment): string {
  if (index === 0) return 'the beginning';
  return index === count ? `the end, after ${countWords(count, 'record')}` : `record ${index} of ${count}`;
}

/** The slider handles arrow keys, but not steps of ten; other fields and lists use both for themselves. */
function isTakenBy({ target, shiftKey }: KeyboardEvent): boolean {
  if (target instanceof HTMLInputElement) return target.type !== 'range' || !shiftKey;
  return target instanceof HTMLSelectElement || isInList(target);
}
