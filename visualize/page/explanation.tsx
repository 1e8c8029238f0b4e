/** Why a negotiation is where it is: in sentences, then as a chain of who waits for whom. */
import type { ChainLink, Explanation } from '../../src/trace/explain/explain.ts';
import { lasting } from '../../src/trace/explain/words.ts';
import { moveFocus } from './keys.ts';
import { actorHash, type Route } from './route.ts';
import { clockWords, endsOf, MOVERS, sinceWords } from './words.ts';

/** Links about queues and about the far end's half do not concern actors of ours. */
export const isActor = ({ machine }: ChainLink): boolean => machine !== 'queue' && machine !== 'authority';

/** The actor that an explanation begins with. */
export const leadOf = ({ chain, local, remote }: Explanation): string =>
  chain.find(isActor)?.actor ?? `pair:${local}>${remote}`;

interface ExplanationProps {
  readonly told: Explanation;
  readonly route: Route;
  readonly nowMs: number;
}

export function ExplanationCard({ told, route, nowMs }: ExplanationProps) {
  const { stuck, fault, cause, fix, chain, failedIn, spec, sinceMs } = told;
  const [from, to] = endsOf(told);
  // Where nobody waits and nothing failed, there is no question that the chain would answer.
  const isAsked = fault !== null || chain.some(({ awaits }) => awaits !== null);
  const tone = fault !== null ? 'bad' : stuck ? 'waiting' : 'good';
  return (
    <article class={`explanation ${tone}`} aria-label={`Why ${from} to ${to} stands where it stands`}>
      <p class="lead">
        <span class={`pill ${tone}`}>{fault !== null ? 'failed' : stuck ? 'stuck' : 'in order'}</span>{' '}
        <span class="ends">
          <bdi>{from}</bdi> → <bdi>{to}</bdi>
        </span>{' '}
        <span class="muted for">for {sinceWords(sinceMs, nowMs)}</span>
      </p>
      <p class="cause">{cause}</p>
      {fix === 'Nothing.' ? null : (
        <>
          <h3>What to do</h3>
          <p class="fix">{fix}</p>
        </>
      )}
      {!isAsked ? null : (
        <>
          <h3>{fault === null ? 'Who waits for whom' : 'Who had a part in it'}</h3>
          <ol class="chain" onKeyDown={moveFocus}>
            {chain.map((link) => (
              <Link key={`${link.machine} ${link.actor}`} link={link} route={route} nowMs={nowMs} />
            ))}
          </ol>
        </>
      )}
      {fault === null ? null : (
        <p class="muted small">
          It failed{failedIn === null ? '' : ` in ${failedIn}`}: <code>{`${fault.layer}: ${fault.condition}`}</code> (
          {fault.origin}){fault.text === undefined ? '' : <> “{fault.text}”</>}
        </p>
      )}
      <Then told={told} nowMs={nowMs} />
      {spec === '' ? null : <p class="muted small">{spec}</p>}
    </article>
  );
}

function Link({ link, route, nowMs }: { readonly link: ChainLink; readonly route: Route; readonly nowMs: number }) {
  const { actor, machine, state, awaits, mover, sinceMs, description } = link;
  const since = sinceWords(sinceMs, nowMs);
  const name = machine === 'queue' ? 'stanzas' : machine === 'authority' ? 'the other half' : actor;
  return (
    <li>
      {isActor(link) ? (
        <a href={actorHash(route, actor)} aria-current={route.id === actor ? 'true' : undefined}>
          {name}
        </a>
      ) : (
        <span class="name">{name}</span>
      )}{' '}
      <code>{state}</code>
      {since === '' ? null : <span class="for">{since}</span>}
      <span class="what">
        {awaits === null ? description : `waits for ${awaits}${mover === null ? '' : `, from ${MOVERS[mover]}`}`}
      </span>
    </li>
  );
}

/** What happens next by itself, with a countdown. */
function Then({
  told: { ifLate, deadlineMs, sinceMs },
  nowMs,
}: {
  readonly told: Explanation;
  readonly nowMs: number;
}) {
  if (ifLate === null) return null;
  return <Deadline ifLate={ifLate} deadlineMs={deadlineMs} sinceMs={sinceMs} nowMs={nowMs} />;
}

interface DeadlineProps {
  readonly ifLate: string;
  readonly deadlineMs: number | null;
  readonly sinceMs: number;
  readonly nowMs: number;
}

export function Deadline({ ifLate, deadlineMs, sinceMs, nowMs }: DeadlineProps) {
  if (deadlineMs === null) return <p class="deadline">There is no deadline: {ifLate}.</p>;
  const left = deadlineMs - nowMs;
  return (
    <div class="deadline">
      <p>
        {left <= 0 ? 'Now' : `In ${lasting(left)}, at ${clockWords(deadlineMs).slice(0, 8)} UTC`}: {ifLate}.
      </p>
      <progress
        max={Math.max(1, deadlineMs - sinceMs)}
        value={Math.max(0, Math.min(nowMs, deadlineMs) - sinceMs)}
        aria-label="Of its time has passed"
      />
    </div>
  );
}
