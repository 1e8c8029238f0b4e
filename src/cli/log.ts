/**
 * The log of the daemon: one line on stderr per event that an operator would want to know about at two in the morning.
 */
import { LruMap } from '../adapters/lru.ts';
import type { ComponentEvent } from '../components/component-listener.ts';
import { brief, faultSentence, type Fault } from '../protocol/faults.ts';
import { unicodeDomain } from '../protocol/names.ts';
import type { Proof } from '../protocol/proof.ts';
import type { ReportRecord } from '../trace/record.ts';
import type { Tint } from './paint.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

/** How much it matters: `warning` may need attention, `error` does. */
export type Level = 'info' | 'warning' | 'error';

const PAINT: Readonly<Record<Level, Tint>> = { info: 'dim', warning: 'yellow', error: 'red' };

/**
 * A sentence is not repeated within this time, in milliseconds: once for the same actor, and a few times for streams,
 * because each stream is new.
 */
const QUIET_MS = 30_000;
const TIMES = { stream: 10, other: 1 } as const;
const MAX_LATELY = 1_000;

/** Longest line, in characters; much of it comes from peers. */
const MAX_LINE = 1_000;

export interface Log {
  readonly say: (level: Level, sentence: string) => void;
  /** Logs that `what` happened, because of `fault` if there is one. */
  readonly fault: (level: Level, what: string, fault: Fault | null) => void;
  readonly component: (event: ComponentEvent) => void;
  /** Streams and pairs that were established, refused or closed. Transitions and wire elements belong in the trace. */
  readonly record: (record: ReportRecord) => void;
}

export function createLog(terminal: Pick<Terminal, 'tell' | 'paint'>, now: () => number): Log {
  const say = (level: Level, sentence: string): void => {
    const line = visible(inBothForms(brief(sentence, MAX_LINE)));
    terminal.tell(`${new Date(now()).toISOString()} ${terminal.paint(PAINT[level], level)} ${line}`);
  };
  /**
   * Recently logged sentences: a peer that is down is logged occasionally, not once per stanza, and a scanner not once
   * per connection.
   */
  const lately = new LruMap<string, { sinceMs: number; times: number; left: number }>(MAX_LATELY);
  const sayOnce = (level: Level, actor: string, sentence: string): void => {
    const isStream = actor.startsWith('stream:');
    const key = brief(isStream ? sentence : `${actor}: ${sentence}`, MAX_LINE);
    let said = lately.get(key);
    const left = said?.left ?? 0;
    if (said === undefined || now() - said.sinceMs >= QUIET_MS) {
      said = { sinceMs: now(), times: 0, left: 0 };
      lately.set(key, said);
    }
    if (said.times >= (isStream ? TIMES.stream : TIMES.other)) {
      said.left += 1;
      return;
    }
    const before = said.times === 0 && left > 0 ? ` (and ${left} times before)` : '';
    said.times += 1;
    say(level, `${actor === '' ? '' : `${actor}: `}${sentence}${before}`);
  };
  const saidFault = (level: Level, what: string, fault: Fault | null): void =>
    say(level, fault === null ? what : `${what}: ${faultSentence(fault)}`);
  return {
    say,
    fault: saidFault,
    component: (event) => {
      const who = `component ${event.domain ?? 'without a domain'} from ${event.remoteAddress}`;
      switch (event.kind) {
        case 'attached':
          say('info', `${who}: attached`);
          break;
        case 'detached':
          saidFault(event.fault === null ? 'info' : 'warning', `${who}: detached`, event.fault);
          break;
        case 'refused':
          saidFault('warning', `${who}: refused`, event.fault);
          break;
      }
    },
    record: ({ actor, report }) => {
      if (!isTold(report)) return;
      const told = readReport(report);
      const what = REPORTS[told.type];
      if (what !== undefined) {
        if (told.fault === null) say('info', `${actor}: ${what(told)}`);
        else sayOnce('warning', actor, `${what(told)}: ${faultSentence(told.fault)}`);
      } else if (told.unproved !== null) {
        sayOnce('info', actor, told.unproved);
      } else if (told.type.endsWith('.errored')) saidFault('error', `${actor}: ended by an internal error`, told.fault);
    },
  };
}

/** The parts of a report that the sentences below use. */
interface Report {
  readonly type: string;
  readonly fault: Fault | null;
  readonly pair: string;
  readonly domain: string;
  /** What admits the pair. */
  readonly proof: string;
  readonly endpoint: string;
  readonly remoteAddress: string;
  readonly stanzas: number;
  /** The domain that was not proved, and what was tried. */
  readonly unproved: string | null;
}

const REPORTS: Readonly<Record<string, ((report: Report) => string) | undefined>> = {
  'connection.refused': ({ remoteAddress }) => `a connection from ${remoteAddress} is refused`,
  'stream.requested': ({ endpoint }) => `opens a stream to ${endpoint}`,
  'stream.established': () => 'established',
  'stream.closing': () => 'closes',
  'stream.broken': ({ stanzas }) => `what became of the last ${stanzas} stanzas written to it is unknown`,
  'stream.refused': () => 'no stream',
  'stream.slowed': () => 'brings more than limits.bytesPerSecond, and is read more slowly',
  'search.failed': () => 'cannot look for a standing stream',
  'pair.accepted': ({ pair, proof }) => `${pair} may send, ${proof}`,
  'pair.admitted': ({ pair, proof }) => `${pair} may come in, ${proof}`,
  'pair.refused': ({ pair }) => `${pair} refused`,
  'pair.failed': () => 'failed',
  'domain.withdrawn': ({ domain }) => `${domain} no longer belongs to it`,
};

/** Whether a report is logged; most go only into the trace. */
const isTold = (report: { readonly type: string }): boolean =>
  report.type in REPORTS || 'outcome' in report || report.type.endsWith('.errored');

type Fields = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '?');

/** Records hold reports of several kinds; only texts, numbers and faults are used. */
function readReport(report: { readonly type: string }): Report {
  const { from, to, domain, remoteAddress, proof, stanzas, outcome, endpoint, fault }: Fields = { ...report };
  const { host, port }: Fields = typeof endpoint === 'object' ? { ...endpoint } : {};
  return {
    type: report.type,
    fault: isFault(fault) ? fault : null,
    pair: `${text(from)} to ${text(to)}`,
    domain: text(domain),
    remoteAddress: text(remoteAddress),
    proof: proofIn(proof),
    stanzas: Number(stanzas ?? 0),
    // The result of a challenge is logged with the association that asked for it.
    unproved: report.type === 'challenge.settled' ? null : unprovedIn(outcome),
    endpoint: `${text(host)} port ${String(port)}`,
  };
}

/** A server that we dialled may be vouched for by DNS alone: dialback has proved us to it, but not it to us. */
function proofIn(proof: unknown): string {
  if (typeof proof !== 'object' || proof === null) return 'proved by ?';
  const { prooftype, evidence }: Partial<Proof> = { ...proof };
  if (prooftype === 'none') return 'without a proof';
  const isByDns = prooftype === 'dialback' && evidence?.['dns'] === true;
  return isByDns ? 'vouched for by DNS alone' : `proved by ${prooftype ?? '?'}`;
}

/** What an association, or the verification of a pair, found against the domain; null if it was proved. */
function unprovedIn(outcome: unknown): string | null {
  if (typeof outcome !== 'object' || outcome === null) return null;
  const { domain, from, to, attempts, verdict, proof }: Outcome = { ...outcome };
  const isProved = verdict === undefined ? proof !== null : verdict.kind === 'proved';
  if (isProved) return null;
  const who = domain === undefined ? `${from ?? '?'} to ${to ?? '?'} may not come in` : `${domain} is not proved`;
  const tried = (attempts ?? []).flatMap(({ prooftype, verdict: { fault } }) =>
    fault === undefined ? [] : [`by ${prooftype}: ${faultSentence(fault)}`],
  );
  if (tried.length === 0 && verdict?.fault !== undefined) tried.push(faultSentence(verdict.fault));
  return [who, ...tried].join('; ');
}

/** The parts of an outcome that are read. */
interface Outcome {
  readonly domain?: string;
  readonly from?: string;
  readonly to?: string;
  readonly proof?: object | null;
  readonly verdict?: Verdict;
  readonly attempts?: readonly { readonly prooftype: string; readonly verdict: Verdict }[];
}

interface Verdict {
  readonly kind: string;
  readonly fault?: Fault;
}

function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'layer' in value && 'condition' in value && 'origin' in value;
}

/** Domains are shown with both A-labels, which are compared and searched for, and U-labels, which people read. */
function inBothForms(text: string): string {
  if (!text.includes('xn--')) return text;
  return text.replace(/[a-z0-9.-]+/g, (word) => {
    if (!word.includes('xn--')) return word;
    const domain = word.replace(/[.-]$/, ''); // a full stop at the end of a sentence
    const read = unicodeDomain(domain);
    return read === domain ? word : `${domain} (${read})${word.slice(domain.length)}`;
  });
}
