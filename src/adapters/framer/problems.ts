/** Problems with the bytes of a stream, as negative numbers that scanners return in place of a position. */

export const NOT_UTF8 = -1;
export const NOT_A_CHARACTER = -2;
export const BAD_NAME = -3;
export const BAD_TAG = -4;
export const BAD_VALUE = -5;
export const BAD_REFERENCE = -6;
export const ENTITY = -7;
export const DUPLICATE_ATTRIBUTE = -8;
export const UNBOUND_PREFIX = -9;
export const BAD_DECLARATION = -10;
export const MISMATCH = -11;
export const CDATA_END = -12;
export const RESTRICTED = -13;
export const BAD_MARKUP = -14;
export const STREAM_TEXT = -15;
export const BEFORE_HEADER = -16;
export const BYTE_ORDER_MARK = -17;
export const BAD_XML_DECLARATION = -18;
export const ENCODING = -19;
export const STANDALONE = -20;
export const WRONG_NAMESPACE = -21;
export const WRONG_ROOT = -22;
export const CONTENT_PREFIX = -23;
export const TOO_LARGE = -24;
export const TOO_DEEP = -25;
export const TOO_MANY_ATTRIBUTES = -26;
export const NAME_TOO_LONG = -27;

/** Stream error condition (RFC 6120 §4.9.3, §11) and a human-readable text, in which `#` is replaced by the limit. */
export const PROBLEMS: Readonly<Record<number, readonly [condition: string, text: string]>> = {
  [NOT_UTF8]: ['unsupported-encoding', 'bytes that are not UTF-8'],
  [NOT_A_CHARACTER]: ['not-well-formed', 'a character that XML does not allow'],
  [BAD_NAME]: ['not-well-formed', 'not a qualified name'],
  [BAD_TAG]: ['not-well-formed', 'malformed tag'],
  [BAD_VALUE]: ['not-well-formed', 'malformed attribute value'],
  [BAD_REFERENCE]: ['not-well-formed', 'malformed reference'],
  [ENTITY]: ['restricted-xml', 'reference to an entity that is not predefined'],
  [DUPLICATE_ATTRIBUTE]: ['not-well-formed', 'an attribute stands twice on one element'],
  [UNBOUND_PREFIX]: ['not-well-formed', 'a prefix without a namespace declaration'],
  [BAD_DECLARATION]: ['not-well-formed', 'a namespace declaration that is not allowed'],
  [MISMATCH]: ['not-well-formed', 'end tag does not match its start tag'],
  [CDATA_END]: ['not-well-formed', ']]> in text'],
  [RESTRICTED]: ['restricted-xml', 'comment, processing instruction or document type declaration'],
  [BAD_MARKUP]: ['not-well-formed', 'malformed markup'],
  [STREAM_TEXT]: ['bad-format', 'text between first-level elements'],
  [BEFORE_HEADER]: ['not-well-formed', 'text before the stream header'],
  [BYTE_ORDER_MARK]: ['unsupported-encoding', 'byte order mark of UTF-16'],
  [BAD_XML_DECLARATION]: ['not-well-formed', 'malformed XML declaration, or not XML 1.0'],
  [ENCODING]: ['unsupported-encoding', 'the XML declaration names another encoding than UTF-8'],
  [STANDALONE]: ['restricted-xml', 'standalone document declaration'],
  [WRONG_NAMESPACE]: ['invalid-namespace', 'the stream header is not in the stream namespace'],
  [WRONG_ROOT]: ['bad-format', 'the stream header is not named stream'],
  [CONTENT_PREFIX]: ['bad-namespace-prefix', 'an element of the content namespace wears a prefix'],
  [TOO_LARGE]: ['policy-violation', 'element larger than # bytes'],
  [TOO_DEEP]: ['policy-violation', 'elements nested deeper than #'],
  [TOO_MANY_ATTRIBUTES]: ['policy-violation', 'more than # attributes on one element'],
  [NAME_TOO_LONG]: ['policy-violation', 'name or reference longer than # bytes'],
};
