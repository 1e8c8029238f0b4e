/**
 * Small XML documents from untrusted peers, read by the framer of our streams: what RFC 6120 §11.1 forbids there (DTDs,
 * custom entities, comments, processing instructions) is forbidden here, and everything must be namespace-well-formed.
 */
import type { Element } from '@xmpp/xml';
import { NS } from '../../../protocol/namespaces.ts';
import { Framer } from '../../framer/framer.ts';
import { malformed } from '../proof-der.ts';

const LIMITS = { depth: 6, attributes: 16, nameBytes: 128 } as const;
const HEADER = Buffer.from(`<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}' version='1.0'>`);

/** The single element in `octets`. @throws FaultError `dna`: `proof-malformed`. */
export function readDocument(octets: Buffer): Element {
  const elements: Element[] = [];
  const problems: string[] = [];
  const framer = new Framer(
    {
      streamOpened: () => undefined,
      element: (element) => elements.push(element),
      stanza: () => problems.push('a stanza'),
      streamClosed: () => problems.push('an end tag without its start tag'),
      fault: ({ condition, text = condition }) => problems.push(text),
    },
    { ...LIMITS, elementBytes: Math.max(octets.length, HEADER.length) },
  );
  framer.push(HEADER);
  framer.push(octets);
  const [element, more] = elements;
  const [problem = framer.pendingBytes > 0 ? 'it is cut short' : 'not exactly one element'] = problems;
  if (element === undefined || more !== undefined || problems.length > 0 || framer.pendingBytes > 0)
    throw malformed(`XML: ${problem}`);
  return element;
}

/** The form of an element: name, namespace (that of the type of `<proof/>`), required attributes, possible children. */
interface Shape {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly string[];
  /** Absent: text only. */
  readonly children?: readonly string[];
}

/**
 * Refuses an element of any other form: a reader that ignored a condition unknown to it would believe too much.
 * @throws FaultError `dna`: `proof-malformed`.
 */
export function requireShape(element: Element, { name, namespace, attributes, children }: Shape): void {
  if (element.getName() !== name || element.getNS() !== namespace) throw malformed(`XML: no {${namespace}}${name}`);
  const given = Object.keys(element.attrs).filter((key) => key !== 'xmlns' && !key.startsWith('xmlns:'));
  const unknown = given.find((key) => !attributes.includes(key));
  if (unknown !== undefined) throw malformed(`XML: an attribute ${unknown} of ${name}`);
  const missing = attributes.find((key) => !given.includes(key));
  if (missing !== undefined) throw malformed(`XML: no attribute ${missing} of ${name}`);
  const strange = element.getChildElements().find((child) => !(children ?? []).includes(child.getName()));
  if (strange !== undefined) throw malformed(`XML: an element ${strange.getName()} in ${name}`);
  if (children !== undefined && element.getText().trim() !== '') throw malformed(`XML: text in ${name}`);
}

/** The value of an attribute that {@link requireShape} has checked. */
export const attributeOf = (element: Element, name: string): string => String(element.attrs[name] ?? '');
