/**
 * Input that is not an XML stream, or not XMPP: the stream error of RFC 6120 §4.9.3 or a closed socket, and nothing
 * else is affected.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { conditionOf, header, message, STARTTLS, XMLNS } from '../support/attacker.ts';
import { startTarget, type Target } from '../support/attacker-target.ts';

let target: Target;
before(async () => void (target = await startTarget({ policy: { federation: 'encrypted' }, bidi: true })));
after(() => target.stop());

const OPEN = header({ from: 'evil.example', to: 'b.example' });
const laughs = (): string => {
  let entities = `<!ENTITY a0 'ha'>`;
  for (let i = 1; i < 30; i += 1) entities += `<!ENTITY a${i} '&a${i - 1};&a${i - 1};'>`;
  return `<?xml version='1.0'?><!DOCTYPE lolz [${entities}]>${OPEN.replace(/^<\?.*?\?>/, '')}&a29;`;
};

type Attack = readonly [name: string, bytes: string | Buffer, condition: string];

/** Sent instead of a stream header. */
const insteadOfHeader: readonly Attack[] = [
  ['binary garbage (§4.9.3.13)', Buffer.concat([Buffer.of(0x00, 0x01, 0x02), randomBytes(4096)]), 'not-well-formed'],
  ['an HTTP request (§4.9.3.13)', 'GET / HTTP/1.1\r\nHost: b.example\r\n\r\n', 'not-well-formed'],
  ['SMTP', 'EHLO evil.example\r\n', 'not-well-formed'],
  ['a document type declaration (§11.1)', `<?xml version='1.0'?><!DOCTYPE x>${OPEN}`, 'restricted-xml'],
  ['a billion laughs (§11.1)', laughs(), 'restricted-xml'],
  ['an external entity (§11.1)', `<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>`, 'restricted-xml'],
  ['a comment (§11.1)', `<!-- hello -->${OPEN}`, 'restricted-xml'],
  ['a processing instruction (§11.1)', `<?php phpinfo(); ?>${OPEN}`, 'restricted-xml'],
  ['UTF-16 (§11.6)', Buffer.from(`\uFEFF${OPEN}`, 'utf16le'), 'unsupported-encoding'],
  ['another encoding (§11.6)', `<?xml version='1.0' encoding='ISO-8859-1'?>`, 'unsupported-encoding'],
  ['bytes that are not UTF-8', Buffer.from([0xc3, 0x28, 0xff]), 'unsupported-encoding'],
  ['an end tag', '</stream:stream>', 'not-well-formed'],
  [
    'an undeclared prefix (§4.8)',
    `<stream:stream xmlns='jabber:server' version='1.0' to='b.example'>`,
    'not-well-formed',
  ],
  [
    'another stream namespace (§4.9.3.10)',
    `<stream:stream xmlns='jabber:server' xmlns:stream='http://example.org/streams' version='1.0' to='b.example'>`,
    'invalid-namespace',
  ],
  [
    'another content namespace (§4.8.2)',
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='b.example'>`,
    'invalid-namespace',
  ],
  ['another root (§4.9.3.1)', `<stream:flood ${XMLNS} version='1.0' to='b.example'>`, 'bad-format'],
  ['a version that is none (§4.7.5)', header({ from: 'evil.example', to: 'b.example' }, '1'), 'unsupported-version'],
  ['no to (§4.7.2)', header({ from: 'evil.example' }), 'host-unknown'],
  ['an unknown to (§4.9.3.6)', header({ from: 'evil.example', to: 'c.example' }), 'host-unknown'],
  ['an empty to (§4.9.3.6)', header({ from: 'evil.example', to: '' }), 'host-unknown'],
  ['our own domain as from (§4.9.3.9)', header({ from: 'b.example', to: 'b.example' }), 'invalid-from'],
  ['another domain of ours as from', header({ from: 'B2.Example.', to: 'b.example' }), 'invalid-from'],
  ['a from that is no domain', header({ from: 'evil example', to: 'b.example' }), 'improper-addressing'],
  ['an attribute that does not end', `<stream:stream to='${'b'.repeat(20_000)}`, 'policy-violation'],
  ['a tag name that does not end', `<${'s'.repeat(20_000)}`, 'policy-violation'],
  ['white space that does not end', ' '.repeat(20_000), 'policy-violation'],
  [
    '10,000 attributes',
    `<stream:stream ${XMLNS} ${Array.from({ length: 10_000 }, (_, i) => `a${i}=''`).join(' ')}>`,
    'policy-violation',
  ],
  [
    '500 namespace declarations',
    `<stream:stream ${XMLNS} ${Array.from({ length: 500 }, (_, i) => `xmlns:n${i}='u:${i}'`).join(' ')}>`,
    'policy-violation',
  ],
  ['an attribute twice', `<stream:stream ${XMLNS} to='b.example' to='c.example'>`, 'not-well-formed'],
];

/** Sent after a good header, before TLS. */
const afterHeader: readonly Attack[] = [
  [
    'an element of 10 MB, where 10 kB are allowed (§13.12)',
    `<x xmlns='u:x'>${'a'.repeat(10_000_000)}`,
    'policy-violation',
  ],
  ['an element just over the limit', `<x xmlns='u:x'>${'a'.repeat(10_000)}</x>`, 'policy-violation'],
  ['1,000 levels of elements', `<x xmlns='u:x'>`.repeat(1_000), 'policy-violation'],
  ['an attribute that does not end', `<x a='${'a'.repeat(20_000)}`, 'policy-violation'],
  ['a comment in an element (§11.1)', `<x xmlns='u:x'><!-- x --></x>`, 'restricted-xml'],
  ['a processing instruction (§11.1)', `<?x y?>`, 'restricted-xml'],
  ['a document type declaration (§11.1)', `<!DOCTYPE x>`, 'restricted-xml'],
  ['an entity that nobody declared (§11.1)', `<x xmlns='u:x'>&lol;</x>`, 'restricted-xml'],
  ['a numeric reference to no character', `<x xmlns='u:x'>&#0;</x>`, 'not-well-formed'],
  ['half a surrogate by reference', `<x xmlns='u:x'>&#xD800;</x>`, 'not-well-formed'],
  ['a character outside Unicode', `<x xmlns='u:x'>&#x110000;</x>`, 'not-well-formed'],
  ['U+FFFE', `<x xmlns='u:x'>\uFFFE</x>`, 'not-well-formed'],
  ['a zero byte', `<x xmlns='u:x'>\0</x>`, 'not-well-formed'],
  ['overlong UTF-8', Buffer.from([...Buffer.from(`<x xmlns='u:x'>`), 0xc0, 0xbc]), 'unsupported-encoding'],
  ['a surrogate in UTF-8', Buffer.from([...Buffer.from(`<x xmlns='u:x'>`), 0xed, 0xa0, 0x80]), 'unsupported-encoding'],
  ['an undeclared prefix', `<evil:x/>`, 'not-well-formed'],
  ['a prefixed stanza (§4.8.5)', `<foo:message xmlns:foo='jabber:server'/>`, 'bad-namespace-prefix'],
  ['tags that cross', `<x xmlns='u:x'><y></x></y>`, 'not-well-formed'],
  ['text between elements', `hello`, 'bad-format'],
  ['CDATA between elements', `<![CDATA[hello]]>`, 'bad-format'],
  ['a stanza before authentication (§4.9.3.12)', message('u@evil.example', 'v@b.example'), 'not-authorized'],
  ['a stanza without addresses', `<message/>`, 'not-authorized'],
  ['<proceed/> that nobody waits for', `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, 'policy-violation'],
  ['<success/> that nobody waits for', `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, 'policy-violation'],
  ['features from the initiating side', `<stream:features/>`, 'policy-violation'],
  ['bidi before TLS (XEP-0288 §2.1)', `<bidi xmlns='urn:xmpp:bidi'/>`, 'policy-violation'],
  ['<response/> without <auth/>', `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, 'policy-violation'],
];

for (const [name, bytes, condition] of insteadOfHeader) {
  test(`instead of a stream header, ${name}: ${condition}`, () =>
    target.survives(async () => {
      const wire = await target.dial();
      const text = await wire.send(bytes).end();
      assert.equal(conditionOf(text), condition);
      // An error before our header needs the header first, with one of our domains or none in `from`, and an id
      // (§4.9.1.2, §4.9.1.3).
      assert.match(text, /^<\?xml version='1\.0'\?><stream:stream [^>]*>/);
      const from = / from='([^']*)'/.exec(text.slice(0, text.indexOf('<stream:error>')))?.[1] ?? '';
      assert.ok(['', 'b.example', 'b2.example'].includes(from), from);
      assert.match(text, / id='[0-9a-f]{32}'/);
      assert.match(text, /<\/stream:stream>$/);
    }));
}

for (const [name, bytes, condition] of afterHeader) {
  test(`after the stream header, ${name}: ${condition}`, () =>
    target.survives(async () => {
      const wire = await target.dial();
      wire.send(OPEN);
      await wire.greeting();
      assert.equal(await wire.send(bytes).streamError(), condition);
    }));
}

test('all in one packet with the header is no better (§4.9.3.12)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    assert.equal(
      await wire.send(OPEN + message('u@evil.example', 'v@b.example') + STARTTLS).streamError(),
      'not-authorized',
    );
    assert.equal(target.delivered.filter(({ from }) => from?.includes('evil') === true).length, 0);
  }));

test('a byte at a time changes nothing (§11.7)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    for (const byte of Buffer.from(`${OPEN}<!--`)) await wire.sent(Buffer.of(byte));
    assert.equal(await wire.streamError(), 'restricted-xml');
  }));

test('a closing tag at once is answered with one', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(OPEN);
    await wire.greeting();
    assert.equal(await wire.send('</stream:stream>').end(), '</stream:stream>');
  }));

test('a reset at any moment costs its connection only', () =>
  target.survives(async () => {
    for (const bytes of ['', '<', OPEN.slice(0, 80), OPEN, OPEN + STARTTLS, `${OPEN}<x`]) {
      const wire = await target.dial();
      await wire.sent(bytes === '' ? ' ' : bytes);
      wire.socket.resetAndDestroy();
    }
  }));

test('unknown elements are ignored and never routed, and of a thousand few are remembered (§4.8.4)', () =>
  target.survives(async () => {
    const before = target.delivered.length;
    const unsupported = (): number =>
      target.manager.view().records.filter((one) => one.kind === 'wire' && one.element.kind === 'unsupported').length;
    const known = unsupported();
    const wire = await target.dial();
    wire.send(OPEN);
    await wire.greeting();
    wire.send(`<x xmlns='u:x'/>`.repeat(1_000)).send(STARTTLS);
    await wire.until(/<proceed/);
    wire.drop();
    assert.equal(unsupported() - known, 16);
    assert.ok(target.delivered.slice(before).every(({ from }) => from === 'good.example'));
  }));
