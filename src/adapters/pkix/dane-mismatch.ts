/** Explains why no TLSA record matches a chain, so that the operator of the peer can correct it. */
import type { DaneMatch } from '../../protocol/certificate.ts';
import { brief } from '../../protocol/faults.ts';
import { MATCHING, SELECTOR, USAGE, formatTlsa, namesCertificate } from '../../protocol/tlsa.ts';
import type { Associations, TlsaRecord } from '../../protocol/tlsa.ts';
import type { Invalid } from './path-checks.ts';

export type Unmatched = Extract<DaneMatch, { kind: 'unmatched' }>;

/** Most records quoted in one text. */
const MAX_TOLD = 3;
/** Most hex digits quoted of a record; a person comparing by eye looks at the first ones. */
const MAX_DIGITS = 16;

export function unmatched(condition: string, text: string): Unmatched {
  return { kind: 'unmatched', condition, text: brief(text) };
}

/** For a record that requires a valid path: why there is none. */
export function brokenPath(record: TlsaRecord | undefined, { condition, text, depth }: Invalid): Unmatched {
  const wants = record === undefined ? '' : `TLSA ${short(record)} wants a valid path, and there is none: `;
  return unmatched(condition, `${wants}${text} (certificate ${depth} of the chain)`);
}

/** No record names a presented certificate in the role that the record's usage requires. */
export function mismatch(presented: readonly Associations[], records: readonly TlsaRecord[]): Unmatched {
  return wrongUsage(presented, records) ?? wrongSelector(presented, records) ?? otherCertificate(presented, records);
}

/** Usages 1 and 3 are about the server's own certificate, 0 and 2 about authorities. */
function wrongUsage([leaf, ...authorities]: readonly Associations[], records: readonly TlsaRecord[]): Unmatched | null {
  const isOfLeaf = ({ usage }: TlsaRecord): boolean => usage === USAGE.daneEe || usage === USAGE.pkixEe;
  for (const record of records) {
    const others = isOfLeaf(record) ? authorities : leaf ? [leaf] : [];
    if (!others.some((other) => namesCertificate(record, other))) continue;
    const [what, right] = isOfLeaf(record)
      ? ['an authority of the chain', record.usage - 1]
      : ["the server's own certificate", record.usage + 1];
    return unmatched('tlsa-wrong-usage', `TLSA ${short(record)} names ${what}, for which the usage is ${right}`);
  }
  return null;
}

/** The data is that of the key where the selector announces that of the certificate, or the reverse. */
function wrongSelector(presented: readonly Associations[], records: readonly TlsaRecord[]): Unmatched | null {
  for (const record of records) {
    const right = record.selector === SELECTOR.cert ? SELECTOR.spki : SELECTOR.cert;
    if (!presented.some((one) => namesCertificate({ ...record, selector: right }, one))) continue;
    const what = right === SELECTOR.spki ? 'a public key' : 'a whole certificate';
    return unmatched(
      'tlsa-wrong-selector',
      `the data of TLSA ${short(record)} is that of ${what}, for which the selector is ${right}`,
    );
  }
  return null;
}

function otherCertificate(presented: readonly Associations[], records: readonly TlsaRecord[]): Unmatched {
  const [leaf] = presented;
  const told = records.slice(0, MAX_TOLD).map(short).join(', ');
  const untold = records.length > MAX_TOLD ? ` and ${records.length - MAX_TOLD} more` : '';
  const wants = `the TLSA records want ${told}${untold}`;
  const ofLeaf = records.find(({ usage }) => usage === USAGE.daneEe || usage === USAGE.pkixEe);
  if (ofLeaf !== undefined) {
    const { usage, selector } = ofLeaf;
    const matching = ofLeaf.matching === MATCHING.full ? MATCHING.sha256 : ofLeaf.matching;
    const has = formatTlsa({ usage, selector, matching, data: leaf?.(selector, matching) ?? '' });
    return unmatched('no-tlsa-match', `the certificate is ${has}; ${wants}`);
  }
  const sent =
    presented.length === 1 ? 'no authority was sent' : `none of the ${presented.length} certificates sent is one`;
  const hasToSend = records.some(({ usage }) => usage === USAGE.daneTa);
  return unmatched(
    'no-tlsa-match',
    `${wants}; ${sent}${hasToSend ? ': a server has to send it (RFC 7671 §5.2.2)' : ''}`,
  );
}

function short(record: TlsaRecord): string {
  const { data } = record;
  return formatTlsa({ ...record, data: data.length > MAX_DIGITS ? `${data.slice(0, MAX_DIGITS)}…` : data });
}
