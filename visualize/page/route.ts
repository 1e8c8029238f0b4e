/** The current view, as the part of the URL after `#`: it can be linked to, and the browser's Back works. */
import { useEffect, useState } from 'preact/hooks';
import { type RowKind, rowKinds } from '../../src/trace/queries/queries.ts';

export interface Route {
  readonly view: 'start' | 'actor' | 'watch';
  /** The actor that is shown. */
  readonly id: string;
  /** Which list is shown, and how it is filtered. */
  readonly list: RowKind;
  readonly filter: string;
  /** In a trace: the number of records up to the shown moment; null for all. */
  readonly at: number | null;
}

export function routeIn(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?');
  const [, view = '', ...rest] = path.split('/');
  const asked = new URLSearchParams(query);
  const at = asked.get('at');
  const id = decoded(rest.join('/'));
  return {
    view: view === 'watch' ? 'watch' : view === 'actor' && id !== '' ? 'actor' : 'start',
    id,
    list: rowKinds.find((kind) => kind === asked.get('list')) ?? 'pair',
    filter: asked.get('filter') ?? '',
    at: at !== null && /^\d{1,9}$/.test(at) ? Number(at) : null,
  };
}

export function hashOf({ view, id, list, filter, at }: Route): string {
  const query = new URLSearchParams();
  if (list !== 'pair') query.set('list', list);
  if (filter !== '') query.set('filter', filter);
  if (at !== null) query.set('at', String(at));
  const path = view === 'actor' ? `#/actor/${encodeURIComponent(id)}` : view === 'watch' ? '#/watch' : '#/';
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export const currentRoute = (): Route => routeIn(location.hash);

/** Shows something else; the browser's Back returns here. */
export function go(change: Partial<Route>): void {
  location.hash = hashOf({ ...currentRoute(), ...change });
}

/** Changes details of the same view, without a new entry in the browser's history. */
export function adjust(change: Partial<Route>): void {
  history.replaceState(null, '', hashOf({ ...currentRoute(), ...change }));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/** The target of a link to an actor. */
export const actorHash = (route: Route, id: string): string => hashOf({ ...route, view: 'actor', id });

export function useRoute(): Route {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const change = (): void => setRoute(currentRoute());
    window.addEventListener('hashchange', change);
    return () => window.removeEventListener('hashchange', change);
  }, []);
  return route;
}
