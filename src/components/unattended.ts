/** Answers for a local domain while nothing is attached to it: the domain exists and supports next to nothing. */
import xml, { type Element } from '@xmpp/xml';
import { canonicalDomain } from '../protocol/names.ts';
import { NS } from '../protocol/namespaces.ts';
import { Stanza } from '../protocol/stanza.ts';

/** Presence types that ask for an answer; all others only inform and are ignored (RFC 6121 §8.5.1). */
const ASKING_PRESENCE: readonly (string | undefined)[] = ['probe', 'subscribe'];

/**
 * The answer to a stanza for a domain to which nothing is attached, or null when none may be sent.
 *
 * Pings (XEP-0199) and disco#info (XEP-0030) to the bare domain are answered; every other request and message gets
 * `service-unavailable` (RFC 6120 §8.3.3.19, §10.3). Errors and results are never answered (RFC 6120 §8.3.1).
 */
export function answerUnattended(stanza: Stanza): Stanza | null {
  const { kind, type } = stanza;
  if (type === 'error' || (kind === 'iq' && type === 'result')) return null;
  if (kind === 'presence' && !ASKING_PRESENCE.includes(type)) return null;
  const answer = kind === 'iq' && type === 'get' ? answerForDomain(stanza) : null;
  return answer ?? stanza.errorReply('service-unavailable', 'cancel');
}

function answerForDomain(stanza: Stanza): Stanza | null {
  const { to, from, id } = stanza;
  if (typeof to !== 'string' || typeof from !== 'string' || id === undefined) return null;
  if (canonicalDomain(to) === null) return null; // has a local part or a resource: not the domain itself
  const requests = stanza.element.getChildElements();
  const [request] = requests;
  if (request === undefined || requests.length > 1) return null; // RFC 6120 §8.2.3: a request has one child
  const result = (...content: Element[]): Stanza =>
    Stanza.fromElement(xml('iq', { type: 'result', id, from: to, to: from }, ...content), stanza.contentNamespace);
  if (request.is('ping', NS.ping)) return result();
  if (!request.is('query', NS.discoInfo)) return null;
  // XEP-0030 §3.2: this domain has no nodes.
  if (typeof request.attrs['node'] === 'string') return stanza.errorReply('item-not-found', 'cancel');
  return result(
    xml(
      'query',
      { xmlns: NS.discoInfo },
      xml('identity', { category: 'server', type: 'im' }),
      xml('feature', { var: NS.discoInfo }),
      xml('feature', { var: NS.ping }),
    ),
  );
}
