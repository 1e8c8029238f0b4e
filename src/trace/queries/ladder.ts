/**
 * The ladder of a negotiation: what went from whom to whom, in order. The parties are we, the far end, whoever is
 * authoritative for a domain in dialback, the DNS and the web; what one of them finds out alone is a rung from him to himself.
 */
import { toEnd } from '../explain/explain.ts';
import { glanceAt } from '../view/glance.ts';
import { type StreamParts, streamsIn } from './ladder-streams.ts';
import {
  type Tone,
  type Words,
  wordsOfAnswer,
  wordsOfCertificate,
  wordsOfDocument,
  wordsOfElement,
  wordsOfEnd,
  wordsOfFact,
  wordsOfQueue,
  wordsOfVerdict,
} from './record-words.ts';
import type { RecordOf, TraceRecord } from '../record.ts';
import type { View } from '../view/view.ts';

export interface Party {
  readonly id: string;
  readonly label: string;
  readonly kind: 'ours' | 'server' | 'authoritative' | 'dns' | 'web';
}

export interface Rung {
  /** Of its record. */
  readonly seq: number;
  readonly atMs: number;
  /** Ids of parties; the same where one finds something out alone. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly detail: string;
  /** Over which it went; null where it was over none. */
  readonly stream: number | null;
  readonly tone: Tone;
}

export interface Ladder {
  /** Those that have a rung; we first, then servers, then who is looked up with. */
  readonly parties: readonly Party[];
  /** The newest, the oldest of them first. */
  readonly rungs: readonly Rung[];
  /** How many there are before these. */
  readonly more: number;
}

const MOST_RUNGS = 500;

const ORDER: readonly Party['kind'][] = ['ours', 'server', 'authoritative', 'dns', 'web'];

const OURS: Party = { id: 'ours', label: 'this server', kind: 'ours' };
const DNS: Party = { id: 'dns', label: 'DNS', kind: 'dns' };
const WEB: Party = { id: 'web', label: 'HTTPS', kind: 'web' };

/** What the ladder is of. */
interface Subject {
  readonly id: string;
  /** Null of a stream: all that goes over it. */
  readonly local: string | null;
  readonly remote: string | null;
  /** Who is at the other end. */
  readonly far: string;
  readonly streams: ReadonlyMap<string, StreamParts>;
  /** What is looked up for it: the domain, and the hosts that its SRV records name. */
  readonly names: ReadonlySet<string>;
}

/** Looked at between two pauses. */
const A_STEP = 256;

/** Of a stream, a pair or a peer, or a child of one; null where nobody has that id. */
export const ladder = (view: View, id: string): Ladder | null => toEnd(ladderSteps(view, id));

/** As {@link ladder}, step by step. */
export function* ladderSteps(view: View, id: string): Generator<undefined, Ladder | null> {
  const root = id.split('/', 1)[0] ?? id;
  if (glanceAt(view, root) === undefined) return null;
  const subject = yield* subjectOf(view, root);
  const rungs: { readonly from: Party; readonly to: Party; readonly rung: Rung }[] = [];
  let more = 0;
  let looked = 0;
  // The newest are shown: of the others it is known only how many there are.
  for (const record of backwards(view.records)) {
    if (++looked % A_STEP === 0) yield;
    const drawn = rungOf(record, subject);
    if (drawn === null) continue;
    if (rungs.length < MOST_RUNGS) rungs.push(drawn);
    else more += 1;
  }
  rungs.reverse();
  const parties = new Map<string, Party>([[OURS.id, OURS]]);
  for (const { from, to } of rungs) parties.set(from.id, from).set(to.id, to);
  return {
    parties: [...parties.values()].sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind)),
    rungs: rungs.map(({ rung }) => rung),
    more,
  };
}

function* backwards<One>(all: readonly One[]): Generator<One> {
  for (let at = all.length - 1; at >= 0; at -= 1) {
    const one = all[at];
    if (one !== undefined) yield one;
  }
}

function* subjectOf(view: View, id: string): Generator<undefined, Subject> {
  if (id.startsWith('pair:')) {
    const [local = '', remote = ''] = id.slice('pair:'.length).split('>');
    const streams = yield* streamsIn(view.records, [remote, local]);
    return { id, local, remote, far: remote, streams, names: withTargets(view, [remote]) };
  }
  if (id.startsWith('peer:')) {
    const remote = id.slice('peer:'.length);
    const streams = yield* streamsIn(view.records, [remote]);
    return { id, local: null, remote, far: remote, streams, names: withTargets(view, [remote]) };
  }
  const streams = yield* streamsIn(view.recordsOf(id), []);
  const ours = new Set(view.hosts);
  const names = [...(streams.get(id)?.domains ?? [])].filter((domain) => !ours.has(domain));
  return { id, local: null, remote: null, far: names[0] ?? id, streams, names: withTargets(view, names) };
}

interface Drawn {
  readonly from: Party;
  readonly to: Party;
  readonly rung: Rung;
}

function rungOf(record: TraceRecord, subject: Subject): Drawn | null {
  const { actor } = record;
  const parts = subject.streams.get(actor);
  switch (record.kind) {
    case 'wire': {
      if (parts === undefined || !isAbout(record.element, subject)) return null;
      const far = farEnd(parts, subject, isOfOurQuestion(record));
      return record.direction === 'in'
        ? draw(record, far, OURS, wordsOfElement(record))
        : draw(record, OURS, far, wordsOfElement(record));
    }
    case 'certificate': {
      if (parts === undefined) return null;
      const far = farEnd(parts, subject);
      return record.end === 'remote'
        ? draw(record, far, OURS, wordsOfCertificate(record))
        : draw(record, OURS, far, wordsOfCertificate(record));
    }
    case 'dns':
      return isLookedUp(record, subject.names) ? draw(record, DNS, OURS, wordsOfAnswer(record)) : null;
    case 'posh':
      return subject.names.has(record.domain) ? draw(record, WEB, OURS, wordsOfDocument(record)) : null;
    case 'verdict':
      return parts !== undefined && (subject.remote === null || record.domain === subject.remote)
        ? draw(record, OURS, OURS, wordsOfVerdict(record))
        : null;
    case 'fact':
      // What is withdrawn for all goes with its stream, which is told.
      return parts !== undefined && record.from !== null && isAbout(record, subject)
        ? draw(record, OURS, OURS, wordsOfFact(record))
        : null;
    case 'queue':
      return actor === subject.id ? draw(record, OURS, OURS, wordsOfQueue(record)) : null;
    case 'ended':
      return parts !== undefined || actor === subject.id ? draw(record, OURS, OURS, wordsOfEnd(record)) : null;
    case 'born':
    case 'event':
    case 'snapshot':
    case 'attempt':
    case 'report':
    case 'lost':
      return null;
  }
}

const draw = ({ seq, atMs, actor }: TraceRecord, from: Party, to: Party, { label, detail, tone }: Words): Drawn => ({
  from,
  to,
  rung: { seq, atMs, from: from.id, to: to.id, label, detail, stream: streamOf(actor), tone },
});

function streamOf(actor: string): number | null {
  const number = /^stream:(\d+)$/.exec(actor)?.[1];
  return number === undefined ? null : Number(number);
}

/** What is between two other domains goes over the same stream, and is none of the subject's. */
function isAbout(
  what: { readonly kind?: string; readonly from?: string | null; readonly to?: string | null },
  { local, remote }: Subject,
): boolean {
  const isBetweenDomains = what.kind === 'result' || what.kind === 'verify' || what.kind === 'fact';
  if (remote === null || !isBetweenDomains) return true;
  const named = [what.from, what.to];
  return named.includes(remote) && (local === null || named.includes(local));
}

/** We ask whether a key is good, or are answered (XEP-0220 §2.2, §2.3). */
const isOfOurQuestion = ({ element, direction }: RecordOf<'wire'>): boolean =>
  element.kind === 'verify' && (direction === 'out') === (element.answer === null);

/** Whoever is asked whether a key is good stands apart, also where he is asked over a stream of the pair. */
function farEnd({ verifies, asserts }: StreamParts, { far: domain }: Subject, isAsked = false): Party {
  return isAsked || (verifies && !asserts)
    ? { id: `authoritative:${domain}`, label: `authoritative server of ${domain}`, kind: 'authoritative' }
    : { id: `server:${domain}`, label: domain, kind: 'server' };
}

/** `_xmpp-server._tcp.b.example` is asked for b.example. */
function isLookedUp({ question }: RecordOf<'dns'>, names: ReadonlySet<string>): boolean {
  return names.has(question) || names.has(question.replace(/^(?:_[^.]+\.)+/, ''));
}

/** With the hosts that the SRV records of these domains name. */
function withTargets(view: View, domains: Iterable<string>): ReadonlySet<string> {
  const names = new Set(domains);
  for (const record of view.records) {
    if (record.kind !== 'dns' || record.type !== 'SRV' || !isLookedUp(record, names)) continue;
    for (const srv of record.data) names.add(srv.split(' ').at(-1) ?? '');
  }
  return names;
}
