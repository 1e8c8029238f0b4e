/** A record in words: a short label, and the details. */
import type { DialbackResult, DialbackVerify, WireElement } from '../../protocol/wire.ts';
import { dayOf } from '../dates.ts';
import type { RecordOf, TraceRecord } from '../record.ts';

/** `good`: takes the negotiation forward for certain; `bad`: ends something. */
export type Tone = 'plain' | 'good' | 'bad';

export interface Words {
  readonly label: string;
  readonly detail: string;
  readonly tone: Tone;
}

const said = (tone: Tone, label: string, ...details: readonly (string | null)[]): Words => ({
  label,
  detail: details.filter((detail) => detail !== null && detail !== '').join(', '),
  tone,
});

const plainly = (label: string, ...details: readonly (string | null)[]): Words => said('plain', label, ...details);

const named = (name: string, value: string | null): string | null => (value === null ? null : `${name} ${value}`);

const listed = (name: string, values: readonly string[] | undefined): string | null =>
  values === undefined || values.length === 0 ? null : `${name} ${values.join(' ')}`;

/** XEP-0220 §2: a request contains no answer. */
function dialback({ kind, from, to, answer }: DialbackResult | DialbackVerify): Words {
  const pair = `from ${from} to ${to}`;
  if (answer === null) return plainly(`db:${kind}`, pair);
  if (answer.type !== 'error') return said(answer.type === 'valid' ? 'good' : 'bad', `db:${kind} ${answer.type}`, pair);
  return said('bad', `db:${kind} error`, pair, answer.condition, answer.text ?? null);
}

/** The element as it begins on the wire, without keys and proofs. */
export function wordsOfWire(element: WireElement): Words {
  switch (element.kind) {
    case 'streamHeader': {
      const { from, to, id, version } = element;
      const old = version === null ? 'no version' : null;
      return plainly('<stream:stream>', named('from', from), named('to', to), named('id', id), old);
    }
    case 'features': {
      const { startTls, mechanisms, dialback: offered, bidi, asserts } = element;
      return plainly(
        '<stream:features>',
        startTls === 'absent' ? null : `STARTTLS ${startTls}`,
        listed('SASL', mechanisms),
        offered ? 'dialback' : null,
        bidi ? 'bidi' : null,
        listed('asserts', asserts),
      );
    }
    case 'result':
    case 'verify':
      return dialback(element);
    case 'auth':
      return plainly('<auth/>', element.mechanism);
    case 'success':
      return said('good', '<success/>');
    case 'starttlsFailure':
      return said('bad', '<failure/> of STARTTLS');
    case 'saslFailure':
      return said('bad', '<failure/> of SASL', element.condition, element.text);
    case 'streamError':
      return said('bad', '<stream:error>', element.condition, element.text);
    case 'unsupported':
      return plainly('something unknown', element.name);
    case 'dnaAssert':
      return plainly('<assert/>', `from ${element.from}`);
    case 'dnaChallenge':
      return plainly('<challenge/> of DNA', `to ${element.to}`, listed('types', element.types));
    case 'dnaProof':
      return plainly('<proof/>', `from ${element.from}`, element.type);
    case 'dnaImpossible':
      return said('bad', '<impossible/>', `from ${element.from}`);
    case 'dnaValid':
      return said('good', '<valid/>', `to ${element.to}`);
    case 'dnaInvalid':
      return said('bad', '<invalid/>', `to ${element.to}`);
    case 'starttls':
    case 'proceed':
    case 'challenge':
    case 'response':
    case 'abort':
    case 'bidi':
      return plainly(`<${element.kind}/>`);
  }
}

export function wordsOfElement({ element, bytes }: RecordOf<'wire'>): Words {
  const words = wordsOfWire(element);
  return bytes === null ? words : said(words.tone, words.label, words.detail, `${bytes} bytes`);
}

const DNS_TONES: Readonly<Record<string, Tone>> = { secure: 'good', bogus: 'bad', error: 'bad' };

export function wordsOfAnswer({ question, type, status, reason, count, data, ms }: RecordOf<'dns'>): Words {
  const more = count > data.length ? `and ${count - data.length} more` : null;
  return said(
    DNS_TONES[status] ?? 'plain',
    `${type} ${question}: ${status}`,
    data.join('; '),
    more,
    reason,
    `after ${ms} ms`,
  );
}

export function wordsOfDocument({ domain, outcome, url, fingerprints, fault, ms }: RecordOf<'posh'>): Words {
  return outcome === 'found'
    ? said('good', `POSH of ${domain}: ${fingerprints} fingerprints`, url, `after ${ms} ms`)
    : said('bad', `POSH of ${domain}: ${fault?.condition ?? 'failed'}`, fault?.text ?? null, `after ${ms} ms`);
}

export const wordsOfCertificate = ({
  subject,
  issuer,
  names,
  notBeforeMs,
  notAfterMs,
  sha256,
}: RecordOf<'certificate'>): Words =>
  plainly(
    `certificate for ${names.length === 0 ? subject : names.join(' ')}`,
    named('issued by', issuer),
    `valid from ${dayOf(notBeforeMs)} to ${dayOf(notAfterMs)}`,
    `SHA-256 ${sha256.slice(0, 16)}…`,
  );

const VERDICT_TONES = { proved: 'good', refuted: 'bad', undetermined: 'plain' } as const;

export const wordsOfVerdict = ({ domain, prooftype, verdict, fault }: RecordOf<'verdict'>): Words =>
  said(VERDICT_TONES[verdict], `${domain} ${verdict} by ${prooftype}`, fault?.condition ?? null, fault?.text ?? null);

export const wordsOfFact = ({ change, direction, from, to, prooftype }: RecordOf<'fact'>): Words =>
  said(
    change === 'published' ? 'good' : 'bad',
    `${from ?? 'all'} → ${to ?? 'all'} ${change === 'published' ? 'may pass' : 'may no longer pass'}`,
    direction === 'in' ? 'towards us' : 'from us',
    named('by', prooftype),
  );

const QUEUE: Readonly<Record<RecordOf<'queue'>['change'], readonly [Tone, string]>> = {
  waiting: ['plain', 'waits for a route'],
  flushed: ['good', 'is sent'],
  returned: ['bad', 'is returned'],
  full: ['bad', 'finds no room'],
};

export function wordsOfQueue({ change, stanzas, fault }: RecordOf<'queue'>): Words {
  const [tone, does] = QUEUE[change];
  const what = stanzas === 1 ? 'a stanza' : `${stanzas} stanzas`;
  return said(tone, `${what}: ${does}`, fault?.condition ?? null, fault?.text ?? null);
}

export const wordsOfEnd = ({ actor, fault }: RecordOf<'ended'>): Words =>
  said(
    fault === null ? 'plain' : 'bad',
    `${actor} ends`,
    fault === null ? null : `${fault.layer}: ${fault.condition}`,
    fault?.text ?? null,
  );

const ENDS: Readonly<Record<RecordOf<'ended'>['how'], string>> = {
  done: 'is done',
  stopped: 'is no longer needed',
  errored: 'has failed internally',
};

const wordsOfAttempt = ({ attempt }: RecordOf<'attempt'>): Words => {
  const { local, remote, direction, outcome, cause } = attempt;
  const [from, to] = direction === 'outgoing' ? [local, remote] : [remote, local];
  return said(outcome === 'holds' ? 'good' : 'bad', `${from} → ${to} ${outcome}`, cause);
};

/** Words for a record in the list of records of its actor. */
export function wordsOfRecord(record: TraceRecord): Words {
  switch (record.kind) {
    case 'born':
      return plainly(`began in ${record.states.join('.') || '…'}`);
    case 'event': {
      const { event, states } = record;
      return said(event.type.includes('error') ? 'bad' : 'plain', `${event.type} → ${states.join('.')}`);
    }
    case 'ended':
      return { ...wordsOfEnd(record), label: ENDS[record.how] };
    case 'snapshot':
      return plainly(`is in ${record.entered.at(-1)?.state ?? '…'}`);
    case 'wire': {
      const words = wordsOfElement(record);
      return { ...words, label: `${record.direction === 'out' ? 'sent' : 'received'} ${words.label}` };
    }
    case 'dns':
      return wordsOfAnswer(record);
    case 'certificate': {
      const words = wordsOfCertificate(record);
      return { ...words, label: `${record.end === 'local' ? 'our' : 'their'} ${words.label}` };
    }
    case 'posh':
      return wordsOfDocument(record);
    case 'verdict':
      return wordsOfVerdict(record);
    case 'fact':
      return wordsOfFact(record);
    case 'queue':
      return wordsOfQueue(record);
    case 'attempt':
      return wordsOfAttempt(record);
    case 'report':
      return plainly(record.report.type);
    case 'lost':
      return said('bad', `${record.records} records are missing`);
  }
}

export const inALine = ({ label, detail }: Words): string => (detail === '' ? label : `${label}, ${detail}`);
