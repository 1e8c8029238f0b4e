/** Which address of the inspector returns what. */
import { canonicalDomain } from '../protocol/names.ts';
import { pairFrom, survey } from '../trace/explain/explain.ts';
import { historySteps } from '../trace/queries/history.ts';
import { ladderSteps } from '../trace/queries/ladder.ts';
import { actor, overviewSteps, rowKinds, rowsSteps } from '../trace/queries/queries.ts';
import { commandNames, runCommand } from './commands.ts';
import type { Inspected } from './inspected.ts';
import type { Steps } from './paced.ts';

export interface Answer {
  readonly status: 200 | 400 | 401 | 403 | 404 | 405 | 409 | 500 | 503;
  readonly type: 'json' | 'text';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A costly answer, with how to make it. */
export interface Costly {
  readonly steps: Steps<Answer>;
  /** Pages request it every second: it may be a little old, or incomplete. */
  readonly isPolled: boolean;
}

type Respond = (query: URLSearchParams, inspected: Inspected) => Answer | Costly;

const polled = (steps: Steps<Answer>): Costly => ({ steps, isPolled: true });
const fresh = (steps: Steps<Answer>): Costly => ({ steps, isPolled: false });

const json = (value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  type: 'json',
  body: JSON.stringify(value),
  headers,
});
const refused = (status: 400 | 404, body: string): Answer => ({ status, type: 'text', body });

export const TRACE = '/api/trace';
export const COMMANDS = '/api/commands';
/** How many explanations were left out of the answer, because there are more than anybody reads. */
export const LEFT_OUT = 'x-left-out';
const MOST_EXPLAINED = 500;

const addresses: Readonly<Record<string, Respond>> = {
  '/api/overview': (_query, inspected) =>
    polled(function* () {
      const making = overviewSteps(inspected.view());
      for (;;) {
        const { done, value } = making.next();
        if (done === true) return json(value);
        yield value === undefined ? undefined : () => json(value());
      }
    }),
  '/api/rows': (query, inspected) => {
    const kind = rowKinds.find((one) => one === query.get('kind'));
    const [offset, limit] = [countIn(query, 'offset', 0), countIn(query, 'limit', 100)];
    if (kind === undefined || offset === null || limit === null)
      return refused(400, `expected kind=${rowKinds.join('|')}, and offset and limit as numbers`);
    return polled(function* () {
      return json(yield* rowsSteps(inspected.view(), kind, query.get('filter') ?? '', offset, limit));
    });
  },
  '/api/actor': (query, inspected) => {
    const found = actor(inspected.view(), query.get('id') ?? '');
    return found === null ? refused(404, 'expected the id of an actor that is known: it may have ended') : json(found);
  },
  '/api/ladder': (query, inspected) =>
    fresh(function* () {
      const found = yield* ladderSteps(inspected.view(), query.get('id') ?? '');
      return found === null ? refused(404, 'expected the id of a stream, pair or peer that is known') : json(found);
    }),
  '/api/history': (query, inspected) => {
    const domain = canonicalDomain(query.get('domain') ?? '');
    if (domain === null) return refused(400, 'expected domain=…');
    return fresh(function* () {
      return json(yield* historySteps(inspected.view(), domain));
    });
  },
  '/api/explain': (query, inspected) => {
    const most = countIn(query, 'most', MOST_EXPLAINED);
    if (most === null) return refused(400, 'expected most as a number');
    const pair = query.get('pair');
    return fresh(function* () {
      const wanted = pair === null ? {} : pairFrom(pair);
      const { explanations, total } = yield* survey(inspected.view(), wanted, Math.min(most, MOST_EXPLAINED));
      return json(explanations, { [LEFT_OUT]: String(total - explanations.length) });
    });
  },
  [COMMANDS]: (_query, { live }) =>
    json({ commands: live === undefined ? [] : commandNames, blocked: live?.commands.blocked ?? [] }),
  '/api/source': (_query, { trace }) => json(trace === undefined ? { kind: 'live' } : { kind: 'trace', ...trace }),
};

/** An answer, or for a costly one how to make it. */
export function answerOf({ pathname, searchParams }: URL, inspected: Inspected): Answer | Costly {
  const respond = Object.hasOwn(addresses, pathname) ? addresses[pathname] : undefined;
  if (respond !== undefined) return respond(searchParams, inspected);
  const known = [...Object.keys(addresses), TRACE].join('\n');
  if (pathname === '/')
    return { status: 200, type: 'text', body: `the page is not built here: npm run build\n${known}` };
  return refused(404, `nothing is here; try\n${known}`);
}

/** `POST /api/commands`. Errors in the request are reported like the outcome of a command. */
export function commandAnswer(contentType: string, body: string, { live }: Inspected): Answer {
  const answer = (status: Answer['status'], done: boolean, text: string): Answer => ({
    ...json({ done, text }),
    status,
  });
  if (live === undefined) return answer(409, false, 'nothing runs here: this is a trace');
  // A form on another origin's page cannot send this type without a CORS preflight.
  if (!/^application\/json\s*(;|$)/i.test(contentType))
    return answer(400, false, 'expected content-type: application/json');
  const { status, done, text } = runCommand(live.commands, body);
  if (done) live.tell(text);
  return answer(status, done, text);
}

function countIn(query: URLSearchParams, name: string, fallback: number): number | null {
  const text = query.get(name);
  if (text === null) return fallback;
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}
