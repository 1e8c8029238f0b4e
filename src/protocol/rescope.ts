/**
 * Re-scoping: one stanza, the same meaning, on a stream with another content namespace (RFC 6120 §4.8.3).
 *
 * Time and what is written are a small multiple of what was read, whatever it holds: names that strangers choose, and
 * that more than one element may need, are declared once, on the root.
 */
import { PrefixScope } from './prefix-scope.ts';
import {
  attributeValue,
  escapeAttribute,
  markupPattern,
  type RawAttribute,
  rawAttributes,
  toLatin1,
} from './xml-tags.ts';

interface OpenElement {
  /** This element and all around it are in the content namespace: only such elements are re-scoped. */
  readonly inContent: boolean;
  readonly writtenName: string;
}

const isDeclaration = ({ name }: RawAttribute): boolean => name === 'xmlns' || name.startsWith('xmlns:');
const prefixOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(':')));
const declaration = (prefix: string, name: string): string =>
  ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(name)}"`;

class Rescoping {
  readonly #text: string;
  readonly #from: string;
  readonly #to: string;
  /** What prefixes mean in the source, and in what was written. */
  readonly #read: PrefixScope;
  readonly #written: PrefixScope;
  readonly #open: OpenElement[] = [];
  /** The root's name, as it was written, and what it has to declare for those inside. */
  #rootName = '';
  #onRoot = '';
  /** Prefixes of our own, by namespace, and their likes that the source has. */
  readonly #ownPrefixes = new Map<string, string>();
  #taken: Set<string> | null = null;
  #tried = 0;

  constructor(text: string, from: string, to: string, inherited: Iterable<readonly [prefix: string, name: string]>) {
    this.#text = text;
    this.#from = from;
    this.#to = to;
    this.#read = new PrefixScope(inherited);
    this.#written = new PrefixScope([['', to]]);
  }

  write(): string {
    const text = this.#text.replace(markupPattern(), (markup, name?: string, attributes = '', slash = '') => {
      if (name === undefined) return markup.startsWith('</') ? `</${this.#leave()}>` : markup;
      const tag = this.#enter(name, rawAttributes(String(attributes)));
      if (slash === '/') this.#leave();
      return `${tag}${slash === '/' ? '/' : ''}>`;
    });
    const afterName = 1 + this.#rootName.length;
    return text.slice(0, afterName) + this.#onRoot + text.slice(afterName);
  }

  #enter(name: string, attributes: RawAttribute[]): string {
    const around = this.#open.at(-1);
    const declared = attributes
      .filter(isDeclaration)
      .map(({ name: key, raw }) => [key.slice(6), attributeValue(raw)] as const);
    this.#read.enter();
    this.#written.enter();
    for (const [prefix, uri] of declared) this.#read.declare(prefix, uri);

    const namespace = this.#read.nameOf(prefixOf(name));
    const inContent = around?.inContent !== false && namespace === this.#from;
    const declaresDefault = declared.some(([prefix]) => prefix === '');
    // Elements of the content namespace must not be sent with a prefix (RFC 6120 §4.8.5).
    let writtenName = inContent ? name.slice(name.indexOf(':') + 1) : name;
    if (!inContent && !declaresDefault && !name.includes(':')) writtenName = this.#inherit(name, namespace);
    this.#open.push({ inContent, writtenName });
    if (around === undefined) this.#rootName = writtenName;

    const wanted = new Map<string, string>(declared.filter(([prefix]) => prefix !== '' || !inContent));
    if (!writtenName.includes(':')) wanted.set('', inContent ? this.#to : namespace);
    let tag = `<${writtenName}`;
    for (const attribute of attributes) {
      if (isDeclaration(attribute)) continue;
      tag += ` ${attribute.name}=${attribute.quote}${attribute.raw}${attribute.quote}`;
    }
    for (const [prefix, uri] of wanted) {
      if (this.#written.nameOf(prefix) === uri) continue;
      this.#written.declare(prefix, uri);
      tag += declaration(prefix, uri);
    }
    for (const used of [writtenName, ...attributes.map((attribute) => attribute.name)]) this.#borrow(prefixOf(used));
    return tag;
  }

  #leave(): string {
    this.#read.leave();
    this.#written.leave();
    return this.#open.pop()?.writtenName ?? '';
  }

  /** Of what is used only prefixes of the stream header are not yet written. */
  #borrow(prefix: string): void {
    if (prefix === '' || prefix === 'xml' || prefix === 'xmlns') return;
    const name = this.#read.nameOf(prefix);
    if (name !== '' && this.#written.nameOf(prefix) !== name) this.#declareOnRoot(prefix, name);
  }

  /**
   * The name of an element in the default namespace of elements around it. That is one which was not written, when it
   * came with an element of the content namespace that wore a prefix: all inside then wear one of ours.
   */
  #inherit(name: string, namespace: string): string {
    if (namespace === '' || namespace === this.#from || this.#written.nameOf('') === namespace) return name;
    let prefix = this.#ownPrefixes.get(namespace);
    if (prefix === undefined) {
      this.#taken ??= new Set(this.#text.match(/ns\d+/g));
      do prefix = `ns${this.#tried++}`;
      while (this.#taken.has(prefix));
      this.#ownPrefixes.set(namespace, prefix);
      this.#declareOnRoot(prefix, namespace);
    }
    return `${prefix}:${name}`;
  }

  #declareOnRoot(prefix: string, name: string): void {
    this.#onRoot += declaration(prefix, name);
    this.#written.declareAround(prefix, name);
  }
}

/**
 * Writes the stanza for a stream whose default namespace is `to`, having read it on one whose content namespace was
 * `from` and whose header declared `header`. Elements of the content namespace go over into the other, without a
 * prefix; those inside an extension element stay what they were; prefixes of the header that are used are declared.
 */
export function rescope(bytes: Buffer, from: string, to: string, header: Readonly<Record<string, string>>): Buffer {
  const inherited = Object.entries({ '': from, ...header }).map(
    ([prefix, uri]) => [toLatin1(prefix), toLatin1(uri)] as const,
  );
  const text = new Rescoping(bytes.toString('latin1'), toLatin1(from), toLatin1(to), inherited).write();
  return Buffer.from(text, 'latin1');
}
