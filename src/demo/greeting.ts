/** The messages of the demo. */
import xml from '@xmpp/xml';
import { NS } from '../protocol/namespaces.ts';
import { Stanza } from '../protocol/stanza.ts';

/** A user of one domain greets a user of another; the id tells messages apart. */
export function greeting(from: string, to: string, n: number): Stanza {
  const attributes = { from: `juliet@${from}`, to: `romeo@${to}`, id: `m${n}`, type: 'chat' };
  return Stanza.fromElement(xml('message', attributes, xml('body', {}, 'Art thou not Romeo?')), NS.server);
}
