/** The limits of a framer and the events that it reports. */
import type { Element } from '@xmpp/xml';
import type { Fault } from '../../protocol/faults.ts';
import type { Stanza } from '../../protocol/stanza.ts';

export interface FramerLimits {
  /** Largest first-level element, from `<` to `>`, in bytes; also bounds the stream header and all before it. */
  readonly elementBytes: number;
  /** Deepest nesting; the stream header counts as 1, a stanza as 2. */
  readonly depth: number;
  /** Most attributes on one element, namespace declarations included. */
  readonly attributes: number;
  /** Longest name or reference, in bytes. */
  readonly nameBytes: number;
}

/** `elementBytes` is the size that servers allow each other; it must not be below 10000 (RFC 6120 §13.12). */
export const defaultFramerLimits: FramerLimits = { elementBytes: 524_288, depth: 128, attributes: 64, nameBytes: 1024 };

/** Receives the events of a framer. They are called from within `push`; none may throw. */
export interface FramerHandler {
  /** `bytes` is the size of the header plus everything before it. */
  streamOpened(tag: StreamTag, bytes: number): void;
  stanza(stanza: Stanza): void;
  /** Any other first-level element; its root declares the namespaces that it inherits. `bytes` is its size. */
  element(element: Element, bytes: number): void;
  streamClosed(): void;
  /** Called at most once, as the last call. Layer `xml`; conditions of RFC 6120 §4.9.3. */
  fault(fault: Fault): void;
  /** White space between first-level elements (RFC 6120 §4.6.1, §11.7). */
  whitespace?(): void;
}

/** The opening tag of a stream (RFC 6120 §4.7, §4.8). */
export interface StreamTag {
  readonly prefix: string;
  readonly localName: string;
  readonly namespace: string;
  /** The default namespace; '' when there is none or it is the stream namespace itself (prefix-free style). */
  readonly contentNamespace: string;
  /** By qualified name (`to`, `xml:lang`), without namespace declarations. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Prefix to namespace name; '' is the default. */
  readonly namespaces: Readonly<Record<string, string>>;
}
