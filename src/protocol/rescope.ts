/**
 * Re-scoping: rewrites a stanza for a stream with another content namespace, keeping its meaning (RFC 6120 §4.8.3).
 *
 * Time and output size are a small multiple of the input size for any input: namespaces that peers choose, and that
 * several elements may need, are declared once, on the root.
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
  /** This element and all its ancestors are in the content namespace: only such elements are re-scoped. */
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
  /** The meaning of prefixes in the source, and in the output. */
  readonly #read: PrefixScope;
  readonly #written: PrefixScope;
  readonly #open: OpenElement[] = [];
  /** The root's name as written, and the declarations that it must carry for elements inside. */
  #rootName = '';
  #onRoot = '';
  /** Prefixes that we generate, by namespace; and names of the same form in the source, which are avoided. */
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

  /** Of the prefixes in use, only those of the stream header are not yet declared in the output. */
  #borrow(prefix: string): void {
    if (prefix === '' || prefix === 'xml' || prefix === 'xmlns') return;
    const name = this.#read.nameOf(prefix);
    if (name !== '' && this.#written.nameOf(prefix) !== name) this.#declareOnRoot(prefix, name);
  }

  /**
   * The name of an element that inherits its default namespace. If that default was declared on a prefixed element of
   * the content namespace, the declaration was not written: elements inside then get a prefix of ours.
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
 * Writes the stanza for a stream whose default namespace is `to`. It was read on a stream whose content namespace was
 * `from` and whose header declared `header`. Elements of the content namespace move to the other namespace, without a
 * prefix; elements inside an extension element are unchanged; prefixes of the header that are used are declared.
 */
export function rescope(bytes: Buffer, from: string, to: string, header: Readonly<Record<string, string>>): Buffer {
  const inherited = Object.entries({ '': from, ...header }).map(
    ([prefix, uri]) => [toLatin1(prefix), toLatin1(uri)] as const,
  );
  const text = new Rescoping(bytes.toString('latin1'), toLatin1(from), toLatin1(to), inherited).write();
  return Buffer.from(text, 'latin1');
}
