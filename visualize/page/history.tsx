/** The last attempts of a domain, and what each verdict was based on. */
import { NOT_AVAILABLE, useAnswer } from './answers.ts';
import { actorHash, type Route } from './route.ts';
import type { Attempt } from '../../src/trace/queries/history.ts';
import type { Source } from './source.ts';
import { countWords } from '../../src/trace/explain/words.ts';
import { clockWords, dateWords, endsOf } from './words.ts';

interface HistoryCardProps {
  readonly source: Source;
  readonly domain: string;
  readonly route: Route;
}

export function HistoryCard({ source, domain, route }: HistoryCardProps) {
  const { value, error } = useAnswer(source, () => source.history(domain), {
    about: `history ${domain}`,
    everyMs: 3_000,
  });
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">
        Last attempts with <bdi>{domain}</bdi>
      </h2>
      {error === null ? null : <p class="muted">{error === NOT_AVAILABLE ? 'Not available here.' : error}</p>}
      {value?.attempts.length === 0 ? <p class="muted">{noneWords(value.forgotten)}</p> : null}
      <ol class="attempts">
        {value?.attempts.map((attempt) => (
          <AttemptLine key={`${attempt.id} ${attempt.startedMs}`} attempt={attempt} route={route} />
        ))}
      </ol>
    </section>
  );
}

const noneWords = (forgotten: number): string =>
  forgotten === 0
    ? 'None is remembered.'
    : `None is remembered; those of ${countWords(forgotten, 'domain')} were forgotten to make room for newer ones.`;

const OUTCOMES: Readonly<Record<Attempt['outcome'], readonly [string, string]>> = {
  holds: ['good', 'holds'],
  failed: ['bad', 'failed'],
  waits: ['waiting', 'waits'],
  left: ['over', 'left'],
};

function AttemptLine({ attempt, route }: { readonly attempt: Attempt; readonly route: Route }) {
  const { id, startedMs, outcome, cause, fix, fault, verdicts } = attempt;
  const [tone, word] = OUTCOMES[outcome];
  const [from, to] = endsOf(attempt);
  return (
    <li>
      <details>
        <summary>
          <span class={`pill ${tone}`}>{word}</span> <time>{dateWords(startedMs)}</time>{' '}
          <span class="ends">
            <bdi>{from}</bdi> → <bdi>{to}</bdi>
          </span>{' '}
          <span class="muted">{fault === null ? '' : `${fault.layer}: ${fault.condition}`}</span>
        </summary>
        <p>{cause}</p>
        {fix === '' || fix === 'Nothing.' ? null : <p class="fix">{fix}</p>}
        <ul class="verdicts">
          {verdicts.map((verdict, at) => (
            <li key={at}>
              <span
                class={`pill ${verdict.verdict === 'proved' ? 'good' : verdict.verdict === 'refuted' ? 'bad' : 'over'}`}
              >
                {verdict.verdict}
              </span>{' '}
              <bdi>{verdict.domain}</bdi> by {verdict.prooftype}
              {verdict.fault === null ? '' : `: ${verdict.fault.condition}`}
              {verdict.expiresAtMs === null ? '' : `, until ${dateWords(verdict.expiresAtMs)}`}
              <ul class="evidence">
                {verdict.evidence.map((piece, index) => (
                  <li key={index}>
                    <time>{clockWords(piece.atMs)}</time> <span class="kind">{piece.kind}</span> {piece.text}
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
        <p>
          <a href={actorHash(route, id)}>{id}</a>
        </p>
      </details>
    </li>
  );
}
