/** The XML declaration with which a stream may begin (RFC 6120 §11.5, §11.6, §11.8; XML 1.0 §2.8). */
import { BAD_XML_DECLARATION, ENCODING, STANDALONE } from './problems.ts';
import { INCOMPLETE } from './tag-scanner.ts';

const LONGEST_BYTES = 256;
const S = '[ \\t\\r\\n]';
const equals = (name: string, value: string): string => `${S}+${name}${S}*=${S}*(?:'(${value})'|"(${value})")`;
const XML_DECLARATION = new RegExp(
  `^<\\?xml${equals('version', '1\\.0')}` +
    `(?:${equals('encoding', '[A-Za-z][A-Za-z0-9._-]*')})?(?:${equals('standalone', 'yes|no')})?${S}*\\?>$`,
);

/** There is no XML declaration here. */
export const ABSENT = 1;

/** The position after the XML declaration at `at`, {@link ABSENT}, or a problem. */
export function xmlDeclarationEnd(bytes: Buffer, at: number, end: number): number {
  const start = bytes.toString('latin1', at, Math.min(end, at + 6));
  if (!'<?xml'.startsWith(start.slice(0, 5)) || (start.length === 6 && !/[ \t\r\n]/.test(start.slice(5))))
    return ABSENT;
  if (start.length < 6) return INCOMPLETE;
  const close = bytes.subarray(0, Math.min(end, at + LONGEST_BYTES)).indexOf('?>', at);
  if (close < 0) return end - at < LONGEST_BYTES ? INCOMPLETE : BAD_XML_DECLARATION;
  const match = XML_DECLARATION.exec(bytes.toString('latin1', at, close + 2));
  if (match === null) return BAD_XML_DECLARATION;
  const [, , , encodingA, encodingB, standaloneA, standaloneB] = match;
  const encoding = encodingA ?? encodingB;
  if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') return ENCODING;
  return (standaloneA ?? standaloneB) === undefined ? close + 2 : STANDALONE;
}
