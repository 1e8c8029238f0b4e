/** The meaning of tags: their namespaces, and the kind of first-level element that they begin. */
import type { Element } from '@xmpp/xml';
import { NS } from '../../protocol/namespaces.ts';
import {
  type Address,
  addressBetween,
  FARTHEST_ADDRESS,
  Stanza,
  type StanzaKind,
  type StanzaScope,
} from '../../protocol/stanza.ts';
import { attributeValue, parseElement } from '../../protocol/xml-tags.ts';
import { CLASS, SPACE } from './characters.ts';
import type { StreamTag } from './contract.ts';
import { mayDeclare, NamespaceStack } from './namespace-stack.ts';
import type { Recogniser } from './recogniser.ts';
import {
  BAD_DECLARATION,
  CONTENT_PREFIX,
  DUPLICATE_ATTRIBUTE,
  UNBOUND_PREFIX,
  WRONG_NAMESPACE,
  WRONG_ROOT,
} from './problems.ts';
import type { TagScanner } from './tag-scanner.ts';
import { ValueCache } from './value-cache.ts';

/** No problem. */
const FINE = 1;
/** Shared by all streams: it only caches the strings of byte sequences. */
const values = new ValueCache();
const CONTENT_NAMESPACES: readonly string[] = [NS.server, NS.client, NS.component];

const MESSAGE = Buffer.from('message');
const PRESENCE = Buffer.from('presence');
const IQ = Buffer.from('iq');

/** The stanza kind named between `start` and `end`, or null. The three names differ in length. */
function stanzaKind(bytes: Buffer, start: number, end: number): StanzaKind | null {
  const length = end - start;
  if (length === 7) return isName(MESSAGE, bytes, start) ? 'message' : null;
  if (length === 8) return isName(PRESENCE, bytes, start) ? 'presence' : null;
  return length === 2 && isName(IQ, bytes, start) ? 'iq' : null;
}

function isName(name: Buffer, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** `__proto__` is a prefix like any other, but a plain assignment would lose it. */
function put(values: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') Object.defineProperty(values, name, { value, enumerable: true });
  else values[name] = value;
}

const isGraphic = (byte: number): boolean => byte > 0x20 && byte < 0x80;

export class ElementScope {
  readonly #tag: TagScanner;
  readonly #values = values;
  #stack = new NamespaceStack();

  #header: Readonly<Record<string, string>> = {};
  #defaultNamespace = '';
  #contentNamespace = '';
  #holdsStanzas = false;
  #streamTag: StreamTag | null = null;

  // State of the current first-level element:
  #kind: StanzaKind | null = null;
  #to: Address;
  #from: Address;
  #stanzaNamespace = '';
  #declaration: readonly [number, number] | null = null;
  #selfContained = true;
  #portable = true;

  constructor(tag: TagScanner) {
    this.#tag = tag;
  }

  /** Enters the stream header or a first-level element whose `<` is at `start`. Returns FINE or a problem. */
  enterFirst(bytes: Buffer, start: number, depth: number): number {
    return depth === 1 ? this.#enterStream(bytes, start) : this.#enterFirstLevel(bytes, start);
  }

  /** The stream header, once. */
  takeHeader(): StreamTag | null {
    const tag = this.#streamTag;
    this.#streamTag = null;
    return tag;
  }

  #enterStream(bytes: Buffer, start: number): number {
    const tag = this.#tag;
    this.#stack = new NamespaceStack();
    const problem = this.#declare(bytes, 1);
    if (problem < 0) return problem;
    const namespaces: Record<string, string> = {};
    const attributes: Record<string, string> = {};
    for (let index = 0; index < tag.count; index++) {
      const name = this.#values.read(bytes, tag.view, tag.nameStart(index), tag.nameEndOf(index));
      if (name === 'xmlns' || name.startsWith('xmlns:')) put(namespaces, name.slice(6), this.#value(bytes, index));
      else put(attributes, name, this.#value(bytes, index));
    }
    this.#header = namespaces;
    this.#defaultNamespace = namespaces[''] ?? '';
    this.#contentNamespace = this.#defaultNamespace === NS.streams ? '' : this.#defaultNamespace;
    this.#holdsStanzas = CONTENT_NAMESPACES.includes(this.#contentNamespace);

    const used = this.#resolve(bytes, start);
    if (used < 0) return used;
    const namespace = tag.nameColon === 0 ? this.#defaultNamespace : this.#stack.nameOf(used);
    const prefix = tag.nameColon === 0 ? '' : bytes.toString('utf8', start + 1, tag.nameColon);
    const localName = bytes.toString('utf8', tag.nameColon === 0 ? start + 1 : tag.nameColon + 1, tag.nameEnd);
    if (namespace !== NS.streams) return WRONG_NAMESPACE;
    if (localName !== 'stream') return WRONG_ROOT;
    const contentNamespace = this.#contentNamespace;
    this.#streamTag = { prefix, localName, namespace, contentNamespace, attributes, namespaces };
    return FINE;
  }

  /** Enters an element. Returns a problem, or the handle of its prefix binding (FINE when it has no prefix). */
  enter(bytes: Buffer, start: number, depth: number): number {
    const tag = this.#tag;
    const { nameColon, defaultDeclaration, prefixDeclarations, prefixedAttributes } = tag;
    if (nameColon === 0 && defaultDeclaration < 0 && prefixDeclarations === 0 && prefixedAttributes === 0) return FINE;
    const problem = this.#declare(bytes, depth);
    return problem < 0 ? problem : this.#resolve(bytes, start);
  }

  #enterFirstLevel(bytes: Buffer, start: number): number {
    const tag = this.#tag;
    this.#kind = null;
    this.#declaration = null;
    this.#selfContained = true;
    this.#portable = true;
    let namespace = this.#defaultNamespace;
    if (tag.defaultDeclaration >= 0) namespace = this.#value(bytes, tag.defaultDeclaration);
    const used = this.enter(bytes, start, 2);
    if (used < 0) return used;
    if (tag.nameColon !== 0) namespace = this.#stack.nameOf(used);
    const isContent =
      this.#contentNamespace === '' ? CONTENT_NAMESPACES.includes(namespace) : namespace === this.#contentNamespace;
    if (!isContent) return FINE;
    if (tag.nameColon !== 0) return CONTENT_PREFIX;
    const kind = stanzaKind(bytes, start + 1, tag.nameEnd);
    if (kind !== null) this.#beginStanza(kind, namespace, bytes, start);
    return FINE;
  }

  /** Whether the current tag means the same in every stanza of this stream: no prefix, at most a default namespace. */
  isSelfEvident(bytes: Buffer): boolean {
    const { nameColon, count, defaultDeclaration } = this.#tag;
    if (nameColon !== 0 || count > 1 || (count === 1 && defaultDeclaration !== 0)) return false;
    return count === 0 || (this.#isOrdinary(bytes, 0) && !CONTENT_NAMESPACES.includes(this.#value(bytes, 0)));
  }

  /** Whether first-level elements without a prefix may be stanzas. */
  get holdsStanzas(): boolean {
    return this.#holdsStanzas;
  }

  /** Enters a recognised stanza whose `<` is at `start`; it uses no prefix of the stream header. */
  enterRecognised(bytes: Buffer, start: number, { kind, to, toEnd, from, fromEnd }: Recogniser): void {
    this.#kind = kind;
    this.#to = to === 0 ? undefined : this.#between(bytes, start, to, toEnd);
    this.#from = from === 0 ? undefined : this.#between(bytes, start, from, fromEnd);
    this.#stanzaNamespace = this.#contentNamespace;
    this.#declaration = null;
    this.#selfContained = true;
    this.#portable = true;
  }

  leave(depth: number): void {
    if (this.#stack.innermost >= depth) this.#stack.leave(depth);
  }

  /** The first-level element that has ended, or null when it is not a stanza. */
  stanza(bytes: Buffer): Stanza | null {
    if (this.#kind === null) return null;
    let scope: StanzaScope | null = null;
    if (this.#declaration !== null || !this.#selfContained || !this.#portable) {
      scope = {
        declaration: this.#declaration,
        selfContained: this.#selfContained,
        portable: this.#portable,
        header: this.#header,
      };
    }
    return new Stanza(this.#kind, this.#to, this.#from, bytes, this.#stanzaNamespace, scope);
  }

  element(bytes: Buffer): Element {
    return parseElement(bytes, this.#header);
  }

  #beginStanza(kind: StanzaKind, namespace: string, bytes: Buffer, start: number): void {
    const tag = this.#tag;
    this.#kind = kind;
    this.#stanzaNamespace = namespace;
    this.#to = undefined;
    this.#from = undefined;
    for (let index = 0; index < tag.count; index++) {
      const at = tag.nameStart(index);
      const length = tag.nameEndOf(index) - at;
      if (length === 2 && bytes[at] === 0x74 && bytes[at + 1] === 0x6f) {
        this.#to = this.#address(bytes, start, index);
      } else if (
        length === 4 &&
        bytes[at] === 0x66 &&
        bytes[at + 1] === 0x72 &&
        bytes[at + 2] === 0x6f &&
        bytes[at + 3] === 0x6d
      ) {
        this.#from = this.#address(bytes, start, index);
      }
    }
    if (tag.defaultDeclaration < 0) return;
    let at = tag.nameStart(tag.defaultDeclaration);
    while (((CLASS[bytes[at - 1] as number] as number) & SPACE) !== 0) at--;
    this.#declaration = [at - start, tag.valueEnd(tag.defaultDeclaration) + 1 - start];
  }

  #address(bytes: Buffer, start: number, index: number): Address {
    if (!this.#tag.isPlain(index)) return this.#value(bytes, index);
    return this.#between(bytes, start, this.#tag.valueStart(index), this.#tag.valueEnd(index));
  }

  #between(bytes: Buffer, start: number, at: number, end: number): Address {
    if (end - start > FARTHEST_ADDRESS) return this.#values.read(bytes, this.#tag.view, at, end);
    return addressBetween(at - start, end - start);
  }

  #value(bytes: Buffer, index: number): string {
    const start = this.#tag.valueStart(index);
    const end = this.#tag.valueEnd(index);
    if (this.#tag.isPlain(index)) return this.#values.read(bytes, this.#tag.view, start, end);
    return attributeValue(bytes.toString('utf8', start, end));
  }

  /**
   * Whether a namespace name, judged by its length, first and last byte, can be neither reserved nor a content
   * namespace. This holds for most names, which then need not become strings.
   */
  #isOrdinary(bytes: Buffer, index: number): boolean {
    const start = this.#tag.valueStart(index);
    const end = this.#tag.valueEnd(index);
    const length = end - start;
    if (!this.#tag.isPlain(index) || length === NS.xml.length || length === NS.xmlns.length) return false;
    if (length === this.#stanzaNamespace.length && bytes[start] === this.#stanzaNamespace.charCodeAt(0)) return false;
    return length > 0 && isGraphic(bytes[start] as number) && isGraphic(bytes[end - 1] as number);
  }

  /** Checks the declarations of the current tag and puts its prefixes in scope. */
  #declare(bytes: Buffer, depth: number): number {
    const tag = this.#tag;
    if (tag.defaultDeclaration >= 0 && !this.#isOrdinary(bytes, tag.defaultDeclaration)) {
      const name = this.#value(bytes, tag.defaultDeclaration);
      if (!mayDeclare('', name)) return BAD_DECLARATION;
      if (depth > 2 && name === this.#stanzaNamespace) this.#portable = false;
    }
    if (tag.prefixDeclarations === 0) return FINE;
    for (let index = 0; index < tag.count; index++) {
      const colon = tag.colon(index);
      if (colon === 0 || !this.#isDeclaration(bytes, index)) continue;
      const prefix = bytes.toString('utf8', colon + 1, tag.nameEndOf(index));
      const name = this.#value(bytes, index);
      if (!mayDeclare(prefix, name)) return BAD_DECLARATION;
      this.#stack.declare(prefix, name, depth);
    }
    return FINE;
  }

  /**
   * Resolves the prefixes of the current tag. Returns the handle of the element's prefix binding (FINE when it has no
   * prefix) or a problem. Attributes must also differ in namespace or local name (Namespaces in XML 1.0 §6.3).
   */
  #resolve(bytes: Buffer, start: number): number {
    const tag = this.#tag;
    let own = FINE;
    if (tag.nameColon !== 0) {
      own = this.#use(bytes, start + 1, tag.nameColon);
      if (own < 0) return own;
      this.#portable = false;
      if (this.#stack.nameOf(own) === this.#stanzaNamespace) this.#selfContained = false;
    }
    if (tag.prefixedAttributes === 0) return own;
    const seen = new Set<string>();
    for (let index = 0; index < tag.count; index++) {
      const colon = tag.colon(index);
      if (colon === 0 || this.#isDeclaration(bytes, index)) continue;
      const handle = this.#use(bytes, tag.nameStart(index), colon);
      if (handle < 0) return handle;
      if (tag.prefixedAttributes === 1) break;
      const expanded = `${this.#stack.nameOf(handle).trim()} ${bytes.toString('utf8', colon + 1, tag.nameEndOf(index))}`;
      if (seen.has(expanded)) return DUPLICATE_ATTRIBUTE;
      seen.add(expanded);
    }
    return own;
  }

  #use(bytes: Buffer, start: number, end: number): number {
    const handle = this.#stack.find(bytes.toString('utf8', start, end));
    if (handle < 0) return UNBOUND_PREFIX;
    if (this.#stack.depthOf(handle) === 1) this.#selfContained = false;
    return handle;
  }

  #isDeclaration(bytes: Buffer, index: number): boolean {
    const start = this.#tag.nameStart(index);
    return this.#tag.colon(index) - start === 5 && bytes.toString('latin1', start, start + 5) === 'xmlns';
  }
}
