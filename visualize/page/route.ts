/** What is looked at, as the part of the address behind `#`: it can be linked, and the way back works. */
import { useEffect, useState } from 'preact/hooks';
import { type RowKind, rowKinds } from '../../src/trace/queries/queries.ts';

export interface Route {
  readonly view: 'start' | 'actor' | 'watch';
  /** Of the actor that is looked at. */
  readonly id: string;
  /** Which list is shown, and what of it. */
  readonly list: RowKind;
  readonly filter: string;
  /** Of a trace: how many records have been; null: all. */
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

/** Looks at something else; the way back leads here. */
export function go(change: Partial<Route>): void {
  location.hash = hashOf({ ...currentRoute(), ...change });
}

/** The same thing, a little otherwise: that is no step of the way back. */
export function adjust(change: Partial<Route>): void {
  history.replaceState(null, '', hashOf({ ...currentRoute(), ...change }));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Where a link to an actor leads. */
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
