/** What goes into a framer, and what it tells. */
import type { Element } from '@xmpp/xml';
import type { Fault } from '../../protocol/faults.ts';
import type { Stanza } from '../../protocol/stanza.ts';

export interface FramerLimits {
  /** Largest first-level element, from `<` to `>`, in bytes; the stream header with all before it likewise. */
  readonly elementBytes: number;
  /** Deepest nesting; the stream header counts as 1, a stanza as 2. */
  readonly depth: number;
  /** Most attributes on one element, namespace declarations included. */
  readonly attributes: number;
  /** Longest name or reference, in bytes. */
  readonly nameBytes: number;
}

/** `elementBytes` is what servers allow each other; never below 10000 (RFC 6120 §13.12). */
export const defaultFramerLimits: FramerLimits = { elementBytes: 524_288, depth: 128, attributes: 64, nameBytes: 1024 };

/** What a framer tells. Calls come from within `push`; none may throw. */
export interface FramerHandler {
  /** `bytes` is its size, with all before it. */
  streamOpened(tag: StreamTag, bytes: number): void;
  stanza(stanza: Stanza): void;
  /** Any other first-level element; its root declares the namespaces that it inherits. `bytes` is its size. */
  element(element: Element, bytes: number): void;
  streamClosed(): void;
  /** The last call, at most once: layer `xml`, conditions of RFC 6120 §4.9.3. */
  fault(fault: Fault): void;
  /** White space between first-level elements (RFC 6120 §4.6.1, §11.7). */
  whitespace?(): void;
}

/** The opening tag of a stream (RFC 6120 §4.7, §4.8). */
export interface StreamTag {
  readonly prefix: string;
  readonly localName: string;
  readonly namespace: string;
  /** The default namespace, if it is not the stream namespace itself; '' when there is none (prefix-free style). */
  readonly contentNamespace: string;
  /** By qualified name (`to`, `xml:lang`), namespace declarations left out. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Prefix to namespace name; '' is the default. */
  readonly namespaces: Readonly<Record<string, string>>;
}
