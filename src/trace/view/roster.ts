/** The ids in a view, by kind, live ones first: lists, counts and explanations start from it. */
import { livesIn } from './glance.ts';
import type { View } from './view.ts';

export type RootKind = 'stream' | 'pair' | 'peer';

export type Roster = Readonly<Record<RootKind | 'verification', Ids>>;

interface Ids {
  readonly living: string[];
  readonly over: string[];
}

/** Ids looked at between two yields. */
const A_STEP = 2_048;

export function* rosterOf(view: View): Generator<undefined, Roster> {
  const none = (): Ids => ({ living: [], over: [] });
  const roster = { stream: none(), pair: none(), peer: none(), verification: none() };
  let looked = 0;
  const listed = new Set<string>();
  for (const [ids, known] of sourcesOf(view)) {
    for (const id of ids) {
      if (++looked % A_STEP === 0) yield;
      const kind = kindOf(id);
      if (kind === null || listed.has(id)) continue; // one that ended during a pause is listed already
      listed.add(id);
      roster[kind][(known ?? livesIn(view, id)) ? 'living' : 'over'].push(id);
    }
  }
  return roster;
}

/** Sources of ids, each with whether they are live, if that is known for the whole source. */
function sourcesOf(view: View): readonly (readonly [Iterable<string>, boolean | null])[] {
  const [living, ended] = [view.living?.(), view.ended?.()];
  return living === undefined || ended === undefined
    ? [[view.actors.keys(), null]]
    : [
        [living, true],
        [ended, false],
      ];
}

/** Null for any other child actor. */
function kindOf(id: string): RootKind | 'verification' | null {
  const kind = id.startsWith('pair:') ? 'pair' : id.startsWith('peer:') ? 'peer' : 'stream';
  if (!id.startsWith(kind)) return null;
  const slash = id.indexOf('/');
  if (slash < 0) return kind;
  // Not the children of a verification.
  return id.startsWith('/verification', slash) && !id.includes('/', slash + 1) ? 'verification' : null;
}
