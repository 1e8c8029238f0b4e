/** Converts wire elements to XML and back. All that we send uses the prefixes `stream` and `db` of our own header. */
import { brief } from './faults.ts';
import { type Element, escapeXMLText } from '@xmpp/xml';
import type { DialbackAnswer } from './dialback.ts';
import { MAX_LISTED, MAX_PROOF_LENGTH } from './dna.ts';
import { NS } from './namespaces.ts';
import { ownText } from './own-text.ts';
import type { StreamFeatures, StreamHeader, WireElement } from './wire.ts';
import { escapeAttribute } from './xml-tags.ts';

type Attributes = Readonly<Record<string, string | null | undefined>>;

/** The start tag without its closing `>` or `/>`. */
function openTag(name: string, attributes: Attributes): string {
  let open = `<${name}`;
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    if (value !== null && value !== undefined) open += ` ${key}='${escapeAttribute(value)}'`;
  }
  return open;
}

function tag(name: string, attributes: Attributes, content = ''): string {
  const open = openTag(name, attributes);
  return content === '' ? `${open}/>` : `${open}>${content}</${name}>`;
}

function headerXml({ to, from, id, version }: StreamHeader, contentNamespace: string): string {
  const attributes: Attributes = {
    xmlns: contentNamespace,
    'xmlns:stream': NS.streams,
    'xmlns:db': contentNamespace === NS.server ? NS.dialback : null,
    to,
    from,
    id,
    version,
    'xml:lang': 'en',
  };
  return `<?xml version='1.0'?>${openTag('stream:stream', attributes)}>`;
}

function featuresXml(features: StreamFeatures): string {
  let content = '';
  if (features.startTls !== 'absent') {
    content += tag('starttls', { xmlns: NS.tls }, features.startTls === 'required' ? '<required/>' : '');
  }
  if (features.mechanisms.length > 0) {
    const mechanisms = features.mechanisms.map((name) => tag('mechanism', {}, escapeXMLText(name)));
    content += tag('mechanisms', { xmlns: NS.sasl }, mechanisms.join(''));
  }
  if (features.bidi) content += tag('bidi', { xmlns: NS.bidiFeature });
  if (features.dialback)
    content += tag('dialback', { xmlns: NS.dialbackFeature }, features.dialbackErrors ? '<errors/>' : '');
  for (const from of features.asserts ?? []) content += tag('assert', { xmlns: NS.dna, from });
  return content === '' ? '<stream:features/>' : tag('stream:features', {}, content);
}

function dialbackXml(name: string, attributes: Attributes, key: string | null, answer: DialbackAnswer | null): string {
  if (answer === null) return tag(name, attributes, escapeXMLText(key ?? ''));
  if (answer.type !== 'error') return tag(name, { ...attributes, type: answer.type });
  const text = answer.text === undefined ? '' : tag('text', { xmlns: NS.stanzas }, escapeXMLText(answer.text));
  const error = tag('error', { type: 'cancel' }, tag(answer.condition, { xmlns: NS.stanzas }) + text);
  return tag(name, { ...attributes, type: 'error' }, error);
}

function conditionXml(
  name: string,
  namespace: string,
  condition: string,
  text: string | null,
  outer: Attributes,
): string {
  const words = text === null ? '' : tag('text', { xmlns: namespace }, escapeXMLText(text));
  return tag(name, outer, tag(condition, { xmlns: outer['xmlns'] === namespace ? null : namespace }) + words);
}

/** The XML of an element as we send it; `result` and `verify` requests must already contain their key. */
export function wireToXml(element: WireElement, contentNamespace: string = NS.server): string {
  switch (element.kind) {
    case 'streamHeader':
      return headerXml(element, contentNamespace);
    case 'features':
      return featuresXml(element);
    case 'result':
      return dialbackXml('db:result', { from: element.from, to: element.to }, element.key, element.answer);
    case 'verify':
      return dialbackXml(
        'db:verify',
        { from: element.from, to: element.to, id: element.id },
        element.key,
        element.answer,
      );
    case 'starttls':
      return tag('starttls', { xmlns: NS.tls });
    case 'proceed':
      return tag('proceed', { xmlns: NS.tls });
    case 'starttlsFailure':
      return tag('failure', { xmlns: NS.tls });
    case 'auth':
      return tag('auth', { xmlns: NS.sasl, mechanism: element.mechanism }, element.initialResponse ?? '');
    case 'challenge':
      return tag('challenge', { xmlns: NS.sasl });
    case 'response':
      return tag('response', { xmlns: NS.sasl }, element.data);
    case 'abort':
      return tag('abort', { xmlns: NS.sasl });
    case 'success':
      return tag('success', { xmlns: NS.sasl });
    case 'saslFailure':
      return conditionXml('failure', NS.sasl, element.condition, element.text, { xmlns: NS.sasl });
    case 'bidi':
      return tag('bidi', { xmlns: NS.bidi });
    case 'streamError':
      return conditionXml('stream:error', NS.streamErrors, element.condition, element.text, {});
    case 'dnaAssert':
      return tag('assert', { xmlns: NS.dna, from: element.from });
    case 'dnaChallenge': {
      const types = element.types.map((type) => tag('proof', { type }));
      return tag('challenge', { xmlns: NS.dna, to: element.to }, types.join(''));
    }
    case 'dnaProof':
      return tag('proof', { xmlns: NS.dna, from: element.from, type: element.type }, escapeXMLText(element.data ?? ''));
    case 'dnaImpossible':
      return tag('impossible', { xmlns: NS.dna, from: element.from });
    case 'dnaValid':
      return tag('valid', { xmlns: NS.dna, to: element.to });
    case 'dnaInvalid':
      return tag('invalid', { xmlns: NS.dna, to: element.to });
    case 'unsupported':
      throw new TypeError('an unsupported element is only ever read');
  }
}

/** Characters of a name, or of its namespace, that are reported. */
const MAX_NAME = 200;
/** How many SASL mechanisms of one features element are read. */
const MAX_MECHANISMS = 32;

/** The one child in `namespace` that is not `<text/>`: how RFC 6120 carries conditions (§4.9.2, §6.5, §8.3.2). */
function conditionOf(element: Element, namespace: string): { condition: string | null; text: string | null } {
  const children = element.getChildElements().filter((child) => child.getNS() === namespace);
  const condition = children.find((child) => child.getName() !== 'text');
  const text = children.find((child) => child.getName() === 'text')?.getText();
  // The elements `see-other-host` and `gone` contain the new address.
  const told = [condition?.getText(), text].filter((one) => one !== undefined && one !== '').join(': ');
  return {
    condition: ownOrNull(condition?.getName()),
    text: told === '' && text === undefined ? null : ownText(brief(withoutKeys(inOrder(told)))),
  };
}

/** Replaces bidirectional control characters, which would make the text appear in another order when displayed. */
const inOrder = (text: string): string => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** Removes dialback keys (64 digits, XEP-0185): a server that was sent one may repeat it, and its text is recorded. */
const withoutKeys = (text: string): string => text.replace(/[0-9a-f]{64}/gi, '…');

function readDialbackAnswer(element: Element): DialbackAnswer | null {
  const type = attribute(element, 'type');
  if (type === null) return null;
  if (type === 'valid' || type === 'invalid') return { type };
  const error = element.getChildElements().find((child) => child.getName() === 'error');
  const { condition, text } = error === undefined ? { condition: null, text: null } : conditionOf(error, NS.stanzas);
  return { type: 'error', condition: condition ?? 'undefined-condition', ...(text === null ? {} : { text }) };
}

function readFeatures(element: Element): StreamFeatures {
  const features = {
    kind: 'features' as const,
    startTls: 'absent' as StreamFeatures['startTls'],
    mechanisms: [] as string[],
    dialback: false,
    dialbackErrors: false,
    bidi: false,
    unknown: [] as string[],
  };
  const asserts: string[] = [];
  for (const child of element.getChildElements()) {
    const children = child.getChildElements();
    switch (`{${child.getNS() ?? ''}}${child.getName()}`) {
      case `{${NS.tls}}starttls`:
        features.startTls = children.some((inner) => inner.getName() === 'required') ? 'required' : 'optional';
        break;
      case `{${NS.sasl}}mechanisms`:
        for (const inner of children)
          if (inner.getName() === 'mechanism' && features.mechanisms.length < MAX_MECHANISMS)
            features.mechanisms.push(textOf(inner));
        break;
      case `{${NS.dialbackFeature}}dialback`:
        features.dialback = true;
        features.dialbackErrors = children.some((inner) => inner.getName() === 'errors');
        break;
      case `{${NS.bidiFeature}}bidi`:
        features.bidi = true;
        break;
      case `{${NS.dna}}assert`:
        if (asserts.length < MAX_LISTED) asserts.push(attribute(child, 'from') ?? '');
        break;
      default:
        if (features.unknown.length < MAX_LISTED && children.some((inner) => inner.getName() === 'required'))
          features.unknown.push(nameOf(child));
    }
  }
  // RFC 6120 §5.3.1: STARTTLS is mandatory if it is the only feature offered.
  if (features.startTls === 'optional' && element.getChildElements().length === 1) features.startTls = 'required';
  return asserts.length === 0 ? features : { ...features, asserts };
}

/** The content of a proof: its text, or its XML if it contains elements (ProtoXEP §4.6). Null if it is too large. */
function proofDataOf(element: Element): string | null {
  const isXml = element.getChildElements().length > 0;
  const data = (isXml ? element.children.map(String).join('') : element.getText()).trim();
  return data.length > MAX_PROOF_LENGTH ? null : ownText(data);
}

const proofTypesOf = (element: Element): string[] =>
  element
    .getChildElements()
    .filter((child) => child.getName() === 'proof' && child.getNS() === NS.dna)
    .slice(0, MAX_LISTED)
    .map((child) => attribute(child, 'type') ?? '');

function attribute(element: Element, name: string): string | null {
  const value: unknown = element.attrs[name];
  return typeof value === 'string' ? ownText(value) : null;
}

/** The name as reported, shortened: one long namespace declaration may be inherited by any number of elements. */
const nameOf = (element: Element): string =>
  ownText(`{${brief(element.getNS() ?? '', MAX_NAME)}}${brief(element.getName(), MAX_NAME)}`);

const textOf = (element: Element): string => ownText(element.getText().trim());
const ownOrNull = (text: string | undefined): string | null => (text === undefined ? null : ownText(text));

/** Reads one first-level element that is not a stanza. Never throws: an unknown element is `unsupported`. */
export function readWireElement(element: Element): WireElement {
  const name = element.getName();
  const from = attribute(element, 'from') ?? '';
  const to = attribute(element, 'to') ?? '';
  switch (`{${element.getNS() ?? ''}}${name}`) {
    case `{${NS.streams}}features`:
      return readFeatures(element);
    case `{${NS.streams}}error`: {
      const { condition, text } = conditionOf(element, NS.streamErrors);
      return { kind: 'streamError', condition: condition ?? 'undefined-condition', text };
    }
    case `{${NS.tls}}starttls`:
      return { kind: 'starttls' };
    case `{${NS.tls}}proceed`:
      return { kind: 'proceed' };
    case `{${NS.tls}}failure`:
      return { kind: 'starttlsFailure' };
    case `{${NS.sasl}}auth`: {
      const data = textOf(element);
      return {
        kind: 'auth',
        mechanism: attribute(element, 'mechanism') ?? '',
        initialResponse: data === '' ? null : data,
      };
    }
    case `{${NS.sasl}}challenge`:
      return { kind: 'challenge' };
    case `{${NS.sasl}}response`:
      return { kind: 'response', data: textOf(element) };
    case `{${NS.sasl}}abort`:
      return { kind: 'abort' };
    case `{${NS.sasl}}success`:
      return { kind: 'success' };
    case `{${NS.sasl}}failure`: {
      const { condition, text } = conditionOf(element, NS.sasl);
      return { kind: 'saslFailure', condition: condition ?? 'not-authorized', text };
    }
    case `{${NS.bidi}}bidi`:
      return { kind: 'bidi' };
    case `{${NS.dialback}}result`: {
      const answer = readDialbackAnswer(element);
      return { kind: 'result', from, to, key: answer === null ? textOf(element) : null, answer };
    }
    case `{${NS.dialback}}verify`: {
      const answer = readDialbackAnswer(element);
      const id = attribute(element, 'id') ?? '';
      return { kind: 'verify', from, to, id, key: answer === null ? textOf(element) : null, answer };
    }
    case `{${NS.dna}}assert`:
      return { kind: 'dnaAssert', from };
    case `{${NS.dna}}challenge`:
      return { kind: 'dnaChallenge', to, types: proofTypesOf(element) };
    case `{${NS.dna}}proof`:
      return { kind: 'dnaProof', from, type: attribute(element, 'type') ?? '', data: proofDataOf(element) };
    case `{${NS.dna}}impossible`:
      return { kind: 'dnaImpossible', from };
    case `{${NS.dna}}valid`:
      return { kind: 'dnaValid', to };
    case `{${NS.dna}}invalid`:
      return { kind: 'dnaInvalid', to };
    default:
      return { kind: 'unsupported', name: nameOf(element) };
  }
}
