/**
 * The chart that everything waits for: that of the shown actor, or of the innermost actor that it waits for; buttons
 * select the others.
 */
import { useState } from 'preact/hooks';
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { ActorView } from '../../src/trace/view/view.ts';
import { type Answered, useAnswer } from './answers.ts';
import { ChartCard } from './chart.tsx';
import { isActor } from './explanation.tsx';
import type { Source } from './source.ts';

interface ChartsProps {
  readonly source: Source;
  readonly actor: ActorView;
  readonly told: Answered<readonly Explanation[]>;
}

export function Charts({ source, actor, told }: ChartsProps) {
  const [chosen, choose] = useState<string | null>(null);
  const waiting = waitingFrom(actor, told.value?.[0]);
  const shown = waiting.find((id) => id === chosen) ?? waiting.at(-1) ?? actor.id;
  const { value, error } = useAnswer(source, () => source.actor(shown), {
    about: `actor ${shown}`,
    concerns: (actors) => actors.some((one) => one === shown || shown.startsWith(`${one}/`)),
  });
  // Avoids showing another actor's chart for a moment before the right one.
  const isComing = told.error === null && error === null && (told.value === undefined || value === undefined);
  if (isComing) return <section class="card chart" aria-busy="true" />;
  return (
    <div>
      {waiting.length < 2 ? null : (
        <div class="bar" role="group" aria-label="Whose chart is shown">
          {waiting.map((id) => (
            <button key={id} type="button" aria-pressed={id === shown} onClick={() => choose(id)}>
              {id}
            </button>
          ))}
        </div>
      )}
      <ChartCard actor={value?.actor ?? actor} />
    </div>
  );
}

/** The actor itself and those that it waits for, from the outside in; itself alone where it waits for nobody. */
function waitingFrom({ id }: ActorView, told: Explanation | undefined): readonly string[] {
  const chain = (told?.fault === null ? told.chain : []).filter(isActor).map(({ actor }) => actor);
  const from = chain.indexOf(id);
  return from < 0 ? [id] : chain.slice(from);
}
