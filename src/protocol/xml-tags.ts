/**
 * Reads tags with regular expressions, in XML that the framer has found well-formed. Text is handled as latin1, one
 * character per byte: markup is ASCII, and everything else is copied unchanged.
 */
import { type Element, escapeXML, escapeXMLText, Parser, unescapeXML } from '@xmpp/xml';

const S = '[ \\t\\r\\n]';
const ATTRIBUTE = `[^ \\t\\r\\n=]+${S}*=${S}*(?:"[^"]*"|'[^']*')`;

/** A CDATA section, an end tag, or a start tag with groups 1 name, 2 attributes, 3 slash. */
export const markupPattern = (): RegExp =>
  new RegExp(`<!\\[CDATA\\[[^]*?\\]\\]>|</[^>]*>|<([^ \\t\\r\\n/>]+)((?:${S}+${ATTRIBUTE})*)${S}*(/?)>`, 'g');

export interface RawAttribute {
  readonly name: string;
  /** The undecoded value between the quotes, and the quote character. */
  readonly raw: string;
  readonly quote: string;
}

export interface RawTag {
  readonly name: string;
  readonly attributes: RawAttribute[];
  readonly selfClosing: boolean;
  /** Length of the tag in bytes, from `<` to `>`. */
  readonly length: number;
}

export function rawAttributes(text: string): RawAttribute[] {
  const found: RawAttribute[] = [];
  for (const match of text.matchAll(/([^ \t\r\n=]+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')/g)) {
    const [, name = '', quoted = ''] = match;
    found.push({ name, raw: quoted.slice(1, -1), quote: quoted.slice(0, 1) });
  }
  return found;
}

/** The start tag with which `bytes` begins. */
export function rootTag(bytes: Buffer): RawTag {
  const match =
    markupPattern().exec(bytes.toString('latin1', 0, 1024)) ?? markupPattern().exec(bytes.toString('latin1'));
  const [whole = '', name = '', attributes = '', slash = ''] = match ?? [];
  return { name, attributes: rawAttributes(attributes), selfClosing: slash === '/', length: whole.length };
}

/** The meaning of an attribute value: white space normalised, references resolved (XML 1.0 §3.3.3). */
export function attributeValue(raw: string): string {
  return unescapeXML(raw.replace(/\r\n|[\t\n\r]/g, ' '));
}

const reference = (character: string): string => `&#${character.charCodeAt(0)};`;

/**
 * A value as written between quotes; tabs and line ends are escaped, or they would be read as spaces (XML 1.0 §3.3.3).
 */
export function escapeAttribute(value: string): string {
  if (!/[&<>"'\t\n\r]/.test(value)) return value; // nearly always: names and ids
  return escapeXML(value).replace(/[\t\n\r]/g, reference);
}

/** The exact XML of a tree: tabs and line ends in values, and carriage returns, become character references. */
export function elementToXml(element: Element): string {
  // Every > in values and text is escaped already, so the pattern finds whole tags; between attributes there are only
  // spaces.
  return element.toString().replace(/<[^>]*>|\r/g, (part) => part.replace(/[\t\n\r]/g, reference));
}

export const fromLatin1 = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
export const toLatin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/**
 * Turns CDATA sections into text, since the tree parser loses the text after a section; normalises line ends, and white
 * space in values (XML 1.0 §2.11, §3.3.3).
 */
function plainText(xml: string): string {
  const text = xml.includes('\r') ? xml.replace(/\r\n?/g, '\n') : xml;
  if (!/[\t\n]|<!\[CDATA\[/.test(text)) return text;
  return text.replace(markupPattern(), (markup, name?: string) => {
    if (name !== undefined) return markup.replace(/[\t\n]/g, ' ');
    return markup.startsWith('<![CDATA[') ? escapeXMLText(markup.slice(9, -3)) : markup;
  });
}

/**
 * The element tree of one well-formed element, with `inherited` namespaces (prefix to name; '' is the default)
 * declared on its root, so that `getNS` finds them.
 */
export function parseElement(bytes: Buffer, inherited: Readonly<Record<string, string>>): Element {
  const parser = new Parser();
  const roots: Element[] = [];
  parser.on('start', (root: Element) => roots.push(root));
  parser.on('element', (child: Element) => roots[0]?.append(child));
  parser.write(plainText(bytes.toString('utf8')));
  const [root] = roots;
  if (root === undefined) throw new TypeError('not an element');
  for (const [prefix, namespace] of Object.entries(inherited)) {
    const name = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
    if (namespace !== '' && root.attrs[name] === undefined) root.attrs[name] = namespace;
  }
  return root;
}
