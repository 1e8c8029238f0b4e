/**
 * Stanzas that the gate refused, which ends their stream (RFC 6120 §8.1.1.2): sender, target, and whether the pair was
 * asserted.
 */
import type { Fault } from '../../protocol/faults.ts';
import type { DomainPair } from '../../protocol/pairs.ts';
import { faultIn, fieldsIn, textIn } from '../context.ts';
import type { TraceRecord } from '../record.ts';
import { glanceAt } from '../view/glance.ts';
import type { View } from '../view/view.ts';

export interface Refusal extends DomainPair {
  readonly atMs: number;
  readonly fault: Fault;
  /** How the far end had asserted the pair on that stream; null if it had not. */
  readonly asserted: Asserted | null;
}

/** Asserted by dialback, or the DNA protocol of 2009; and our answer, null if we had not answered. */
export interface Asserted {
  readonly by: 'dialback' | 'dna';
  readonly answer: string | null;
}

/**
 * Stream errors with which the gate refuses a stanza of one pair; other errors concern the whole stream, which reports
 * itself.
 */
const CONDITIONS: readonly string[] = ['invalid-from', 'host-unknown', 'host-gone'];

/** Whether a stream with this fault may have been ended because of a stanza. */
export const endsForStanza = (fault: Fault | null): boolean => fault !== null && CONDITIONS.includes(fault.condition);

/**
 * The refusal that ended a stream; null if a stanza did not end it, or if records of an older version do not name the
 * pair.
 */
export function refusalIn(view: View, stream: string): Refusal | null {
  const records = view.recordsOf(stream);
  const at = records.findLastIndex((one) => one.kind === 'event' && one.event.type === 'transport.stanzaRefused');
  const record = records[at];
  if (record?.kind !== 'event') return null;
  const { pair, fault: why } = fieldsIn(record.event);
  const [from, to, fault] = [textIn(fieldsIn(pair)['from']), textIn(fieldsIn(pair)['to']), faultIn(why)];
  if (from === '' || to === '' || fault === null || !endsForStanza(fault)) return null;
  // The DNA protocol asserts a sender to the domain that the stream was opened to, and to no other.
  const isOfDna = to === glanceAt(view, stream)?.local;
  return { from, to, fault, atMs: record.atMs, asserted: assertedIn(records.slice(0, at), { from, to }, isOfDna) };
}

function assertedIn(records: readonly TraceRecord[], { from, to }: DomainPair, isOfDna: boolean): Asserted | null {
  let by: Asserted['by'] | null = null;
  let answer: string | null = null;
  for (const record of records) {
    if (record.kind !== 'wire') continue;
    const { direction, element } = record;
    if (element.kind === 'result') {
      const isQuestion = direction === 'in' && element.answer === null && element.from === from && element.to === to;
      const isAnswer = direction === 'out' && element.answer !== null && element.from === to && element.to === from;
      if (isQuestion) [by, answer] = ['dialback', null];
      if (isAnswer) answer = element.answer.type;
    }
    if (!isOfDna) continue;
    if (direction === 'in' && element.kind === 'dnaAssert' && element.from === from) [by, answer] = ['dna', null];
    if (direction === 'out' && element.kind === 'dnaInvalid' && element.to === from) answer = 'invalid';
    if (direction === 'out' && element.kind === 'dnaValid' && element.to === from) answer = 'valid';
  }
  return by === null ? null : { by, answer };
}

/** The pair may have been admitted since, on another stream. */
export const wasAdmittedSince = (view: View, { from, to, atMs }: Refusal): boolean =>
  view
    .attempts(from)
    .some(
      ({ atMs: settledMs, attempt: { direction, local, outcome } }) =>
        settledMs >= atMs && direction === 'incoming' && local === to && outcome === 'holds',
    );
