import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import xml from '@xmpp/xml';
import { NS } from '../../src/protocol/namespaces.ts';
import { Stanza } from '../../src/protocol/stanza.ts';
import { frame, HEADER, whole } from '../support/framing.ts';
import { meaning } from '../support/xml-oracle.ts';

function read(stanza: string, header = HEADER): Stanza {
  const { stanzas, text } = frame(whole(header + stanza));
  const [first] = stanzas;
  if (first === undefined) throw new Error(`no stanza: ${text}`);
  return first;
}

const PLAIN_HEADER = (namespace: string): string => `<stream:stream xmlns='${namespace}' xmlns:stream='${NS.streams}'>`;
const inStream = (bytes: Buffer, namespace: string): unknown[] =>
  meaning(`${PLAIN_HEADER(namespace)}${bytes.toString()}</stream:stream>`);

describe('relay (RFC 6120 §4.8.3, §4.8.5)', () => {
  test('a stanza that names no namespace of its own goes out as the very bytes that came in', () => {
    const stanza = read("<message to='b' from='a'><body>hi</body><x xmlns='urn:x'><y/></x></message>");
    assert.equal(stanza.relay(NS.server), stanza.bytes);
    assert.equal(stanza.relay(NS.component), stanza.bytes);
  });
  test('the content namespace on the root is cut out, and nothing else', () => {
    const stanza = read("<message to='b'\n xmlns=\"jabber:server\"  from='a' ><body/></message>");
    assert.equal(stanza.relay(NS.component).toString(), "<message to='b'  from='a' ><body/></message>");
    assert.equal(stanza.relay(NS.server).toString(), "<message to='b'  from='a' ><body/></message>");
  });
  test('prefixes declared where they are used stay as they are on a stream of the same kind', () => {
    const stanza = read("<message><p:x xmlns:p='urn:p' p:a='1'/></message>");
    assert.equal(stanza.relay(NS.server), stanza.bytes);
  });

  /** With the same or another content namespace: the same elements, in the content namespace of that stream. */
  const cases: Record<string, string> = {
    'prefix of the stream header on an element': '<message><db:x/><body>t</body></message>',
    'prefix of the stream header on an attribute': "<message><body db:a='1'>t</body></message>",
    'prefix of the stream header on the root': "<message db:a='1&amp;2'/>",
    'prefix of the stream header, bound again inside': "<message><db:x xmlns:db='urn:x'/><db:y/></message>",
    'stream prefix inside': '<message><stream:x/></message>',
    'content namespace named again inside': "<message><body xmlns='jabber:server'>t</body></message>",
    'content namespace with a prefix inside': "<message><s:body xmlns:s='jabber:server'>t<s:x/><y/></s:body></message>",
    'prefixed content element with another default namespace':
      "<message><s:a xmlns:s='jabber:server' xmlns='urn:y'><z/></s:a></message>",
    'CDATA, references and quotes': `<message xmlns='jabber:server' id="'&quot;&#10;"><db:a b='"&lt;>'/><![CDATA[</x>&]]>&amp;</message>`,
    'beyond ASCII': "<message><db:élan é='😀'>é\u00a0😀</db:élan></message>",
    'white space in a namespace name of the header': "<message><db:x xmlns:db='urn:a&#10;b' c='&#9;d'/></message>",
    'no namespace': "<message><x xmlns=''><db:y/></x></message>",
  };
  for (const [what, text] of Object.entries(cases)) {
    test(`keeps the meaning: ${what}`, () => {
      const stanza = read(text);
      const before = meaning(`${HEADER}${text}</stream:stream>`);
      assert.deepEqual(inStream(stanza.relay(NS.server), NS.server), before);
      // No element of the stanza's own vocabulary may stay in the old namespace.
      const moved: unknown = JSON.parse(
        JSON.stringify(before).replaceAll('{jabber:server}', '{jabber:component:accept}'),
      );
      assert.deepEqual(inStream(stanza.relay(NS.component), NS.component), moved);
      assert.doesNotMatch(stanza.relay(NS.server).toString(), /<s:/);
    });
  }
  test('what an extension holds is not re-scoped: a forwarded stanza stays what it was', () => {
    const stanza = read(
      "<message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:server'><body>t</body></message></f></message>",
    );
    const out = JSON.stringify(inStream(stanza.relay(NS.component), NS.component));
    assert.match(
      out,
      /^\[\["\{jabber:component:accept\}message",\[\]\],.*"\{jabber:server\}message".*"\{jabber:server\}body"/,
    );
  });
  test('stanzas of a prefix-free stream lose their declaration', () => {
    const stanza = read("<message xmlns='jabber:server'><body/></message>", `<stream xmlns='${NS.streams}'>`);
    assert.equal(stanza.relay(NS.server).toString(), '<message><body/></message>');
  });
});

describe('addresses', () => {
  const FROM = 'rom\u00e9o@a.example/r';
  const told = ({ to, from, toDomain, fromDomain }: Stanza): unknown[] => [to, from, toDomain, fromDomain];

  test('are told as text, and their domains, however the stanza was read, and when it has bytes of its own', () => {
    for (const other of ['', " xmlns='jabber:server'", ` id='${'x'.repeat(40_000)}'`, ` id='${'x'.repeat(70_000)}'`]) {
      const { stanzas } = frame([Buffer.from(`${HEADER}<iq/><message${other} from='${FROM}' to='B.example'/><iq/>`)]);
      const expected = ['B.example', FROM, 'b.example', 'a.example'];
      assert.deepEqual(told(stanzas[1] ?? assert.fail()), expected);
      assert.deepEqual(told(stanzas[1]?.detached() ?? assert.fail()), expected);
      assert.deepEqual(told(stanzas[2] ?? assert.fail()), [undefined, undefined, null, null]);
    }
  });
  test('with references mean what these stand for', () => {
    const stanza = read("<message from='u@a&#46;example' to='&quot;@b.example/&amp;'/>");
    assert.deepEqual(told(stanza), ['"@b.example/&', 'u@a.example', 'b.example', 'a.example']);
    assert.deepEqual(told(read("<message from='' to='@b'/>")), ['@b', '', null, null]);
  });
  test('of an element are those of its attributes', () => {
    const stanza = Stanza.fromElement(xml('iq', { from: 'u@A.example', to: 'b.example/' }), NS.server);
    assert.deepEqual(told(stanza), ['b.example/', 'u@A.example', null, 'a.example']);
  });
});

describe('the tree and the attributes', () => {
  test('id and type are decoded; the tree resolves inherited namespaces', () => {
    const stanza = read("<iq id='&amp;1' type='set'><db:q/><![CDATA[<a>]]>&lt;tail</iq>");
    assert.deepEqual([stanza.id, stanza.type], ['&1', 'set']);
    assert.equal(stanza.element.getNS(), NS.server);
    assert.equal(stanza.element.getChild('q', NS.dialback)?.getNS(), NS.dialback);
    assert.equal(stanza.element.getText(), '<a><tail');
    assert.equal(stanza.element, stanza.element);
  });
  test('a root tag of many kilobytes is read too', () => {
    const stanza = read(`<iq a='${'x'.repeat(5000)}' id='far'/>`);
    assert.equal(stanza.id, 'far');
  });
});

describe('fromElement', () => {
  test('the tree becomes bytes without the content namespace', () => {
    const element = xml('message', { to: 'b', from: 'a', xmlns: NS.server }, xml('body', {}, 'x & y'));
    const stanza = Stanza.fromElement(element, NS.server);
    assert.equal(stanza.bytes.toString(), '<message to="b" from="a"><body>x &amp; y</body></message>');
    assert.deepEqual([stanza.kind, stanza.to, stanza.from, stanza.contentNamespace], ['message', 'b', 'a', NS.server]);
    assert.equal(element.attrs['xmlns'], NS.server, 'the caller keeps the tree as it was');
  });
  test('a tree of another content namespace is re-scoped', () => {
    const element = xml('message', { xmlns: NS.client }, xml('body', { xmlns: NS.client }, 'x'));
    const out = Stanza.fromElement(element, NS.server).relay(NS.server);
    assert.deepEqual(inStream(out, NS.server), meaning(`${HEADER}<message><body>x</body></message></stream:stream>`));
  });
  test('what is no stanza, or cannot be XML, is a mistake of the caller', () => {
    assert.throws(() => Stanza.fromElement(xml('body'), NS.server), TypeError);
    assert.throws(() => Stanza.fromElement(xml('message', { xmlns: 'urn:x' }), NS.server), TypeError);
    assert.throws(() => Stanza.fromElement(xml('message', {}, '\u0000'), NS.server), TypeError);
    assert.throws(() => Stanza.fromElement(xml('message', { id: '\uD800' }), NS.server), TypeError);
  });
});

describe('white space in values (XML 1.0 §3.3.3)', () => {
  const SPACED = 'a\nb\tc \rd';
  const ids = (bytes: Buffer): string[] => JSON.stringify(inStream(bytes, NS.server)).match(/\{\}id=[^"]*/g) ?? [];
  const expected = [JSON.stringify(`{}id=${SPACED}`).slice(1, -1)];

  test('is written as references, since readers take it for blanks', () => {
    const stanza = read("<iq id='a&#10;b&#9;c &#13;d' type='get' from='u@x/&#9;' to='y'><q xmlns='urn:q'/></iq>");
    assert.deepEqual(ids(stanza.bytes), expected);
    assert.deepEqual(ids(stanza.errorReply('gone', 'cancel')?.bytes ?? Buffer.alloc(0)), expected);
    assert.deepEqual(ids(Stanza.fromElement(stanza.element, NS.server).bytes), expected);
    const tree = xml('message', {}, xml('body', { id: SPACED }, 'one\r\ntwo\tthree'));
    const { bytes } = Stanza.fromElement(tree, NS.server);
    assert.deepEqual(ids(bytes), expected);
    assert.match(JSON.stringify(inStream(bytes, NS.server)), /"one\\r\\ntwo\\tthree"/);
  });
  test('where it was not, it is blanks in the tree too, and nowhere else', () => {
    const text = "<message id='a\r\nb\tc'><body d='>\n\t'>e\n\tf<![CDATA[\ng='\n']]></body></message>";
    const { element } = read(text);
    assert.equal(element.attrs['id'], 'a b c');
    assert.equal(element.getChild('body')?.attrs['d'], '>  ');
    assert.equal(element.getChildText('body'), "e\n\tf\ng='\n'");
    const out = Stanza.fromElement(element, NS.server).bytes;
    assert.deepEqual(inStream(out, NS.server), meaning(`${HEADER}${text}</stream:stream>`));
  });
});

describe('errorReply (RFC 6120 §8.3)', () => {
  test('addresses are swapped; kind and id are kept; condition and text are in the stanza error namespace', () => {
    const reply = read("<iq to='b@x' from='a@y/&apos;' id='&lt;1' type='get'><q xmlns='urn:q'/></iq>").errorReply(
      'remote-server-not-found',
      'cancel',
      'no <such> name',
    );
    assert.ok(reply);
    assert.deepEqual(
      [reply.kind, reply.to, reply.from, reply.id, reply.type, reply.contentNamespace],
      ['iq', "a@y/'", 'b@x', '<1', 'error', NS.server],
    );
    const error = reply.element.getChild('error');
    assert.equal(error?.attrs['type'], 'cancel');
    assert.ok(error.getChild('remote-server-not-found', NS.stanzas));
    assert.equal(error.getChildText('text', NS.stanzas), 'no <such> name');
    assert.equal(reply.relay(NS.component), reply.bytes);
  });
  test('errors and iq results are never answered (§8.3.1)', () => {
    assert.equal(read("<message type='error'/>").errorReply('gone', 'cancel'), null);
    assert.equal(read("<iq type='error' id='1'/>").errorReply('gone', 'cancel'), null);
    assert.equal(read("<iq type='result' id='1'/>").errorReply('gone', 'cancel'), null);
    assert.notEqual(read("<presence type='subscribe'/>").errorReply('gone', 'cancel'), null);
  });
});
