/**
 * Two traces of one negotiation, one from each end, laid beside each other (FEATURES O5): what one end says that it sent and the
 * other never saw, and where they think differently of the same stream.
 */
import { byBoth, oneClock, type OneClock, tellsOf } from './coverage.ts';
import { alteredElements, clocksBetween, type SharedStream, unpaired } from './elements.ts';
import { sharedStreams, strayStreams } from './streams.ts';
import { type Disagreement, endsOf } from './disagreement.ts';
import { fieldsIn } from '../context.ts';
import { facts } from './facts.ts';
import { lasting } from '../explain/words.ts';
import type { View } from '../view/view.ts';

export type { Disagreement } from './disagreement.ts';

/** Clocks may be so far apart before it is worth a word, in milliseconds. */
const CLOCKS_MS = 2_000;

/** In the order in which things went apart; what is of no one moment comes first. */
export function join(a: View, b: View): readonly Disagreement[] {
  const shared = sharedStreams(a, b);
  const aheadMs = clocksBetween(a, b, shared);
  const clock = oneClock(a, b, aheadMs ?? 0);
  const found = [
    ...clocks(a, b, aheadMs),
    ...shared.flatMap((stream) => [
      ...certificates(a, b, stream),
      ...elementsApart(a, b, stream, clock),
      ...halfOpen(a, b, stream, clock),
      ...factsApart(a, b, stream, clock),
    ]),
    ...strayStreams(a, b, shared, clock),
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
    const last = view.recordsOf(id).findLast((one) => one.kind === 'certificate' && one.end === end);
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

function elementsApart(a: View, b: View, { idA, idB }: SharedStream, clock: OneClock): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const streams = [idA, idB] as const;
  const oneWay = (
    [from, sender, idFrom]: readonly [View, string, string],
    [to, reader, idTo]: readonly [View, string, string],
  ): Disagreement[] => {
    const { unseen, unsent } = unpaired(from, to, idFrom, idTo);
    const sentAt = (atMs: number): number => byBoth(clock, from, atMs);
    const seenAt = (atMs: number): number => byBoth(clock, to, atMs);
    return [
      ...unseen
        .filter(({ atMs }) => tellsOf(clock, to, sentAt(atMs)))
        .map(({ name, atMs }) => ({
          ...{ id: 'sent-not-seen', atMs: sentAt(atMs), streams },
          cause: `${sender} sent ${name}, and ${reader} never saw it.`,
          fix: `Look for what swallows it between ${sender} and ${reader}: a proxy, a firewall that inspects, or a connection that is dead and was not closed.`,
        })),
      ...unsent
        .filter(({ atMs }) => tellsOf(clock, from, seenAt(atMs)))
        .map(({ name, atMs }) => ({
          ...{ id: 'seen-not-sent', atMs: seenAt(atMs), streams },
          cause: `${reader} read ${name}, and ${sender} never sent it: somebody on the way has put it in.`,
          fix: `Find what stands between ${sender} and ${reader}. Require TLS at both ends and a proof by certificate (policy: authenticated): then nobody can.`,
        })),
      ...alteredElements(from, to, idFrom, idTo).map(({ name, atMs, what }) => ({
        ...{ id: 'altered-on-the-way', atMs: sentAt(atMs), streams },
        cause: `${sender} sent ${name} with ${what.sent}, and ${reader} saw ${what.seen}: somebody on the way has changed it.`,
        fix: 'Find who: what strips <starttls/> or mechanisms, or changes an answer, stands between the servers. Require TLS at both ends and a proof by certificate (policy: authenticated): then nobody can.',
      })),
    ];
  };
  const [here, there] = [[a, nameA, idA] as const, [b, nameB, idB] as const];
  return [...oneWay(here, there), ...oneWay(there, here)];
}

/** One end has a stream that the other has closed. */
function halfOpen(a: View, b: View, { idA, idB }: SharedStream, clock: OneClock): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const oneWay = (
    [stays, stands, idStays]: readonly [View, string, string],
    [left, closed, idLeft]: readonly [View, string, string],
  ): Disagreement[] => {
    const [here, there] = [stays.actors.get(idStays), left.actors.get(idLeft)];
    if (here === undefined || here.ended !== null || here.state[0] !== 'established') return [];
    if (there === undefined || there.ended === null) return [];
    const atMs = byBoth(clock, left, there.ended.atMs);
    if (!tellsOf(clock, stays, atMs)) return [];
    return [
      {
        ...{ id: 'half-open', atMs, streams: [idA, idB] },
        cause: `${stands} thinks that the stream stands; ${closed} has closed it.`,
        fix: 'The end of the connection was lost on the way: a firewall or a NAT that forgets idle connections without a word. Have it keep them longer, or let both ends ping (XEP-0199).',
      },
    ];
  };
  const [here, there] = [[a, nameA, idA] as const, [b, nameB, idB] as const];
  return [...oneWay(here, there), ...oneWay(there, here)];
}

/** One end may send by its own tables what the other will not let in. */
function factsApart(a: View, b: View, { idA, idB }: SharedStream, clock: OneClock): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const oneWay = (
    [sending, from, idSending]: readonly [View, string, string],
    [admitting, to, idAdmitting]: readonly [View, string, string],
  ): Disagreement[] => {
    const sends = facts(sending, idSending, clock).out;
    const lets = facts(admitting, idAdmitting, clock).in;
    return [...sends].flatMap(([pair, atMs]) =>
      lets.has(pair) || !tellsOf(clock, admitting, atMs)
        ? []
        : [
            {
              ...{ id: 'pair-not-admitted', atMs, streams: [idA, idB] as const },
              cause: `${from} sends ${pair} on the stream; ${to} does not let that in there (any more).`,
              fix: `See why ${to} withdrew it: "xmpp-dna explain" of its trace for that pair. The next stanza ends the stream, and the pair is proved anew.`,
            },
          ],
    );
  };
  const [here, there] = [[a, nameA, idA] as const, [b, nameB, idB] as const];
  return [...oneWay(here, there), ...oneWay(there, here)];
}
