import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerUnattended } from '../../src/components/unattended.ts';
import { Stanza, type StanzaKind } from '../../src/protocol/stanza.ts';

const FROM = 'juliet@a.example/balcony';
const TO = 'b.example';

function stanza(kind: StanzaKind, type: string | null, content = '', to = TO): Stanza {
  const attribute = type === null ? '' : ` type='${type}'`;
  const bytes = Buffer.from(`<${kind} from='${FROM}' to='${to}' id='q1'${attribute}>${content}</${kind}>`);
  return new Stanza(kind, to, FROM, bytes, 'jabber:server');
}

const answerTo = (...request: Parameters<typeof stanza>): string =>
  answerUnattended(stanza(...request))?.bytes.toString() ?? 'nothing';

const PING = `<ping xmlns='urn:xmpp:ping'/>`;
const DISCO = `<query xmlns='http://jabber.org/protocol/disco#info'/>`;

test('a ping to the bare domain is answered with an empty result (XEP-0199 §4.1)', () => {
  const answer = answerUnattended(stanza('iq', 'get', PING));
  assert.ok(answer);
  assert.deepEqual([answer.kind, answer.type, answer.id, answer.from, answer.to], ['iq', 'result', 'q1', TO, FROM]);
  assert.equal(answer.element.getChildElements().length, 0);
});

test('white space in an id comes back as it was meant (XML 1.0 §3.3.3)', () => {
  const bytes = Buffer.from(`<iq type='get' id='a&#10;b&#9;c &#13;d' from='${FROM}' to='${TO}'>${PING}</iq>`);
  const answer = answerUnattended(new Stanza('iq', TO, FROM, bytes, 'jabber:server'));
  assert.match(answer?.bytes.toString() ?? '', / id="a&#10;b&#9;c &#13;d"/);
});

test('disco#info to the bare domain names an identity and the two features (XEP-0030 §3.1)', () => {
  const query = answerUnattended(stanza('iq', 'get', DISCO))?.element.getChild('query');
  assert.ok(query);
  assert.deepEqual(query.getChild('identity')?.attrs, { category: 'server', type: 'im' });
  assert.deepEqual(
    query.getChildren('feature').map((feature) => feature.attrs['var'] as string),
    ['http://jabber.org/protocol/disco#info', 'urn:xmpp:ping'],
  );
});

test('a node of the domain is not found (XEP-0030 §3.2)', () => {
  assert.match(answerTo('iq', 'get', DISCO.replace('/>', ` node='n'/>`)), /<item-not-found /);
});

const unavailable: [string, Parameters<typeof stanza>][] = [
  ['a ping to a user', ['iq', 'get', PING, `romeo@${TO}`]],
  ['a ping to a resource of the domain', ['iq', 'get', PING, `${TO}/r`]],
  ['a ping that is set, not got', ['iq', 'set', PING]],
  ['a ping with a second child', ['iq', 'get', PING + PING]],
  ['disco#items', ['iq', 'get', `<query xmlns='http://jabber.org/protocol/disco#items'/>`]],
  ['a message', ['message', null, '<body>x</body>']],
  ['a groupchat message', ['message', 'groupchat', '<body>x</body>']],
  ['a probe', ['presence', 'probe']],
  ['a subscription request', ['presence', 'subscribe']],
];
for (const [what, request] of unavailable) {
  test(`${what} is answered with service-unavailable (RFC 6120 §10.3)`, () => {
    const answer = answerUnattended(stanza(...request));
    assert.ok(answer);
    const error = answer.element.getChild('error');
    assert.deepEqual([answer.kind, answer.type, answer.to, answer.id], [request[0], 'error', FROM, 'q1']);
    assert.ok(error?.getChild('service-unavailable', 'urn:ietf:params:xml:ns:xmpp-stanzas'));
  });
}

const ignored: [string, Parameters<typeof stanza>][] = [
  ['an error', ['message', 'error']],
  ['an iq result', ['iq', 'result', PING]],
  ['an iq error', ['iq', 'error', PING]],
  ['presence', ['presence', null]],
  ['unavailable presence', ['presence', 'unavailable']],
  ['the end of a subscription', ['presence', 'unsubscribe']],
];
for (const [what, request] of ignored) {
  test(`${what} is never answered (RFC 6120 §8.3.1, RFC 6121 §8.5.1)`, () => {
    assert.equal(answerTo(...request), 'nothing');
  });
}
