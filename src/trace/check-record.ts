/** Whether what was read is a record: every field that is relied upon, by the kind of the record. */
import type { WireElement } from '../protocol/wire.ts';
import type { RecordKind, TraceRecord } from './record.ts';
import { isFault } from './revive.ts';

/** Something with fields, of which nothing is known. */
export type Found = Readonly<Record<string, unknown>>;

interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const check = (expected: string, holds: (value: unknown) => boolean): Check => ({ expected, holds });
const isObject = (value: unknown): value is Found =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isPath = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const text = check('a text', isText);
const number = check('a number', Number.isFinite);
const count = check('a whole number, not negative', (value) => Number.isSafeInteger(value) && Number(value) >= 0);
const object = check('a mapping', isObject);
const anything = check('anything', () => true);
const texts = check('a list of texts', isPath);
const paths = check('a list of lists of texts', (value) => Array.isArray(value) && value.every(isPath));
const fault = check('a fault', isFault);
const typed = check('a mapping with a type', (value) => isObject(value) && isText(value['type']));
const oneOf = (...words: readonly string[]): Check =>
  check(`one of ${words.join(', ')}`, (value) => isText(value) && words.includes(value));
const orNull = ({ expected, holds }: Check): Check =>
  check(`${expected}, or null`, (value) => value === null || holds(value));
const entered = check(
  'a list of states with sinceMs and untilMs',
  (value) =>
    Array.isArray(value) &&
    value.every(
      (stay) =>
        isObject(stay) &&
        isText(stay['state']) &&
        number.holds(stay['sinceMs']) &&
        orNull(number).holds(stay['untilMs']),
    ),
);

type Fields = Readonly<Record<string, Check>>;

const fits =
  (fields: Fields) =>
  (value: unknown): boolean =>
    isObject(value) && problemIn(value, fields) === null;

const stay: Fields = { machine: text, states: texts, untilMs: orNull(number) };

const evidence: Fields = {
  kind: oneOf('dns', 'certificate', 'posh', 'dane', 'dialback', 'policy'),
  text,
  atMs: number,
};
const attemptVerdict: Fields = {
  prooftype: text,
  domain: text,
  verdict: oneOf('proved', 'refuted', 'undetermined'),
  fault: orNull(fault),
  expiresAtMs: orNull(number),
  evidence: check('a list of evidence', (value) => Array.isArray(value) && value.every(fits(evidence))),
};
const attempt: Fields = {
  local: text,
  remote: text,
  direction: oneOf('outgoing', 'incoming'),
  startedMs: number,
  outcome: oneOf('holds', 'failed'),
  stream: orNull(count),
  fault: orNull(fault),
  cause: text,
  fix: text,
  verdicts: check('a list of verdicts', (value) => Array.isArray(value) && value.every(fits(attemptVerdict))),
};

const kinds: Readonly<Record<RecordKind, Fields>> = {
  born: { ...stay, parent: orNull(text), input: anything },
  event: { ...stay, event: typed, passed: paths },
  ended: { machine: text, how: oneOf('done', 'stopped', 'errored'), fault: orNull(fault) },
  snapshot: { machine: text, snapshot: object, bornMs: number, entered },
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
    chainLength: check('a number, null or nothing', (value) => value == null || typeof value === 'number'),
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
    verdict: oneOf('proved', 'refuted', 'undetermined'),
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
  attempt: { attempt: check('an attempt', fits(attempt)) },
  report: { report: typed },
  lost: { records: count },
};

const ofAll: Fields = { seq: count, atMs: number, actor: text, cause: orNull(count) };

const answer = orNull(typed);
const dialback: Fields = { from: text, to: text, answer };
const named: Fields = {};

/** Of the elements on the wire, the fields that somebody reads. */
const elements: Readonly<Record<WireElement['kind'], Fields>> = {
  streamHeader: { to: orNull(text), from: orNull(text), id: orNull(text), version: orNull(text) },
  features: { startTls: text, mechanisms: texts, unknown: texts },
  result: dialback,
  verify: { ...dialback, id: text },
  auth: { mechanism: text },
  saslFailure: { condition: text, text: orNull(text) },
  streamError: { condition: text, text: orNull(text) },
  unsupported: { name: text },
  dnaAssert: { from: text },
  dnaChallenge: { to: text, types: texts },
  dnaProof: { from: text, type: text },
  dnaImpossible: { from: text },
  dnaValid: { to: text },
  dnaInvalid: { to: text },
  starttls: named,
  proceed: named,
  starttlsFailure: named,
  challenge: named,
  response: named,
  abort: named,
  success: named,
  bidi: named,
};

function isElement(value: unknown): boolean {
  if (!isObject(value) || !isText(value['kind']) || !Object.hasOwn(elements, value['kind'])) return false;
  return problemIn(value, elements[value['kind'] as WireElement['kind']]) === null; // own, so known
}

function problemIn(found: Found, fields: Fields): string | null {
  for (const [name, { expected, holds }] of Object.entries(fields)) {
    if (!holds(found[name])) return `"${name}" to be ${expected}`;
  }
  return null;
}

interface Checked {
  readonly record: TraceRecord | null;
  readonly expected: string | null;
}

const refused = (expected: string): Checked => ({ record: null, expected });

/** The record; or what was expected; or neither, where it is of a kind that a later version may write. */
export function checkRecord(found: Found): Checked {
  const { kind } = found;
  if (!isText(kind)) return refused('"kind" to be a text');
  const problem = problemIn(found, ofAll);
  if (problem !== null) return refused(problem);
  if (!Object.hasOwn(kinds, kind)) return { record: null, expected: null };
  const inKind = problemIn(found, kinds[kind as RecordKind]); // own, so known
  return inKind === null ? { record: found as unknown as TraceRecord, expected: null } : refused(inKind); // looked at
}
