/**
 * Two traces of one negotiation, one from each end, laid beside each other (FEATURES O5): what one end says that it sent and the
 * other never saw, and where they think differently of the same stream.
 */
import { alteredElements, clocksBetween, sentUnseen, type SharedStream } from './elements.ts';
import { sharedStreams, strayStreams } from './streams.ts';
import { type Disagreement, endsOf } from './disagreement.ts';
import { fieldsIn } from '../context.ts';
import { facts, type FactView } from './facts.ts';
import { lasting } from '../explain/words.ts';
import type { View } from '../view/view.ts';

export type { Disagreement } from './disagreement.ts';

/** Clocks may be so far apart before it is worth a word, in milliseconds. */
const CLOCKS_MS = 2_000;
/** What happened so shortly before the end of a trace may still be on its way. */
const LATELY_MS = 2_000;

/** In the order in which things went apart; what is of no one moment comes first. */
export function join(a: View, b: View): readonly Disagreement[] {
  const shared = sharedStreams(a, b);
  const aheadMs = clocksBetween(a, b, shared);
  const found = [
    ...clocks(a, b, aheadMs),
    ...shared.flatMap((stream) => [
      ...certificates(a, b, stream),
      ...lostElements(a, b, stream, aheadMs),
      ...halfOpen(a, b, stream, aheadMs),
      ...factsApart(a, b, stream, aheadMs),
    ]),
    ...strayStreams(a, b, shared, aheadMs),
  ];
  return found.sort((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));
}

function clocks(a: View, b: View, aheadMs: number | null): Disagreement[] {
  if (aheadMs === null || Math.abs(aheadMs) <= CLOCKS_MS) return [];
  const [nameA, nameB] = endsOf(a, b);
  const [behind, ahead] = aheadMs > 0 ? [nameA, nameB] : [nameB, nameA];
  return [
    {
      ...{ id: 'clocks-apart', atMs: null, streams: [null, null] },
      cause: `The clock of ${ahead} is ${lasting(Math.abs(aheadMs))} ahead of that of ${behind}.`,
      fix: `Set both clocks (NTP): certificates, DNSSEC signatures and proofs begin and end by them.`,
    },
  ];
}

/** What one end presented, and what the other saw of it. */
function certificates(a: View, b: View, { idA, idB }: SharedStream): Disagreement[] {
  const shown = (view: View, id: string, end: 'local' | 'remote'): string | null => {
    const last = view.records.findLast(
      (one) => one.kind === 'certificate' && one.end === end && `stream:${one.stream}` === id,
    );
    return last?.kind === 'certificate' ? last.sha256 : null;
  };
  const [nameA, nameB] = endsOf(a, b);
  const differ = (presents: string, presented: string | null, sees: string, seen: string | null): Disagreement[] =>
    presented === null || seen === null || presented === seen
      ? []
      : [
          {
            ...{ id: 'certificates-differ', atMs: null, streams: [idA, idB] },
            cause: `${presents} presented the certificate ${presented.slice(0, 16)}…, and ${sees} saw ${seen.slice(0, 16)}…: somebody stands between them and ends TLS.`,
            fix: 'Find what stands between: a proxy of the provider, a firewall that inspects TLS, or somebody who listens. DANE, or a pinned POSH document, keeps it out.',
          },
        ];
  const unseen = (presents: string, presented: string | null, sees: string, view: View, id: string): Disagreement[] =>
    presented === null || !sawNone(view, id)
      ? []
      : [
          {
            ...{ id: 'certificates-differ', atMs: null, streams: [idA, idB] },
            cause: `${presents} presented the certificate ${presented.slice(0, 16)}…, and ${sees} saw none: somebody stands between them and ends TLS.`,
            fix: 'Find what stands between: a proxy of the provider, a firewall that inspects TLS, or somebody who listens. DANE, or a pinned POSH document, keeps it out.',
          },
        ];
  return [
    ...unseen(nameA, shown(a, idA, 'local'), nameB, b, idB),
    ...unseen(nameB, shown(b, idB, 'local'), nameA, a, idA),
    ...differ(nameB, shown(b, idB, 'local'), nameA, shown(a, idA, 'remote')),
    ...differ(nameA, shown(a, idA, 'local'), nameB, shown(b, idB, 'remote')),
  ];
}

/** Its last handshake, a full one, brought no certificate: all of ours ask for one. */
function sawNone(view: View, id: string): boolean {
  const last = view.recordsOf(id).findLast((one) => one.kind === 'event' && one.event.type === 'transport.secured');
  if (last?.kind !== 'event') return false;
  const { tls } = fieldsIn(last.event);
  const { certificate, resumed } = fieldsIn(tls);
  return certificate === null && resumed === false;
}

function lostElements(a: View, b: View, stream: SharedStream, aheadMs: number | null): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const { idA, idB } = stream;
  const streams = [idA, idB] as const;
  const lost = (
    from: View,
    to: View,
    [sender, reader]: readonly [string, string],
    [idFrom, idTo]: readonly [string, string],
    toFirstMs: number,
  ): Disagreement[] => [
    ...sentUnseen(from, to, idFrom, idTo)
      .filter(({ atMs }) => atMs < from.atMs - LATELY_MS)
      .map(({ name, atMs }) => ({
        ...{ id: 'sent-not-seen', atMs: atMs - toFirstMs, streams },
        cause: `${sender} sent ${name}, and ${reader} never saw it.`,
        fix: `Look for what swallows it between ${sender} and ${reader}: a proxy, a firewall that inspects, or a connection that is dead and was not closed.`,
      })),
    ...alteredElements(from, to, idFrom, idTo).map(({ name, atMs, what }) => ({
      ...{ id: 'altered-on-the-way', atMs: atMs - toFirstMs, streams },
      cause: `${sender} sent ${name} with ${what.sent}, and ${reader} saw ${what.seen}: somebody on the way has changed it.`,
      fix: 'Find who: what strips <starttls/> or mechanisms stands between the servers. Require TLS at both ends (policy: encrypted, or better).',
    })),
  ];
  return [...lost(a, b, [nameA, nameB], [idA, idB], 0), ...lost(b, a, [nameB, nameA], [idB, idA], aheadMs ?? 0)];
}

/** One end has a stream that the other has closed. */
function halfOpen(a: View, b: View, { idA, idB }: SharedStream, aheadMs: number | null): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const streams = [idA, idB] as const;
  const here = a.actors.get(idA);
  const there = b.actors.get(idB);
  if (here === undefined || there === undefined) return [];
  const told = (stands: string, closed: string, atMs: number): Disagreement => ({
    ...{ id: 'half-open', atMs, streams },
    cause: `${stands} thinks that the stream stands; ${closed} has closed it.`,
    fix: 'The end of the connection was lost on the way: a firewall or a NAT that forgets idle connections without a word. Have it keep them longer, or let both ends ping (XEP-0199).',
  });
  const toFirst = aheadMs ?? 0;
  const stands = (actor: typeof here): boolean => actor.ended === null && actor.state[0] === 'established';
  if (stands(here) && there.ended !== null && there.ended.atMs - toFirst < a.atMs - LATELY_MS)
    return [told(nameA, nameB, there.ended.atMs - toFirst)];
  if (stands(there) && here.ended !== null && here.ended.atMs < b.atMs - toFirst - LATELY_MS)
    return [told(nameB, nameA, here.ended.atMs)];
  return [];
}

/** One end may send by its own tables what the other will not let in. */
function factsApart(a: View, b: View, { idA, idB }: SharedStream, aheadMs: number | null): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const apart = (sends: FactView, lets: FactView, from: string, to: string, toFirstMs: number): Disagreement[] =>
    [...sends.out].flatMap(([pair, atMs]) =>
      lets.in.has(pair) || atMs > lets.untilMs - LATELY_MS
        ? []
        : [
            {
              ...{ id: 'pair-not-admitted', atMs: atMs - toFirstMs, streams: [idA, idB] as const },
              cause: `${from} sends ${pair} on the stream; ${to} does not let that in there (any more).`,
              fix: `See why ${to} withdrew it: "xmpp-dna explain" of its trace for that pair. The next stanza ends the stream, and the pair is proved anew.`,
            },
          ],
    );
  const there = facts(b, idB, aheadMs ?? 0);
  const here = facts(a, idA, 0);
  return [...apart(here, there, nameA, nameB, 0), ...apart(there, here, nameB, nameA, 0)];
}
