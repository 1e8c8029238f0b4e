/** A running daemon, queried through its inspector's URLs (docs/inspector.md). */
import type { Explanation } from '../../src/trace/explain/explain.ts';
import type { History } from '../../src/trace/queries/history.ts';
import type { Ladder } from '../../src/trace/queries/ladder.ts';
import type { ActorAnswer, Overview, Rows } from '../../src/trace/queries/queries.ts';
import { LiveSocket } from './live-socket.ts';
import { type Command, type Commands, NotAvailable, type Outcome, type Source } from './source.ts';

/** Longer than any answer takes, in milliseconds. */
const PATIENCE_MS = 20_000;

export function httpSource(): Source {
  const live = new LiveSocket();
  return {
    kind: 'live',
    name: '',
    overview: () => asked<Overview>('overview', {}),
    rows: (kind, filter, offset, limit) =>
      asked<Rows>('rows', { kind, filter, offset: String(offset), limit: String(limit) }),
    actor: (id) => orNull(asked<ActorAnswer>('actor', { id })),
    explain: (pair) => asked<readonly Explanation[]>('explain', { pair }),
    ladder: (id) => orNull(asked<Ladder>('ladder', { id })),
    history: (domain) => asked<History>('history', { domain }),
    onChanged: (listener) => live.onChanged(listener),
    watching: live,
    commands,
    timeline: null,
    close: () => live.close(),
  };
}

/** The URL exists, but the daemon does not know the subject of the request. */
class Unknown extends Error {}

const orNull = <T>(answer: Promise<T>): Promise<T | null> =>
  answer.catch((error: unknown) => {
    if (error instanceof Unknown) return null;
    throw error;
  });

/** Relative, so that a proxy may put the inspector below a path of its own. */
async function asked<T>(path: string, query: Readonly<Record<string, string>>): Promise<T> {
  const response = await sent(`api/${path}?${new URLSearchParams(query).toString()}`, {});
  return (await response.json()) as T; // of the same version as this page: they are shipped together
}

async function sent(address: string, request: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...request, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Error('The daemon does not answer. Does it still run?');
  }
  if (response.ok) return response;
  const said = (await response.text()).slice(0, 300);
  if (response.status === 404 && said.startsWith('nothing is here')) throw new NotAvailable(address);
  if (response.status === 404) throw new Unknown(said);
  if (response.status === 401) throw new Error('A token is needed: open this page with ?token=… once.');
  throw new Error(`The inspector answered ${response.status}: ${said}`);
}

const commands: Commands = {
  list: () => asked('commands', {}),
  run: async (command: Command): Promise<Outcome> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('api/commands', { method: 'POST', headers, body: JSON.stringify(command) });
    const text = await response.text();
    try {
      const { done, text: told } = JSON.parse(text) as Partial<Outcome>;
      return { done: done === true, text: String(told) };
    } catch {
      return { done: false, text: text.slice(0, 300) };
    }
  },
};
