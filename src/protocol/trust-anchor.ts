/** DNSSEC trust anchors as operators provide them: DS or DNSKEY records in zone file format (RFC 4034 §2.2, §5.3). */
import { fault, FaultError } from './faults.ts';

/** Number of hexadecimal digits in a digest, by digest type (RFC 4509, RFC 6605). */
const DIGEST_DIGITS: Readonly<Record<string, number>> = { 1: 40, 2: 64, 4: 96 };

const RECORD = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(DS|DNSKEY)\s+(.+)$/i;

/**
 * The records in `text`, each as one line, without comments, parentheses and TTLs.
 * @throws FaultError `dns`: `trust-anchor-malformed`, local, with the record and what is wrong with it.
 */
export function trustAnchorsIn(text: string): string[] {
  return text
    .replace(/;.*$/gm, '')
    .replace(/\(([^)]*)\)/g, (_, inside: string) => inside.replace(/\s+/g, ' '))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('$'))
    .map(normalized);
}

function normalized(line: string): string {
  const [, owner = '', type = '', rdata = ''] = RECORD.exec(line) ?? [];
  const malformed = (what: string): FaultError =>
    new FaultError(fault('dns', 'trust-anchor-malformed', 'local', `expected ${what}, got "${line.slice(0, 100)}"`));
  if (type === '') throw malformed('a DS or DNSKEY record');
  const fields = rdata.split(/\s+/);
  const [first = '', second = '', third = ''] = fields;
  const last = fields.slice(3).join('');
  if (![first, second, third].every((number) => /^\d{1,5}$/.test(number) && Number(number) < 2 ** 16))
    throw malformed('three numbers before the data');
  if (type.toUpperCase() === 'DS') {
    const digits = DIGEST_DIGITS[third];
    if (!/^[0-9a-f]+$/i.test(last) || (digits !== undefined && last.length !== digits))
      throw malformed(digits === undefined ? 'a hexadecimal digest' : `a digest of ${digits} hexadecimal digits`);
  } else if (!/^[0-9a-z+/]+=*$/i.test(last)) throw malformed('a key in Base64');
  return `${owner} IN ${type.toUpperCase()} ${first} ${second} ${third} ${last}`;
}

/** Whether the record is an anchor for the root zone. */
export const isRootAnchor = (record: string): boolean => record.startsWith('. ');
