/** What was observed while a scenario was played, and the queries that checks make on it. */
import type { DomainPair, StreamReport } from '../../machines/events.ts';
import type { CheckVerdict } from '../check/verdict.ts';
import type { Proof } from '../protocol/proof.ts';
import type { WireElement } from '../protocol/wire.ts';
import type { Delivery } from '../routing/types.ts';
import type { TraceRecord } from '../trace/record.ts';
import type { SocketCount } from './counted-network.ts';
import type { Message, Side } from './scenario.ts';

/** A record of one provider; all records are kept in the order in which they were made. */
export interface Seen {
  readonly at: Side;
  readonly record: TraceRecord;
}

export interface Facts {
  readonly timeline: readonly Seen[];
  /** In the order of sending; the delivery is null while it is unknown. */
  readonly sent: readonly (Message & { readonly delivery: Delivery | null })[];
  /** Messages that arrived at the other provider. */
  readonly arrived: readonly (Message & { readonly at: Side })[];
  /** What clients found out, by domain, in the order of asking; the verdict is null while it is unknown. */
  readonly sought: readonly { readonly domain: string; readonly verdict: CheckVerdict | null }[];
  readonly sockets: Readonly<SocketCount>;
}

type ReportOf<Type extends StreamReport['type']> = Extract<StreamReport, { type: Type }>;

/** All reports of one type from the streams of one provider. */
export function reports<Type extends StreamReport['type']>(
  { timeline }: Pick<Facts, 'timeline'>,
  at: Side,
  type: Type,
): ReportOf<Type>[] {
  return timeline.flatMap((seen) => {
    if (seen.at !== at || seen.record.kind !== 'report' || seen.record.report.type !== type) return [];
    return [seen.record.report as ReportOf<Type>]; // records carry reports unchanged (src/control/dispatch.ts)
  });
}

/** Negotiation elements that one provider has sent. */
export function wireOut({ timeline }: Facts, at: Side): WireElement[] {
  return timeline.flatMap((seen) =>
    seen.at === at && seen.record.kind === 'wire' && seen.record.direction === 'out' ? [seen.record.element] : [],
  );
}

export const samePair = (a: DomainPair, b: DomainPair): boolean => a.from === b.from && a.to === b.to;

export const proofText = ({ prooftype, strength }: Proof): string => `${prooftype} (${strength})`;

/** The name of an element in the specifications, and in our ladders. */
export function wireName(element: WireElement): string {
  switch (element.kind) {
    case 'result':
    case 'verify':
      return `db:${element.kind}${element.answer === null ? '' : ` ${answerText(element.answer)}`}`;
    case 'auth':
      return `auth ${element.mechanism}`;
    case 'saslFailure':
      return `failure ${element.condition}`;
    case 'streamError':
      return `stream error ${element.condition}`;
    case 'streamHeader':
      return 'stream header';
    case 'unsupported':
      return element.name;
    case 'starttlsFailure':
      return 'starttls failure';
    case 'dnaAssert':
    case 'dnaChallenge':
    case 'dnaProof':
    case 'dnaImpossible':
    case 'dnaValid':
    case 'dnaInvalid':
      return `dna:${element.kind.slice('dna'.length).toLowerCase()}`;
    case 'features':
    case 'starttls':
    case 'proceed':
    case 'challenge':
    case 'response':
    case 'abort':
    case 'success':
    case 'bidi':
      return element.kind;
  }
}

export const answerText = (answer: { readonly type: string; readonly condition?: string }): string =>
  answer.condition === undefined ? answer.type : `error ${answer.condition}`;
