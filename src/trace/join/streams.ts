/** Matches the streams of two traces: by the ids that both ends know, else by the domains and the time of opening. */
import { type Disagreement, endsOf } from './disagreement.ts';
import { type OneClock, tellsOf, byBoth } from './coverage.ts';
import type { SharedStream } from './elements.ts';
import { fieldsIn, textIn } from '../context.ts';
import { domainsOf } from '../explain/situation.ts';
import { stoodIn } from '../explain/chain.ts';
import type { ActorView, View } from '../view/view.ts';

/**
 * Maximum difference between the births of the two ends of one stream, including clock difference, if no id decides, in
 * milliseconds.
 */
const TOGETHER_MS = 60_000;

interface Candidate {
  readonly actor: ActorView;
  /** Ids from the response headers, known to both ends. */
  readonly ids: ReadonlySet<string>;
}

function streamsOf(view: View, machine: 'initiatingStream' | 'receivingStream'): Candidate[] {
  const candidates: Candidate[] = [];
  for (const id of view.actors.keys()) {
    if (!id.startsWith('stream:') || id.includes('/')) continue;
    const actor = view.actors.get(id);
    if (actor?.machine === machine) candidates.push({ actor, ids: idsOf(view, actor) });
  }
  return candidates;
}

export const streamsIn = (view: View): number =>
  streamsOf(view, 'initiatingStream').length + streamsOf(view, 'receivingStream').length;

function idsOf(view: View, { id, context }: ActorView): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const record of view.recordsOf(id)) {
    if (record.kind !== 'wire' || record.element.kind !== 'streamHeader') continue;
    if (record.element.id !== null && record.element.id !== '') ids.add(record.element.id);
  }
  const inForce = textIn(fieldsIn(context['negotiation'])['wireId']);
  if (inForce !== '') ids.add(inForce);
  return ids;
}

/** Streams of both directions: those that A opened to B, and those that B opened to A. */
export function sharedStreams(a: View, b: View): SharedStream[] {
  return [
    ...matched(streamsOf(a, 'initiatingStream'), streamsOf(b, 'receivingStream')).map(([idA, idB]) => ({ idA, idB })),
    ...matched(streamsOf(b, 'initiatingStream'), streamsOf(a, 'receivingStream')).map(([idB, idA]) => ({ idA, idB })),
  ];
}

function matched(opened: readonly Candidate[], received: readonly Candidate[]): [string, string][] {
  const left = new Set(received);
  const pairs: [string, string][] = [];
  let rest = opened;
  for (const find of [byIds(received), byDomains(received)])
    rest = rest.filter((one) => {
      const other = find(one, left);
      if (other === undefined) return true;
      left.delete(other);
      pairs.push([one.actor.id, other.actor.id]);
      return false;
    });
  return pairs;
}

/** Finds the other end of a stream among those not yet matched. */
type Finder = (one: Candidate, left: ReadonlySet<Candidate>) => Candidate | undefined;

function byIds(received: readonly Candidate[]): Finder {
  const known = new Map(received.flatMap((one) => [...one.ids].map((id) => [id, one] as const)));
  return ({ ids }, left) => [...ids].map((id) => known.get(id)).find((found) => found !== undefined && left.has(found));
}

/**
 * Used if one end never saw a header, or if somebody on the way replaced the ids: the nearest in time between the two
 * domains.
 */
function byDomains(received: readonly Candidate[]): Finder {
  const known = new Map<string, Candidate[]>();
  for (const one of received.toSorted((x, y) => bornOf(x) - bornOf(y))) {
    const { local, remote } = domainsOf(one.actor);
    const same = known.get(`${remote}>${local}`);
    if (same === undefined) known.set(`${remote}>${local}`, [one]);
    else same.push(one);
  }
  return (one, left) => {
    const { local, remote } = domainsOf(one.actor);
    // An end that has not learned a name has an empty one.
    return [`${local}>${remote}`, `${local}>`, `>${remote}`, '>']
      .flatMap((key) => nearest(known.get(key) ?? [], bornOf(one), left))
      .filter((found) => apart(one, found) <= TOGETHER_MS)
      .sort((x, y) => apart(one, x) - apart(one, y))[0];
  };
}

/** Of those not yet matched, the last born before and the first born after; `sorted` is in order of birth. */
function nearest(sorted: readonly Candidate[], bornMs: number, left: ReadonlySet<Candidate>): Candidate[] {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bornOf(sorted[middle]) < bornMs) low = middle + 1;
    else high = middle;
  }
  const isNear = (one: Candidate | undefined): boolean =>
    one !== undefined && Math.abs(bornOf(one) - bornMs) <= TOGETHER_MS;
  const found: Candidate[] = [];
  for (const step of [-1, 1])
    for (let at = step < 0 ? low - 1 : low; isNear(sorted[at]); at += step) {
      const one = sorted[at];
      if (one === undefined || !left.has(one)) continue;
      found.push(one);
      break;
    }
  return found;
}

const bornOf = (one: Candidate | undefined): number => one?.actor.bornMs ?? 0;
const apart = (one: Candidate, other: Candidate): number => Math.abs(bornOf(one) - bornOf(other));

/** Streams that the other end, to which they lead, has no record of. */
export function strayStreams(a: View, b: View, shared: readonly SharedStream[], clock: OneClock): Disagreement[] {
  const ofA = new Set(shared.map(({ idA }) => idA));
  const ofB = new Set(shared.map(({ idB }) => idB));
  return [
    ...straysOf(a, b, ofA, clock).map(({ stream, ...told }) => ({ ...told, streams: [stream, null] as const })),
    ...straysOf(b, a, ofB, clock).map(({ stream, ...told }) => ({ ...told, streams: [null, stream] as const })),
  ];
}

type Stray = Omit<Disagreement, 'streams'> & { readonly stream: string };

function straysOf(from: View, to: View, known: ReadonlySet<string>, clock: OneClock): Stray[] {
  const [opener, other] = endsOf(from, to);
  const hosts = new Set(to.hosts);
  return streamsOf(from, 'initiatingStream').flatMap(({ actor }): Stray[] => {
    const { id: stream, bornMs, ended } = actor;
    const { remote } = domainsOf(actor);
    if (bornMs === null || known.has(stream) || !hosts.has(remote)) return [];
    const atMs = byBoth(clock, from, bornMs);
    if (!tellsOf(clock, to, atMs)) return [];
    const stood = stoodIn(actor);
    return stood === 'connecting'
      ? [
          {
            ...{ id: 'never-arrived', stream, atMs },
            cause: `${opener} ${ended === null ? 'is dialling' : 'dialled'} ${remote}, but nothing of that has reached ${other}.`,
            fix: `Open the port of ${other} in its firewall, for IPv4 and IPv6, and compare its address with what the DNS says.`,
          },
        ]
      : [
          {
            ...{ id: 'connected-elsewhere', stream, atMs },
            cause: `${opener} connected to somebody for ${remote} and got as far as ${stood}; ${other} has seen nothing of it: that was somebody else.`,
            fix: `Compare the address that ${opener} dialled with those of ${other}: the DNS of ${remote} names another server, or a proxy is in front of it.`,
          },
        ];
  });
}
