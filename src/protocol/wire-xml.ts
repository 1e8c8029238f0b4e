/** Wire elements to XML and back. Everything we send uses the prefixes `stream` and `db`, declared on our own header. */
import { brief } from './faults.ts';
import { type Element, escapeXMLText } from '@xmpp/xml';
import type { DialbackAnswer } from './dialback.ts';
import { NS } from './namespaces.ts';
import type { StreamFeatures, StreamHeader, WireElement } from './wire.ts';
import { escapeAttribute } from './xml-tags.ts';

type Attributes = Readonly<Record<string, string | null | undefined>>;

function tag(name: string, attributes: Attributes, content = ''): string {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) open += ` ${key}='${escapeAttribute(value)}'`;
  }
  return content === '' ? `${open}/>` : `${open}>${content}</${name}>`;
}

function headerXml({ to, from, id, version }: StreamHeader): string {
  const attributes: Attributes = {
    xmlns: NS.server,
    'xmlns:stream': NS.streams,
    'xmlns:db': NS.dialback,
    to,
    from,
    id,
    version,
    'xml:lang': 'en',
  };
  return `<?xml version='1.0'?>${tag('stream:stream', attributes).replace(/\/>$/, '>')}`;
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

/** The XML of an element as we send it; `result` and `verify` requests must carry their key by now. */
export function wireToXml(element: WireElement): string {
  switch (element.kind) {
    case 'streamHeader':
      return headerXml(element);
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
    case 'unsupported':
      throw new TypeError('an unsupported element is only ever read');
  }
}

/** The one child in `namespace` that is not `<text/>`: how RFC 6120 carries conditions (§4.9.2, §6.5, §8.3.2). */
function conditionOf(element: Element, namespace: string): { condition: string | null; text: string | null } {
  const children = element.getChildElements().filter((child) => child.getNS() === namespace);
  const text = children.find((child) => child.getName() === 'text')?.getText();
  return {
    condition: children.find((child) => child.getName() !== 'text')?.getName() ?? null,
    text: text === undefined ? null : brief(text),
  };
}

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
  for (const child of element.getChildElements()) {
    const children = child.getChildElements();
    switch (`{${child.getNS() ?? ''}}${child.getName()}`) {
      case `{${NS.tls}}starttls`:
        features.startTls = children.some((inner) => inner.getName() === 'required') ? 'required' : 'optional';
        break;
      case `{${NS.sasl}}mechanisms`:
        features.mechanisms.push(
          ...children.filter((inner) => inner.getName() === 'mechanism').map((m) => m.getText().trim()),
        );
        break;
      case `{${NS.dialbackFeature}}dialback`:
        features.dialback = true;
        features.dialbackErrors = children.some((inner) => inner.getName() === 'errors');
        break;
      case `{${NS.bidiFeature}}bidi`:
        features.bidi = true;
        break;
      default:
        if (children.some((inner) => inner.getName() === 'required')) {
          features.unknown.push(`{${child.getNS() ?? ''}}${child.getName()}`);
        }
    }
  }
  // RFC 6120 §5.3.1: where STARTTLS is all that is offered it is mandatory.
  if (features.startTls === 'optional' && element.getChildElements().length === 1) features.startTls = 'required';
  return features;
}

function attribute(element: Element, name: string): string | null {
  const value: unknown = element.attrs[name];
  return typeof value === 'string' ? value : null;
}

/** Reads one first-level element that is not a stanza. Never throws: what we do not know is `unsupported`. */
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
      const data = element.getText().trim();
      return {
        kind: 'auth',
        mechanism: attribute(element, 'mechanism') ?? '',
        initialResponse: data === '' ? null : data,
      };
    }
    case `{${NS.sasl}}challenge`:
      return { kind: 'challenge' };
    case `{${NS.sasl}}response`:
      return { kind: 'response', data: element.getText().trim() };
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
      return { kind: 'result', from, to, key: answer === null ? element.getText().trim() : null, answer };
    }
    case `{${NS.dialback}}verify`: {
      const answer = readDialbackAnswer(element);
      const id = attribute(element, 'id') ?? '';
      return { kind: 'verify', from, to, id, key: answer === null ? element.getText().trim() : null, answer };
    }
    default:
      return { kind: 'unsupported', name: `{${element.getNS() ?? ''}}${name}` };
  }
}
