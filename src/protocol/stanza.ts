/** A stanza as the data plane carries it: bytes, and the few things that routing asks about. */
import { Element, escapeXMLText } from '@xmpp/xml';
import { domainOfJidIn } from './address-bytes.ts';
import { domainOfJid } from './names.ts';
import { NS } from './namespaces.ts';
import { rescope } from './rescope.ts';
import { attributeValue, elementToXml, escapeAttribute, fromLatin1, parseElement, rootTag } from './xml-tags.ts';

export type StanzaKind = 'message' | 'presence' | 'iq';

/** RFC 6120 §8.3.2. */
export type StanzaErrorType = 'auth' | 'cancel' | 'modify' | 'wait';

/** How the bytes of a stanza lean on the stream they were read from; most stanzas do not lean, and have none. */
export interface StanzaScope {
  /** Where ` xmlns='…'` of the content namespace stands on the root: byte offsets, the white space before it included. */
  readonly declaration: readonly [start: number, end: number] | null;
  /** False when a prefix of the stream header is used, or an element of the content namespace wears a prefix. */
  readonly selfContained: boolean;
  /** False when the content namespace may be named or left inside, so that another content namespace needs a rewrite. */
  readonly portable: boolean;
  /** Namespaces of the stream header, by prefix; '' is the default. */
  readonly header: Readonly<Record<string, string>>;
}

/** An address as text; or where among the bytes of the stanza it stands, as it is, without references: {@link addressBetween}. */
export type Address = string | number | undefined;

const PLACE_BITS = 16;
/** So far from the beginning of its stanza an address may end to be told by its place. */
export const FARTHEST_ADDRESS = 2 ** PLACE_BITS - 1;
export const addressBetween = (start: number, end: number): Address => start * 2 ** PLACE_BITS + end;

const NO_HEADER: Readonly<Record<string, string>> = {};
const CONTENT_NAMESPACES: readonly string[] = [NS.server, NS.client, NS.component];
const NOT_XML_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Whether `name` is that of a stanza. */
function isStanzaKind(name: string): name is StanzaKind {
  return name === 'message' || name === 'presence' || name === 'iq';
}

/** Tables that number domains, asked by the bytes of an address. */
export interface AddressNumbers {
  numberIn(bytes: Buffer, start: number, end: number): number | undefined;
}

export class Stanza {
  readonly kind: StanzaKind;
  /** From `<` to `>`, exactly as read. */
  readonly bytes: Buffer;
  /** Content namespace of the stream it was read from. */
  readonly contentNamespace: string;
  readonly #to: Address;
  readonly #from: Address;
  readonly #scope: StanzaScope | null;
  #element: Element | null = null;

  /** `bytes` must hold one well-formed element; the framer and {@link Stanza.fromElement} see to that. */
  constructor(
    kind: StanzaKind,
    to: Address,
    from: Address,
    bytes: Buffer,
    contentNamespace: string,
    scope: StanzaScope | null = null,
  ) {
    this.kind = kind;
    this.#to = to;
    this.#from = from;
    this.bytes = bytes;
    this.contentNamespace = contentNamespace;
    this.#scope = scope;
  }

  /** Attribute values as the sender wrote them, references resolved, not prepared. */
  get to(): string | undefined {
    return this.#text(this.#to);
  }

  get from(): string | undefined {
    return this.#text(this.#from);
  }

  /** Their canonical domains, null where there is no valid one. A stanza that was read makes no strings of its addresses for them. */
  get toDomain(): string | null {
    return this.#domain(this.#to);
  }

  get fromDomain(): string | null {
    return this.#domain(this.#from);
  }

  /** True: it was read, and {@link toNumber} and {@link fromNumber} may be asked. @internal */
  get isSpelled(): boolean {
    return typeof this.#to === 'number' && typeof this.#from === 'number';
  }

  /** @internal */
  toNumber(numbers: AddressNumbers): number | undefined {
    return this.#number(this.#to, numbers);
  }

  /** @internal */
  fromNumber(numbers: AddressNumbers): number | undefined {
    return this.#number(this.#from, numbers);
  }

  get id(): string | undefined {
    return this.#attribute('id');
  }

  get type(): string | undefined {
    return this.#attribute('type');
  }

  /** The element tree, made on first use and kept; the root declares every namespace it inherits. */
  get element(): Element {
    this.#element ??= parseElement(this.bytes, { ...this.#scope?.header, '': this.contentNamespace });
    return this.#element;
  }

  /** With bytes of its own, where these are a small part of a chunk that was read: whoever keeps it keeps no more than it. */
  detached(): Stanza {
    const { kind, bytes, contentNamespace } = this;
    if (bytes.buffer.byteLength <= 2 * bytes.length) return this;
    const own = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(own);
    return new Stanza(kind, this.#to, this.#from, own, contentNamespace, this.#scope);
  }

  /**
   * The bytes to write on a stream whose default namespace is `contentNamespace`. Usually `bytes` themselves; else
   * rewritten so that they mean the same there (RFC 6120 §4.8.3, §4.8.5).
   */
  relay(contentNamespace: string): Buffer {
    const scope = this.#scope;
    if (scope === null) return this.bytes;
    if (scope.selfContained && (scope.portable || contentNamespace === this.contentNamespace)) {
      if (scope.declaration === null) return this.bytes;
      const [start, end] = scope.declaration;
      return Buffer.concat([this.bytes.subarray(0, start), this.bytes.subarray(end)]);
    }
    return rescope(this.bytes, this.contentNamespace, contentNamespace, scope.header);
  }

  /**
   * The error that answers this stanza (RFC 6120 §8.3): addresses swapped, same kind and id. Null for errors and for
   * iq results, which are never answered (§8.3.1).
   */
  errorReply(condition: string, errorType: StanzaErrorType, text?: string): Stanza | null {
    const { type, id } = this;
    if (type === 'error' || (this.kind === 'iq' && type === 'result')) return null;
    const { kind, from: to, to: from } = this;
    let xml = `<${kind} type='error'`;
    for (const [name, value] of [
      ['id', id],
      ['to', to],
      ['from', from],
    ] as const) {
      if (value !== undefined) xml += ` ${name}='${escapeAttribute(value)}'`;
    }
    xml += `><error type='${errorType}'><${condition} xmlns='${NS.stanzas}'/>`;
    if (text !== undefined) xml += `<text xmlns='${NS.stanzas}' xml:lang='en'>${escapeXMLText(text)}</text>`;
    return new Stanza(kind, to, from, Buffer.from(`${xml}</error></${kind}>`), this.contentNamespace);
  }

  /**
   * A stanza from an element tree, for streams with `contentNamespace`. The root may name any content namespace or none.
   * @throws TypeError when it is not a stanza, or holds characters that XML has not.
   */
  static fromElement(element: Element, contentNamespace: string): Stanza {
    const { name, attrs } = element;
    if (!isStanzaKind(name)) throw new TypeError(`<${name}/> is not a stanza`);
    const { xmlns: own = contentNamespace, ...attributes } = attrs as Record<string, string | undefined>;
    if (own !== contentNamespace && !CONTENT_NAMESPACES.includes(own)) throw new TypeError(`'${own}' holds no stanzas`);
    const root = new Element(name, attributes);
    root.children = element.children;
    const xml = elementToXml(root);
    if (NOT_XML_CHARACTER.test(xml)) throw new TypeError('a stanza holds a character that XML has not');
    const bytes = Buffer.from(xml);
    const written = own === contentNamespace ? bytes : rescope(bytes, own, contentNamespace, NO_HEADER);
    const scope: StanzaScope = { declaration: null, selfContained: true, portable: false, header: NO_HEADER };
    return new Stanza(name, attributes['to'], attributes['from'], written, contentNamespace, scope);
  }

  #text(address: Address): string | undefined {
    if (typeof address !== 'number') return address;
    return this.bytes.toString('utf8', address >>> PLACE_BITS, address & FARTHEST_ADDRESS);
  }

  #domain(address: Address): string | null {
    if (typeof address === 'number')
      return domainOfJidIn(this.bytes, address >>> PLACE_BITS, address & FARTHEST_ADDRESS);
    return address === undefined ? null : domainOfJid(address);
  }

  #number(address: Address, numbers: AddressNumbers): number | undefined {
    if (typeof address !== 'number') return undefined;
    return numbers.numberIn(this.bytes, address >>> PLACE_BITS, address & FARTHEST_ADDRESS);
  }

  #attribute(wanted: string): string | undefined {
    const found = rootTag(this.bytes).attributes.find(({ name }) => name === wanted);
    return found === undefined ? undefined : attributeValue(fromLatin1(found.raw));
  }
}
