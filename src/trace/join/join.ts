/**
 * Compares two traces of one negotiation, one from each end: elements that one end sent and the other never saw, and
 * streams about whose state they disagree.
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

/** Difference of clocks below which it is not reported, in milliseconds. */
const CLOCKS_MS = 2_000;

/** In order of time; disagreements without a single time come first. */
export function join(a: View, b: View): readonly Disagreement[] {
  const shared = sharedStreams(a, b);
  const aheadMs = clocksBetween(a, b, shared);
  const clock = oneClock(a, b, aheadMs ?? 0);
  const found = [
    ...clocks(a, b, aheadMs),
    ...shared.flatMap((stream) => onOne(a, b, stream, clock)),
    ...strayStreams(a, b, shared, clock),
  ];
  return found.sort((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));
}

/** One end of a stream. */
interface End {
  readonly view: View;
  /** A domain that it serves. */
  readonly name: string;
  /** Its id for the stream. */
  readonly id: string;
}

type OneWay = (from: End, to: End, clock: OneClock) => readonly Told[];
type Told = Omit<Disagreement, 'streams'>;

/** Each check looks at one direction, and is run for both. */
function onOne(a: View, b: View, { idA, idB }: SharedStream, clock: OneClock): Disagreement[] {
  const [nameA, nameB] = endsOf(a, b);
  const [here, there] = [
    { view: a, name: nameA, id: idA },
    { view: b, name: nameB, id: idB },
  ];
  const found = [certificates, elementsApart, halfOpen, factsApart].flatMap((look: OneWay) => [
    ...look(here, there, clock),
    ...look(there, here, clock),
  ]);
  return found.map((one) => ({ ...one, streams: [idA, idB] }));
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

/** The certificate that one end presented, and the one that the other end saw. */
const certificates: OneWay = (from, to) => {
  const presented = shown(from, 'local');
  const seen = sawNone(to) ? 'none' : shown(to, 'remote');
  if (presented === null || seen === null || presented === seen) return [];
  const short = (sha256: string): string => (sha256 === 'none' ? sha256 : `${sha256.slice(0, 16)}…`);
  return [
    {
      ...{ id: 'certificates-differ', atMs: null },
      cause: `${from.name} presented the certificate ${short(presented)}, and ${to.name} saw ${short(seen)}: somebody between them terminates TLS.`,
      fix: 'Find out what is in between: a proxy of the provider, a firewall that inspects TLS, or an eavesdropper. DANE, or a pinned POSH document, keeps it out.',
    },
  ];
};

/** The last recorded certificate of that end, by its SHA-256. */
function shown({ view, id }: End, end: 'local' | 'remote'): string | null {
  const last = view.recordsOf(id).findLast((one) => one.kind === 'certificate' && one.end === end);
  return last?.kind === 'certificate' ? last.sha256 : null;
}

/** Its last handshake was a full one and brought no certificate: we always ask for one. */
function sawNone({ view, id }: End): boolean {
  const last = view.recordsOf(id).findLast((one) => one.kind === 'event' && one.event.type === 'transport.secured');
  if (last?.kind !== 'event') return false;
  const { tls } = fieldsIn(last.event);
  const { certificate, resumed } = fieldsIn(tls);
  return certificate === null && resumed === false;
}

const elementsApart: OneWay = (from, to, clock) => {
  const { unseen, unsent } = unpaired(from.view, to.view, from.id, to.id);
  const sentAt = (atMs: number): number => byBoth(clock, from.view, atMs);
  const seenAt = (atMs: number): number => byBoth(clock, to.view, atMs);
  return [
    ...unseen
      .filter(({ atMs }) => tellsOf(clock, to.view, sentAt(atMs)))
      .map(({ name, atMs }) => ({
        ...{ id: 'sent-not-seen', atMs: sentAt(atMs) },
        cause: `${from.name} sent ${name}, and ${to.name} never saw it.`,
        fix: `Look for what drops it between ${from.name} and ${to.name}: a proxy, an inspecting firewall, or a dead connection that was not closed.`,
      })),
    ...unsent
      .filter(({ atMs }) => tellsOf(clock, from.view, seenAt(atMs)))
      .map(({ name, atMs }) => ({
        ...{ id: 'seen-not-sent', atMs: seenAt(atMs) },
        cause: `${to.name} read ${name}, and ${from.name} never sent it: somebody on the way has inserted it.`,
        fix: `Find out what is between ${from.name} and ${to.name}. Requiring TLS at both ends and a proof by certificate (policy: authenticated) prevents this.`,
      })),
    ...alteredElements(from.view, to.view, from.id, to.id).map(({ name, atMs, what }) => ({
      ...{ id: 'altered-on-the-way', atMs: sentAt(atMs) },
      cause: `${from.name} sent ${name} with ${what.sent}, and ${to.name} saw ${what.seen}: somebody on the way has changed it.`,
      fix: 'Find out what between the servers strips <starttls/> or mechanisms, or changes an answer. Requiring TLS at both ends and a proof by certificate (policy: authenticated) prevents this.',
    })),
  ];
};

/** One end considers a stream open that the other has closed. */
const halfOpen: OneWay = (stays, left, clock) => {
  const here = stays.view.actors.get(stays.id);
  const there = left.view.actors.get(left.id);
  if (here === undefined || here.ended !== null || here.state[0] !== 'established') return [];
  if (there === undefined || there.ended === null) return [];
  const atMs = byBoth(clock, left.view, there.ended.atMs);
  if (!tellsOf(clock, stays.view, atMs)) return [];
  return [
    {
      ...{ id: 'half-open', atMs },
      cause: `${stays.name} thinks that the stream is open; ${left.name} has closed it.`,
      fix: 'The end of the connection was lost on the way: a firewall or a NAT silently forgets idle connections. Have it keep them longer, or let both ends ping (XEP-0199).',
    },
  ];
};

/** One end may send, by its own tables, a pair that the other does not admit. */
const factsApart: OneWay = (sending, admitting, clock) => {
  const lets = facts(admitting.view, admitting.id, clock).in;
  return [...facts(sending.view, sending.id, clock).out]
    .filter(([pair, atMs]) => !lets.has(pair) && tellsOf(clock, admitting.view, atMs))
    .map(([pair, atMs]) => ({
      ...{ id: 'pair-not-admitted', atMs },
      cause: `${sending.name} sends ${pair} on the stream; ${admitting.name} does not admit that there (any more).`,
      fix: `See why ${admitting.name} withdrew it: run "xmpp-dna explain" on its trace for that pair. The next stanza ends the stream, and the pair is proved again.`,
    }));
};
