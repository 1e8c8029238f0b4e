/** A stanza as the data plane carries it: its bytes, and the few properties that routing needs. */
import { Element, escapeXMLText } from '@xmpp/xml';
import { domainOfJidIn } from './address-bytes.ts';
import { domainOfJid } from './names.ts';
import { NS } from './namespaces.ts';
import { rescope } from './rescope.ts';
import { attributeValue, elementToXml, escapeAttribute, fromLatin1, parseElement, rootTag } from './xml-tags.ts';

export type StanzaKind = 'message' | 'presence' | 'iq';

/** RFC 6120 §8.3.2. */
export type StanzaErrorType = 'auth' | 'cancel' | 'modify' | 'wait';

/** How the bytes of a stanza depend on the stream they were read from; most stanzas do not, and have no scope. */
export interface StanzaScope {
  /** Byte offsets of ` xmlns='…'` for the content namespace on the root, including the white space before it. */
  readonly declaration: readonly [start: number, end: number] | null;
  /** False if a prefix of the stream header is used, or an element of the content namespace has a prefix. */
  readonly selfContained: boolean;
  /** False if the content namespace may be declared or overridden inside, so that another one requires a rewrite. */
  readonly portable: boolean;
  /** Namespaces of the stream header, by prefix; '' is the default. */
  readonly header: Readonly<Record<string, string>>;
}

/** An address as text; or, if it contains no references, its position in the stanza's bytes: {@link addressBetween}. */
export type Address = string | number | undefined;

const PLACE_BITS = 16;
/** The last byte offset in a stanza at which an address may end to be given by its position. */
export const FARTHEST_ADDRESS = 2 ** PLACE_BITS - 1;
export const addressBetween = (start: number, end: number): Address => start * 2 ** PLACE_BITS + end;

const NO_HEADER: Readonly<Record<string, string>> = {};
const CONTENT_NAMESPACES: readonly string[] = [NS.server, NS.client, NS.component];
const NOT_XML_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Whether `name` is the name of a stanza. */
function isStanzaKind(name: string): name is StanzaKind {
  return name === 'message' || name === 'presence' || name === 'iq';
}

/** Tables that number domains, queried with the bytes of an address. */
export interface AddressNumbers {
  numberIn(bytes: Buffer, start: number, end: number): number | undefined;
}

export class Stanza {
  readonly kind: StanzaKind;
  /** From `<` to `>`, exactly as read. */
  readonly bytes: Buffer;
  /** Content namespace of the stream from which the stanza was read. */
  readonly contentNamespace: string;
  readonly #to: Address;
  readonly #from: Address;
  readonly #scope: StanzaScope | null;
  #element: Element | null = null;

  /** `bytes` must contain one well-formed element; the framer and {@link Stanza.fromElement} ensure that. */
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

  /**
   * Canonical domains of `to` and `from`; null if invalid. For a stanza that was read, no address strings are created.
   */
  get toDomain(): string | null {
    return this.#domain(this.#to);
  }

  get fromDomain(): string | null {
    return this.#domain(this.#from);
  }

  /** True if the stanza was read, so that {@link toNumber} and {@link fromNumber} can be used. @internal */
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

  /** The element tree, created on first use and kept; the root declares every namespace that it inherits. */
  get element(): Element {
    this.#element ??= parseElement(this.bytes, { ...this.#scope?.header, '': this.contentNamespace });
    return this.#element;
  }

  /** A copy with its own bytes if they are a small part of a chunk that was read, so that keeping it keeps no more. */
  detached(): Stanza {
    const { kind, bytes, contentNamespace } = this;
    if (bytes.buffer.byteLength <= 2 * bytes.length) return this;
    const own = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(own);
    return new Stanza(kind, this.#to, this.#from, own, contentNamespace, this.#scope);
  }

  /**
   * The bytes to write on a stream whose default namespace is `contentNamespace`: usually `bytes`, otherwise rewritten
   * so that they have the same meaning there (RFC 6120 §4.8.3, §4.8.5).
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
   * A stanza from an element tree, for streams with `contentNamespace`. The root may declare any content namespace or
   * none.
   * @throws TypeError if it is not a stanza, or contains characters that XML does not allow.
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
