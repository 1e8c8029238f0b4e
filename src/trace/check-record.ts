/** Checks whether a value that was read is a record: every field that is relied upon, by the kind of the record. */
import type { AttemptEnded, AttemptEvidence, AttemptVerdict } from './attempt.ts';
import { isElement } from './check-element.ts';
import {
  anything,
  check,
  count,
  type Fields,
  type FieldsOf,
  fits,
  type Found,
  isText,
  listOf,
  number,
  object,
  oneOf,
  orAbsent,
  orNull,
  paths,
  problemIn,
  text,
  texts,
  typed,
} from './field-checks.ts';
import type { Persisted, RecordKind, RecordOf, TraceRecord } from './record.ts';
import { isFault } from './revive.ts';

const fault = check('a fault', isFault);
const verdict = oneOf('proved', 'refuted', 'undetermined');

/** Fields of every record, besides its kind. */
export const commonFields = {
  seq: count,
  atMs: number,
  actor: text,
  cause: orNull(count),
} as const satisfies Fields;

/** Fields of each state that a `snapshot` has entered. */
const entered: FieldsOf<Persisted['entered'][number]> = { state: text, sinceMs: number, untilMs: orNull(number) };

const evidence: FieldsOf<AttemptEvidence> = {
  kind: oneOf('dns', 'certificate', 'posh', 'dane', 'dialback', 'policy'),
  text,
  atMs: number,
};
const attemptVerdict: FieldsOf<AttemptVerdict> = {
  prooftype: text,
  domain: text,
  verdict,
  fault: orNull(fault),
  expiresAtMs: orNull(number),
  evidence: listOf('evidence', evidence),
};
const attempt: FieldsOf<AttemptEnded> = {
  local: text,
  remote: text,
  direction: oneOf('outgoing', 'incoming'),
  startedMs: number,
  outcome: oneOf('holds', 'failed'),
  stream: orNull(count),
  fault: orNull(fault),
  cause: text,
  fix: text,
  verdicts: listOf('verdicts', attemptVerdict),
};

/** Fields of the objects nested within records. */
export const innerFields = { entered, attempt, verdicts: attemptVerdict, evidence } as const;

const stay = { machine: text, states: texts, untilMs: orNull(number) };

type OwnFields<Kind extends RecordKind> = FieldsOf<Omit<RecordOf<Kind>, 'kind' | keyof typeof commonFields>>;

export const recordFields: { readonly [Kind in RecordKind]: OwnFields<Kind> } = {
  born: { ...stay, parent: orNull(text), input: anything },
  event: { ...stay, event: typed, passed: paths },
  ended: { machine: text, how: oneOf('done', 'stopped', 'errored'), output: anything, fault: orNull(fault) },
  snapshot: {
    machine: text,
    snapshot: object,
    bornMs: number,
    entered: listOf('states with sinceMs and untilMs', entered),
  },
  wire: { direction: oneOf('in', 'out'), element: check('an element', isElement), bytes: orNull(count) },
  dns: {
    question: text,
    type: oneOf('SRV', 'TLSA', 'addresses'),
    status: oneOf('secure', 'insecure', 'nodata-secure', 'nodata-insecure', 'bogus', 'error'),
    reason: orNull(text),
    count,
    data: texts,
    ttlSeconds: number,
    ms: number,
  },
  certificate: {
    stream: count,
    end: oneOf('local', 'remote'),
    sha256: text,
    subject: text,
    issuer: text,
    names: texts,
    notBeforeMs: number,
    notAfterMs: number,
    chainLength: orAbsent(orNull(count)),
  },
  posh: {
    domain: text,
    outcome: oneOf('found', 'failed'),
    url: orNull(text),
    fingerprints: count,
    expiresAtMs: orNull(number),
    fault: orNull(fault),
    ms: number,
  },
  verdict: {
    domain: text,
    prooftype: text,
    verdict,
    evidence: orNull(object),
    expiresAtMs: orNull(number),
    fault: orNull(fault),
  },
  fact: {
    change: oneOf('published', 'withdrawn'),
    stream: count,
    direction: oneOf('in', 'out'),
    from: orNull(text),
    to: orNull(text),
    prooftype: orNull(text),
    expiresAtMs: orNull(number),
  },
  queue: {
    local: text,
    remote: text,
    change: oneOf('waiting', 'flushed', 'returned', 'full'),
    stanzas: count,
    fault: orNull(fault),
  },
  attempt: { attempt: check('an attempt', (value) => fits(value, attempt)) },
  report: { report: typed },
  lost: { records: count },
};

interface Checked {
  readonly record: TraceRecord | null;
  readonly expected: string | null;
}

const refused = (expected: string): Checked => ({ record: null, expected });

/**
 * Returns the record; or what was expected instead; or neither, if it is of a kind that only a later version writes.
 */
export function checkRecord(found: Found): Checked {
  const { kind } = found;
  if (!isText(kind)) return refused('"kind" to be a text');
  const problem = problemIn(found, commonFields);
  if (problem !== null) return refused(problem);
  if (!Object.hasOwn(recordFields, kind)) return { record: null, expected: null };
  const fields: Fields = recordFields[kind as RecordKind]; // an own property, so known
  const inKind = problemIn(found, fields);
  return inKind === null ? { record: found as unknown as TraceRecord, expected: null } : refused(inKind); // checked above
}
