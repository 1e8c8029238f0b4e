/** The frame of the page: the current view, and the source of its answers. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { divergedWords } from '../../src/trace/explain/words.ts';
import type { Overview } from '../../src/trace/queries/queries.ts';
import { type Answered, useAnswer } from './answers.ts';
import { Detail } from './detail.tsx';
import { hearTime } from './now.ts';
import { adjust, currentRoute, go, hashOf, useRoute } from './route.ts';
import type { Source } from './source.ts';
import { Start } from './start.tsx';
import { TimeBar } from './time-bar.tsx';
import { titleOf } from './title.ts';
import { openTrace } from './trace-source.ts';
import { Watch } from './watch.tsx';

export function App({ begin }: { readonly begin: () => Promise<Source> }) {
  const [source, setSource] = useState<Source | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [opening, setOpening] = useState<string | null>(null);

  /** @param opened is called once the source is available; the view does not change before that */
  const take = async (next: Promise<Source>, name: string, opened = (): void => undefined): Promise<void> => {
    setOpening(name);
    setProblem(null);
    try {
      const taken = await next;
      opened();
      const { at } = currentRoute();
      if (at !== null) await taken.timeline?.moveTo(at);
      source?.close();
      setSource(taken);
    } catch (error) {
      setProblem(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    setOpening(null);
  };
  const open = (file: File): void => {
    const lookAtAll = (): void => adjust({ view: 'start', id: '', at: null });
    void take(openTrace(file, file.name, Date.now()), file.name, lookAtAll);
  };
  useEffect(() => void take(begin(), 'the inspector'), []);

  return (
    <FileDrop open={open}>
      {source === null ? <Header open={open} /> : <Shown source={source} open={open} />}
      {opening === null ? null : (
        <p class="notice" role="status">
          {source === null ? 'Asking…' : `Reading ${opening}…`}
        </p>
      )}
      {problem === null ? null : (
        <p class="notice bad" role="alert">
          {problem}{' '}
          <button type="button" class="quiet" onClick={() => setProblem(null)}>
            Close
          </button>
        </p>
      )}
    </FileDrop>
  );
}

function Shown({ source, open }: { readonly source: Source; readonly open: (file: File) => void }) {
  const route = useRoute();
  const overview = useAnswer(source, () => source.overview(), { about: 'overview', everyMs: 1_000 });
  const atMs = overview.value?.atMs;
  useEffect(() => {
    if (source.kind === 'live' && atMs !== undefined) hearTime(atMs);
  }, [atMs]);
  const title = titleOf(route, overview.value);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useKeys();
  return (
    <>
      <Header open={open} source={source} overview={overview} />
      <Missing source={source} overview={overview.value} />
      <main class={source.timeline === null ? '' : 'over-time'}>
        {route.view === 'start' ? <Start source={source} route={route} overview={overview} /> : null}
        {route.view === 'actor' ? <Detail key={route.id} source={source} route={route} /> : null}
        {route.view === 'watch' ? <Watch source={source} /> : null}
      </main>
      {source.timeline === null ? null : <TimeBar source={source} timeline={source.timeline} />}
    </>
  );
}

/** `/` moves the focus to the filter, and Escape returns to the lists. */
function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const isTyping = event.target instanceof HTMLInputElement && event.target.type !== 'range';
      const { view } = currentRoute();
      if (event.key === '/' && !isTyping) {
        event.preventDefault();
        const toFilter = (): void => document.querySelector<HTMLElement>('[data-filter]')?.focus();
        if (view === 'start') {
          toFilter(); // at once: the next keystrokes belong there
        } else {
          // The filter exists only after the view has changed.
          window.addEventListener('hashchange', () => requestAnimationFrame(toFilter), { once: true });
          go({ view: 'start', id: '' });
        }
      }
      if (event.key === 'Escape' && !isTyping && document.querySelector('dialog[open]') === null && view !== 'start')
        go({ view: 'start', id: '' });
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}

interface HeaderProps {
  readonly open: (file: File) => void;
  readonly source?: Source;
  readonly overview?: Answered<Overview>;
}

function Header({ open, source, overview }: HeaderProps) {
  const input = useRef<HTMLInputElement>(null);
  const route = useRoute();
  const hosts = overview?.value?.hosts ?? [];
  return (
    <header>
      <a class="name" href={hashOf({ ...route, view: 'start', id: '' })}>
        xmpp-dna
      </a>
      {source === undefined ? null : (
        <span class={`chip ${overview?.error != null ? 'bad' : source.kind}`}>
          {overview?.error != null ? 'no answer' : source.kind === 'live' ? 'live' : `trace ${source.name}`}
        </span>
      )}
      <span class="hosts" title={hosts.join(', ')}>
        {hosts.slice(0, 3).join(', ')}
        {hosts.length > 3 ? ` and ${hosts.length - 3} more` : ''}
      </span>
      <span class="space" />
      {source?.watching == null ? null : (
        <a
          class="button"
          href={hashOf({ ...route, view: 'watch', id: '' })}
          aria-current={route.view === 'watch' ? 'page' : undefined}
        >
          Watch elements
        </a>
      )}
      {source?.kind === 'live' ? (
        <a class="button" href="api/trace" download={`xmpp-dna-${hosts[0] ?? 'daemon'}.dnalog`}>
          Save as a trace
        </a>
      ) : null}
      <button type="button" onClick={() => input.current?.click()}>
        Open a trace…
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="A trace file"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file !== undefined) open(file);
          currentTarget.value = '';
        }}
      />
    </header>
  );
}

/** Says why the picture is incomplete. */
function Missing({ source, overview }: { readonly source: Source; readonly overview: Overview | undefined }) {
  const moment = source.timeline?.moment;
  const lost = moment?.lost ?? overview?.lost ?? 0;
  const first = moment?.diverged.first ?? null;
  const lines = [
    lost === 0 ? null : `${lost.toLocaleString('en')} records are missing: what is said may be incomplete.`,
    moment?.isCutOff === true ? 'The file ends in the middle of a line: the program that wrote it was cut off.' : null,
    moment === undefined || moment.unknown === 0
      ? null
      : `${moment.unknown} records are of kinds that this version does not know.`,
    moment === undefined || first === null
      ? null
      : `The charts of this version diverge from the trace ${divergedWords(moment.diverged.count, first)}.`,
  ].filter((line) => line !== null);
  if (lines.length === 0) return null;
  return (
    <div class="missing" role="status">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}

/** A file may be dropped anywhere. */
function FileDrop({
  open,
  children,
}: {
  readonly open: (file: File) => void;
  readonly children: preact.ComponentChildren;
}) {
  const [isOver, setIsOver] = useState(false);
  return (
    <div
      class={isOver ? 'frame dropping' : 'frame'}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setIsOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) open(file);
      }}
    >
      {children}
    </div>
  );
}
