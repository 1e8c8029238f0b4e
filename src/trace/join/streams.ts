/** Which stream of one trace is which of the other: by the ids that both ends know, else by who opened it to whom, and when. */
import { type Disagreement, endsOf } from './disagreement.ts';
import { type OneClock, tellsOf, byBoth } from './coverage.ts';
import type { SharedStream } from './elements.ts';
import { fieldsIn, textIn } from '../context.ts';
import { domainsOf } from '../explain/situation.ts';
import { stoodIn } from '../explain/chain.ts';
import type { ActorView, View } from '../view/view.ts';

/** So far apart the two ends of one stream may be born, clocks included, where no id tells, in milliseconds. */
const TOGETHER_MS = 60_000;

interface Candidate {
  readonly actor: ActorView;
  /** Ids of the response headers, which both ends know. */
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

/** All domains that are named on a stream. */
export function namesOn(view: View, id: string): readonly string[] {
  const actor = view.actors.get(id);
  const { local, remote } = actor === undefined ? { local: '', remote: '' } : domainsOf(actor);
  const named = view.recordsOf(id).flatMap((record) => {
    if (record.kind !== 'wire' || !('from' in record.element && 'to' in record.element)) return [];
    return [record.element.from, record.element.to].filter((name) => name !== null);
  });
  return [local, remote, ...named];
}

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

const meets = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean => [...one].some((id) => other.has(id));

/** Both directions: what A opened to B, and B to A. */
export function sharedStreams(a: View, b: View): SharedStream[] {
  return [
    ...matched(streamsOf(a, 'initiatingStream'), streamsOf(b, 'receivingStream')).map(([idA, idB]) => ({ idA, idB })),
    ...matched(streamsOf(b, 'initiatingStream'), streamsOf(a, 'receivingStream')).map(([idB, idA]) => ({ idA, idB })),
  ];
}

function matched(opened: readonly Candidate[], received: readonly Candidate[]): [string, string][] {
  const left = new Set(received);
  const pairs: [string, string][] = [];
  const rest = opened.filter((one) => {
    const other = [...left].find(({ ids }) => meets(one.ids, ids));
    if (other === undefined) return true;
    left.delete(other);
    pairs.push([one.actor.id, other.actor.id]);
    return false;
  });
  // No id: one end never saw a header, or somebody on the way gives out ids of his own.
  for (const one of rest) {
    const other = [...left]
      .filter(({ actor }) => mayBeSame(one.actor, actor))
      .sort((x, y) => apart(one.actor, x.actor) - apart(one.actor, y.actor))[0];
    if (other === undefined) continue;
    left.delete(other);
    pairs.push([one.actor.id, other.actor.id]);
  }
  return pairs;
}

const apart = (one: ActorView, other: ActorView): number => Math.abs((one.bornMs ?? 0) - (other.bornMs ?? 0));

function mayBeSame(opened: ActorView, received: ActorView): boolean {
  if (apart(opened, received) > TOGETHER_MS) return false;
  const there = domainsOf(opened);
  const here = domainsOf(received);
  const agree = (one: string, other: string): boolean => one === '' || other === '' || one === other;
  return agree(there.local, here.remote) && agree(there.remote, here.local);
}

/** Streams of which the other end, that they lead to, has never heard. */
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
  return streamsOf(from, 'initiatingStream').flatMap(({ actor }): Stray[] => {
    const { id: stream, bornMs, ended } = actor;
    const { remote } = domainsOf(actor);
    if (bornMs === null || known.has(stream) || !to.hosts.includes(remote)) return [];
    const atMs = byBoth(clock, from, bornMs);
    if (!tellsOf(clock, to, atMs)) return [];
    const stood = stoodIn(actor);
    return stood === 'connecting'
      ? [
          {
            ...{ id: 'never-arrived', stream, atMs },
            cause: `${opener} ${ended === null ? 'is dialling' : 'dialled'} ${remote}, and nothing of it has reached ${other}.`,
            fix: `Open the port of ${other} in its firewall, for IPv4 and IPv6, and compare its address with what the DNS says.`,
          },
        ]
      : [
          {
            ...{ id: 'connected-elsewhere', stream, atMs },
            cause: `${opener} connected to somebody for ${remote} and got as far as ${stood}; ${other} has seen nothing of it: that was somebody else.`,
            fix: `Compare the address that ${opener} dialled with those of ${other}: the DNS of ${remote} names another server, or a proxy stands before it.`,
          },
        ];
  });
}
