/** Which address of the inspector answers what. */
import { explain, pairFrom } from '../trace/explain.ts';
import { actor, overview, rowKinds, rows } from '../trace/queries.ts';
import type { Inspected } from './server.ts';

export interface Answer {
  readonly status: 200 | 400 | 401 | 403 | 404 | 405;
  readonly type: 'json' | 'text' | 'trace';
  readonly body: string;
}

type Respond = (query: URLSearchParams, inspected: Inspected) => Answer;

const json = (value: unknown): Answer => ({ status: 200, type: 'json', body: JSON.stringify(value) });
const refused = (status: 400 | 404, body: string): Answer => ({ status, type: 'text', body });

const addresses: Readonly<Record<string, Respond>> = {
  '/api/overview': (_query, inspected) => json(overview(inspected.view())),
  '/api/rows': (query, inspected) => {
    const kind = rowKinds.find((one) => one === query.get('kind'));
    const [offset, limit] = [countIn(query, 'offset', 0), countIn(query, 'limit', 100)];
    if (kind === undefined || offset === null || limit === null)
      return refused(400, `expected kind=${rowKinds.join('|')}, and offset and limit as numbers`);
    return json(rows(inspected.view(), kind, query.get('filter') ?? '', offset, limit));
  },
  '/api/actor': (query, inspected) => {
    const found = actor(inspected.view(), query.get('id') ?? '');
    return found === null ? refused(404, 'expected the id of an actor that is known: it may have ended') : json(found);
  },
  '/api/explain': (query, inspected) => {
    const pair = query.get('pair');
    return json(explain(inspected.view(), pair === null ? {} : pairFrom(pair)));
  },
  '/api/source': (_query, { trace }) => json(trace === undefined ? { kind: 'live' } : { kind: 'trace', ...trace }),
  '/api/trace': (_query, inspected) => ({ status: 200, type: 'trace', body: [...inspected.traceLines()].join('') }),
};

export function answerOf({ pathname, searchParams }: URL, inspected: Inspected): Answer {
  const respond = Object.hasOwn(addresses, pathname) ? addresses[pathname] : undefined;
  if (respond !== undefined) return respond(searchParams, inspected);
  const known = Object.keys(addresses).join('\n');
  if (pathname === '/')
    return { status: 200, type: 'text', body: `the page is not built here: npm run build\n${known}` };
  return refused(404, `nothing is here; try\n${known}`);
}

function countIn(query: URLSearchParams, name: string, fallback: number): number | null {
  const text = query.get(name);
  if (text === null) return fallback;
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}
