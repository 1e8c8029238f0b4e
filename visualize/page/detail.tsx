/**
 * One stream, pair or peer, or one of their children: why it is in its state, its chart, and everything known about it.
 */
import type { ActorView } from '../../src/trace/view/view.ts';
import type { Explanation } from '../../src/trace/explain/explain.ts';
import { textIn } from '../../src/trace/context.ts';
import { type Answered, useAnswer } from './answers.ts';
import { Charts } from './charts.tsx';
import { ActorCommands } from './commands.tsx';
import { Deadline, ExplanationCard } from './explanation.tsx';
import { HistoryCard } from './history.tsx';
import { Heading } from './heading.tsx';
import { moveFocus } from './keys.ts';
import { LadderCard } from './ladder.tsx';
import { useNow } from './now.ts';
import { RecordsCard } from './records.tsx';
import { actorHash, hashOf, type Route } from './route.ts';
import type { Source } from './source.ts';
import { dateWords, MOVERS, sinceWords, toneOf } from './words.ts';

export function Detail({ source, route }: { readonly source: Source; readonly route: Route }) {
  const { id } = route;
  const nowMs = useNow(source);
  const isOfIt = (actors: readonly string[]): boolean => actors.some((one) => one === id || one.startsWith(`${id}/`));
  const { value, error } = useAnswer(source, () => source.actor(id), { about: `actor ${id}`, concerns: isOfIt });
  const actor = value?.actor;
  const told = useExplanations(source, id, actor);
  return (
    <>
      <nav class="path" aria-label="Where this is">
        <a href={hashOf({ ...route, view: 'start', id: '' })}>All</a>
        {partsOf(id).map((part) => (
          <span key={part.id}>
            {' › '}
            <a href={actorHash(route, part.id)} aria-current={part.id === id ? 'page' : undefined}>
              {part.name}
            </a>
          </span>
        ))}
      </nav>
      {error === null ? null : (
        <p class="notice bad" role="alert">
          {error}
        </p>
      )}
      {value === null ? (
        <section class="card">
          <Heading>{id}</Heading>
          <p>
            {source.kind === 'live'
              ? 'It is not known: it has ended, and its records have made room for newer ones.'
              : 'It is not there at this moment of the trace: move through time to find it.'}
          </p>
        </section>
      ) : null}
      {value == null ? null : (
        <>
          <Head source={source} actor={value.actor} nowMs={nowMs} />
          <div class="columns">
            <div>
              <section class="card" aria-label="Why">
                <Why told={told} actor={value.actor} route={route} nowMs={nowMs} />
              </section>
              <Facts actor={value.actor} route={route} />
            </div>
            <Charts key={id} source={source} actor={value.actor} told={told} />
          </div>
          <LadderCard source={source} id={id} concerns={isOfIt} />
          <RecordsCard records={value.records} />
          {domainOf(value.actor) === '' ? null : (
            <HistoryCard source={source} domain={domainOf(value.actor)} route={route} />
          )}
        </>
      )}
    </>
  );
}

/** The domain whose history of attempts is shown. */
const domainOf = ({ context }: ActorView): string => textIn(context['remote']) || textIn(context['domain']);

/** `stream:3/association.b.example` as two parts. */
function partsOf(id: string): readonly { readonly id: string; readonly name: string }[] {
  const names = id.split('/');
  return names.map((name, at) => ({ name, id: names.slice(0, at + 1).join('/') }));
}

/** The actor of a failed pair is gone while its hold-off lasts: it can still be retried. */
const canBeCommanded = ({ id, ended }: ActorView): boolean => ended === null || id.startsWith('pair:');

function Head({
  source,
  actor,
  nowMs,
}: {
  readonly source: Source;
  readonly actor: ActorView;
  readonly nowMs: number;
}) {
  const { id, machine, state, ended, waits, path, bornMs } = actor;
  const sinceMs = ended?.atMs ?? waits?.sinceMs ?? path.at(-1)?.atMs ?? bornMs;
  return (
    <div class="head-line">
      <Heading>{id}</Heading>
      <span class="muted">{machine}</span>
      <span class={`pill ${toneOf(state[0], ended !== null, waits !== null)}`} data-current-state={state.join('.')}>
        {state.join('.') || '…'}
      </span>
      <span class="muted for">
        {ended === null ? 'for' : `${ended.how}, since`} {sinceWords(sinceMs, nowMs)}
      </span>
      <span class="space" />
      {source.commands === null || !canBeCommanded(actor) ? null : (
        <ActorCommands commands={source.commands} actor={actor} />
      )}
    </div>
  );
}

/** The explanations of an actor; for a child, those of the stream, pair or peer that it belongs to. */
function useExplanations(source: Source, id: string, actor: ActorView | undefined): Answered<readonly Explanation[]> {
  const asked = domainsOf(id, actor);
  const ask = async (): Promise<readonly Explanation[]> => {
    let first: readonly Explanation[] = [];
    for (const one of asked) {
      const told = await source.explain(one);
      // Those in which the actor takes part; where there are none, all of its domains.
      const own = told.filter(({ chain }) => chain.some((link) => link.actor === id));
      if (own.length > 0) return own;
      if (first.length === 0) first = told;
    }
    return first;
  };
  return useAnswer(source, ask, { about: `explain ${id} ${JSON.stringify(asked)}`, everyMs: 1_000 });
}

/** What to ask about to get explanations of an actor: its pair, its remote domain, or whatever domains it names. */
function domainsOf(id: string, actor: ActorView | undefined): readonly string[] {
  const [kind = '', name = ''] = id.split(/:(.*)/s);
  if ((kind === 'pair' || kind === 'peer') && !id.includes('/')) return [name];
  const { local, remote, domain, from, to } = actor?.context ?? {};
  const named = [textIn(remote), textIn(domain), textIn(to), textIn(from)].filter((one) => one !== '');
  const pair = textIn(local) === '' || textIn(remote) === '' ? [] : [`${textIn(local)}>${textIn(remote)}`];
  return [...new Set([...pair, ...named])];
}

const MOST_TOLD = 5;

interface WhyProps {
  readonly told: Answered<readonly Explanation[]>;
  readonly actor: ActorView;
  readonly route: Route;
  readonly nowMs: number;
}

function Why({ told: { value: told, error }, actor, route, nowMs }: WhyProps) {
  if (error !== null) return <p class="muted">{error}</p>;
  if (told === undefined) return <p class="muted">…</p>;
  if (told.length === 0) return <Itself actor={actor} nowMs={nowMs} />;
  return (
    <>
      {told.slice(0, MOST_TOLD).map((one) => (
        <ExplanationCard key={`${one.direction} ${one.local} ${one.remote}`} told={one} route={route} nowMs={nowMs} />
      ))}
      {told.length > MOST_TOLD ? <p class="muted">and {told.length - MOST_TOLD} more of the same domains</p> : null}
    </>
  );
}

/** Shown where there is no explanation: what the chart says. */
function Itself({ actor: { description, waits, spec }, nowMs }: { readonly actor: ActorView; readonly nowMs: number }) {
  return (
    <article class="explanation">
      <p class="cause">{description || 'Nothing more is known of it.'}</p>
      {waits === null ? null : (
        <>
          <p>
            It waits for {waits.awaits}, from {MOVERS[waits.mover]}.
          </p>
          <Deadline {...waits} nowMs={nowMs} />
        </>
      )}
      <p class="muted small">{spec}</p>
    </article>
  );
}

function Facts({ actor, route }: { readonly actor: ActorView; readonly route: Route }) {
  const { children, effects, parent, bornMs, ended, context } = actor;
  const text = JSON.stringify(context, null, 2);
  return (
    <section class="card facts" aria-label="What is known of it">
      <dl>
        {bornMs === null ? null : (
          <>
            <dt>Began</dt>
            <dd>{dateWords(bornMs)}</dd>
          </>
        )}
        {ended === null ? null : (
          <>
            <dt>Ended</dt>
            <dd>
              {dateWords(ended.atMs)}, {ended.how}
              {ended.fault === null ? '' : `: ${ended.fault.layer}: ${ended.fault.condition}`}
            </dd>
          </>
        )}
        {parent === null ? null : (
          <>
            <dt>Of</dt>
            <dd>
              <a href={actorHash(route, parent)}>{parent}</a>
            </dd>
          </>
        )}
        {children.length === 0 ? null : (
          <>
            <dt>Children</dt>
            <dd>
              <ul onKeyDown={moveFocus}>
                {children.map((child) => (
                  <li key={child}>
                    <a href={actorHash(route, child)}>{child.slice(child.lastIndexOf('/') + 1)}</a>
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
        {effects.length === 0 ? null : (
          <>
            <dt>Effects at work</dt>
            <dd>{effects.join(', ')}</dd>
          </>
        )}
      </dl>
      {text === '{}' ? null : (
        <details>
          <summary>Its context</summary>
          <pre tabIndex={0}>{text}</pre>
        </details>
      )}
    </section>
  );
}
