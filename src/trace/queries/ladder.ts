/**
 * The sequence diagram of a negotiation: what went from whom to whom, in order. The parties are this server, the far
 * end, the authoritative server of a domain in dialback, the DNS and the web. What a party finds out alone is a rung
 * from it to itself.
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
  /** The `seq` of its record. */
  readonly seq: number;
  readonly atMs: number;
  /** Ids of parties; equal if one party finds something out alone. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly detail: string;
  /** The stream that carried it; null if none did. */
  readonly stream: number | null;
  readonly tone: Tone;
}

export interface Ladder {
  /** The parties that have a rung: this server first, then servers, then lookup services. */
  readonly parties: readonly Party[];
  /** The newest rungs, the oldest of them first. */
  readonly rungs: readonly Rung[];
  /** Number of earlier rungs that are left out. */
  readonly more: number;
}

const MOST_RUNGS = 500;

const ORDER: readonly Party['kind'][] = ['ours', 'server', 'authoritative', 'dns', 'web'];

const OURS: Party = { id: 'ours', label: 'this server', kind: 'ours' };
const DNS: Party = { id: 'dns', label: 'DNS', kind: 'dns' };
const WEB: Party = { id: 'web', label: 'HTTPS', kind: 'web' };

/** The subject of the ladder. */
interface Subject {
  readonly id: string;
  /** Null for a stream: everything that goes over it counts. */
  readonly local: string | null;
  readonly remote: string | null;
  /** The domain at the other end. */
  readonly far: string;
  readonly streams: ReadonlyMap<string, StreamParts>;
  /** Names looked up for it: the domain, and the hosts that its SRV records name. */
  readonly names: ReadonlySet<string>;
}

/** Records looked at between two yields. */
const A_STEP = 256;

/** The ladder of a stream, a pair, a peer, or a child of one; null if there is no actor with that id. */
export const ladder = (view: View, id: string): Ladder | null => toEnd(ladderSteps(view, id));

/** Like {@link ladder}, in steps. */
export function* ladderSteps(view: View, id: string): Generator<undefined, Ladder | null> {
  const root = id.split('/', 1)[0] ?? id;
  if (glanceAt(view, root) === undefined) return null;
  const subject = yield* subjectOf(view, root);
  const rungs: { readonly from: Party; readonly to: Party; readonly rung: Rung }[] = [];
  let more = 0;
  let looked = 0;
  // Only the newest are shown; the others are counted.
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
      // A withdrawal for all domains comes with the end of the stream, which has a rung of its own.
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

/** Elements between two other domains may use the same stream, and do not belong to the subject. */
function isAbout(
  what: { readonly kind?: string; readonly from?: string | null; readonly to?: string | null },
  { local, remote }: Subject,
): boolean {
  const isBetweenDomains = what.kind === 'result' || what.kind === 'verify' || what.kind === 'fact';
  if (remote === null || !isBetweenDomains) return true;
  const named = [what.from, what.to];
  return named.includes(remote) && (local === null || named.includes(local));
}

/** We ask for the verification of a key, or receive the answer (XEP-0220 §2.2, §2.3). */
const isOfOurQuestion = ({ element, direction }: RecordOf<'wire'>): boolean =>
  element.kind === 'verify' && (direction === 'out') === (element.answer === null);

/** The authoritative server is a party of its own, even if it is asked over a stream of the pair. */
function farEnd({ verifies, asserts }: StreamParts, { far: domain }: Subject, isAsked = false): Party {
  return isAsked || (verifies && !asserts)
    ? { id: `authoritative:${domain}`, label: `authoritative server of ${domain}`, kind: 'authoritative' }
    : { id: `server:${domain}`, label: domain, kind: 'server' };
}

/** `_xmpp-server._tcp.b.example` is looked up for b.example. */
function isLookedUp({ question }: RecordOf<'dns'>, names: ReadonlySet<string>): boolean {
  return names.has(question) || names.has(question.replace(/^(?:_[^.]+\.)+/, ''));
}

/** The domains, and the hosts that their SRV records name. */
function withTargets(view: View, domains: Iterable<string>): ReadonlySet<string> {
  const names = new Set(domains);
  for (const record of view.records) {
    if (record.kind !== 'dns' || record.type !== 'SRV' || !isLookedUp(record, names)) continue;
    for (const srv of record.data) names.add(srv.split(' ').at(-1) ?? '');
  }
  return names;
}
