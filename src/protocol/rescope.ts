/** Re-scoping: one stanza, the same meaning, on a stream with another content namespace (RFC 6120 §4.8.3). */
import {
  attributeValue,
  escapeAttribute,
  markupPattern,
  type RawAttribute,
  rawAttributes,
  toLatin1,
} from './xml-tags.ts';

/** Prefix to namespace name; '' is the default namespace. A map: strangers choose prefixes, `__proto__` for one. */
type Bindings = ReadonlyMap<string, string>;

interface OpenElement {
  /** Bindings as the source has them, and as what was written has them. */
  readonly read: Bindings;
  readonly written: Bindings;
  /** This element and all around it are in the content namespace: only such elements are re-scoped. */
  readonly inContent: boolean;
  readonly writtenName: string;
}

const isDeclaration = ({ name }: RawAttribute): boolean => name === 'xmlns' || name.startsWith('xmlns:');
const prefixOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(':')));

const within = (around: Bindings, further: readonly (readonly [prefix: string, name: string])[]): Bindings =>
  further.length === 0 ? around : new Map([...around, ...further]);

function startTag(
  name: string,
  attributes: RawAttribute[],
  around: OpenElement,
  from: string,
  to: string,
): [string, OpenElement] {
  const declared = attributes
    .filter(isDeclaration)
    .map(({ name: key, raw }) => [key.slice(6), attributeValue(raw)] as const);
  const read = within(around.read, declared);
  const namespace = read.get(prefixOf(name)) ?? '';
  const inContent = around.inContent && namespace === from;
  // Elements of the content namespace must not be sent with a prefix (RFC 6120 §4.8.5).
  const writtenName = inContent ? name.slice(name.indexOf(':') + 1) : name;

  const ordinary = attributes.filter((attribute) => !isDeclaration(attribute));
  const wanted = new Map<string, string>(declared.filter(([prefix]) => prefix !== ''));
  for (const prefix of [writtenName, ...ordinary.map((attribute) => attribute.name)].map(prefixOf)) {
    if (prefix !== '' && prefix !== 'xml') wanted.set(prefix, read.get(prefix) ?? '');
  }
  if (!writtenName.includes(':')) wanted.set('', inContent ? to : namespace);

  let tag = `<${writtenName}`;
  for (const { name: key, raw, quote } of ordinary) tag += ` ${key}=${quote}${raw}${quote}`;
  for (const [prefix, uri] of wanted) {
    if ((around.written.get(prefix) ?? '') !== uri)
      tag += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`;
  }
  return [tag, { read, written: within(around.written, [...wanted]), inContent, writtenName }];
}

/**
 * Writes the stanza for a stream whose default namespace is `to`, having read it on one whose content namespace was
 * `from` and whose header declared `header`. Elements of the content namespace go over into the other, without a
 * prefix; those inside an extension element stay what they were; prefixes of the header are declared where used.
 */
export function rescope(bytes: Buffer, from: string, to: string, header: Readonly<Record<string, string>>): Buffer {
  const inherited = Object.entries({ '': from, ...header }).map(
    ([prefix, uri]) => [toLatin1(prefix), toLatin1(uri)] as const,
  );
  const open: OpenElement[] = [
    { read: new Map(inherited), written: new Map([['', toLatin1(to)]]), inContent: true, writtenName: '' },
  ];
  const text = bytes
    .toString('latin1')
    .replace(markupPattern(), (markup, name?: string, attributes = '', slash = '') => {
      if (name === undefined) return markup.startsWith('</') ? `</${open.pop()?.writtenName ?? ''}>` : markup;
      const around = open.at(-1);
      if (around === undefined) return markup;
      const [tag, element] = startTag(name, rawAttributes(String(attributes)), around, toLatin1(from), toLatin1(to));
      if (slash !== '/') open.push(element);
      return `${tag}${slash === '/' ? '/' : ''}>`;
    });
  return Buffer.from(text, 'latin1');
}
