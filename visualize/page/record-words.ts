/** Records in a line each. */

import type { QueueEdge, TraceRecord } from '../../src/trace/record.ts';
import type { WireElement } from './source.ts';

export interface RecordWords {
  /** What kind of thing it is, in a word. */
  readonly kind: string;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

type Said = readonly [text: string, tone?: RecordWords['tone']];

export function recordWords(record: TraceRecord): RecordWords {
  const [text, tone = 'plain'] = said(record);
  return { kind: record.kind, text, tone };
}

function said(record: TraceRecord): Said {
  switch (record.kind) {
    case 'born':
      return [`began in ${record.states.join('.') || '…'}`];
    case 'event':
      return [
        `${record.event.type} → ${record.states.join('.')}`,
        record.event.type.includes('error') ? 'bad' : 'plain',
      ];
    case 'ended':
      return [`${record.how}${faultWords(record.fault)}`, record.fault === null ? 'plain' : 'bad'];
    case 'snapshot':
      return [`stands in ${record.entered.at(-1)?.state ?? '…'}`];
    case 'wire':
      return [
        `${record.direction === 'out' ? 'sent' : 'received'} ${elementWords(record.element)}${sizeWords(record.bytes)}`,
        elementTone(record.element),
      ];
    case 'dns':
      return [
        `${record.type} ${record.question}: ${record.status}, ${record.count} records, ${Math.round(record.ms)} ms${record.reason === null ? '' : `: ${record.reason}`}`,
        record.status === 'bogus' || record.status === 'error' ? 'bad' : 'plain',
      ];
    case 'certificate':
      return [
        `${record.end === 'local' ? 'we presented' : 'was presented'} ${record.subject} (${record.sha256.slice(0, 16)}…), of ${record.issuer}`,
      ];
    case 'posh':
      return [
        record.outcome === 'found'
          ? `document of ${record.domain} with ${record.fingerprints} fingerprints, ${Math.round(record.ms)} ms`
          : `no document of ${record.domain}${faultWords(record.fault)}`,
        record.outcome === 'found' ? 'good' : 'bad',
      ];
    case 'verdict':
      return [
        `${record.domain} ${record.verdict} by ${record.prooftype}${faultWords(record.fault)}`,
        record.verdict === 'proved' ? 'good' : record.verdict === 'refuted' ? 'bad' : 'plain',
      ];
    case 'fact':
      return [
        `${record.from ?? 'anybody'} may ${record.change === 'published' ? '' : 'no longer '}send to ${record.to ?? 'anybody'} on stream:${record.stream}`,
        record.change === 'published' ? 'good' : 'plain',
      ];
    case 'queue':
      return [
        `${QUEUE_WORDS[record.change]}, ${record.stanzas} in it${faultWords(record.fault)}`,
        record.change === 'flushed' ? 'good' : record.change === 'waiting' ? 'plain' : 'bad',
      ];
    case 'report':
      return [record.report.type];
    case 'attempt':
      return [
        `${record.attempt.local} and ${record.attempt.remote}, ${record.attempt.direction}: ${record.attempt.outcome}${faultWords(record.attempt.fault)}`,
        record.attempt.outcome === 'holds' ? 'good' : 'bad',
      ];
    case 'lost':
      return [`${record.records} records are missing`, 'bad'];
  }
}

const QUEUE_WORDS: Readonly<Record<QueueEdge['change'], string>> = {
  waiting: 'stanzas wait for a route',
  flushed: 'a stream takes what waited',
  returned: 'what waited was returned',
  full: 'there is no room for more',
};

const faultWords = (
  fault: { readonly layer: string; readonly condition: string; readonly text?: string } | null,
): string =>
  fault === null ? '' : `: ${fault.layer}: ${fault.condition}${fault.text === undefined ? '' : `: ${fault.text}`}`;

export const sizeWords = (bytes: number | null): string => (bytes === null ? '' : ` (${bytes} bytes)`);

/** As it would begin on the wire; never what proves something. */
export function elementWords(element: WireElement): string {
  switch (element.kind) {
    case 'streamHeader':
      return `<stream:stream>${attributes({ from: element.from, to: element.to, id: element.id })}`;
    case 'features':
      return `<stream:features>${attributes({
        starttls: element.startTls === 'absent' ? null : element.startTls,
        mechanisms: element.mechanisms.join(' ') || null,
        dialback: element.dialback ? 'yes' : null,
        bidi: element.bidi ? 'yes' : null,
      })}`;
    case 'result':
    case 'verify':
      return `<db:${element.kind}>${attributes({ from: element.from, to: element.to, ...answerOf(element.answer) })}`;
    case 'auth':
      return `<auth>${attributes({ mechanism: element.mechanism })}`;
    case 'saslFailure':
      return `<failure> ${element.condition}${element.text === null ? '' : `: ${element.text}`}`;
    case 'streamError':
      return `<stream:error> ${element.condition}${element.text === null ? '' : `: ${element.text}`}`;
    case 'starttlsFailure':
      return '<failure> of STARTTLS';
    case 'unsupported':
      return `<${element.name}>`;
    case 'dnaAssert':
    case 'dnaImpossible':
    case 'dnaProof':
      return `${element.kind}${attributes({ from: element.from })}`;
    case 'dnaChallenge':
    case 'dnaValid':
    case 'dnaInvalid':
      return `${element.kind}${attributes({ to: element.to })}`;
    default:
      return `<${element.kind}>`;
  }
}

const BAD: readonly WireElement['kind'][] = [
  'streamError',
  'saslFailure',
  'starttlsFailure',
  'abort',
  'dnaInvalid',
  'dnaImpossible',
];
const GOOD: readonly WireElement['kind'][] = ['success', 'proceed', 'dnaValid'];

export function elementTone(element: WireElement): RecordWords['tone'] {
  if ((element.kind === 'result' || element.kind === 'verify') && element.answer !== null)
    return element.answer.type === 'valid' ? 'good' : 'bad';
  return BAD.includes(element.kind) ? 'bad' : GOOD.includes(element.kind) ? 'good' : 'plain';
}

const answerOf = (answer: { readonly type: string } | null): Record<string, string | null> => ({
  type: answer?.type ?? null,
});

const attributes = (named: Readonly<Record<string, string | null>>): string =>
  Object.entries(named)
    .map(([name, value]) => (value === null ? '' : ` ${name}=${value}`))
    .join('');
