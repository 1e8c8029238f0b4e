/** The cost of re-scoping: strangers choose the names, and cannot cause more cost than their bytes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NS } from '../../src/protocol/namespaces.ts';
import { PrefixScope } from '../../src/protocol/prefix-scope.ts';
import { rescope } from '../../src/protocol/rescope.ts';
import { frame, whole } from '../support/framing.ts';
import { meaning } from '../support/xml-oracle.ts';

/** How many map entries `work` writes; copying a map writes each of its entries. */
function entriesWritten(work: () => void): number {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- restored below
  const { set } = Map.prototype;
  let written = 0;
  Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
    written += 1;
    return set.call(this, key, value) as Map<unknown, unknown>;
  };
  try {
    work();
  } finally {
    Map.prototype.set = set;
  }
  return written;
}

/** `levels` nested elements that declare `prefixes` prefixes, and `elements` elements inside that declare nothing. */
function deep(levels: number, prefixes: number, elements: number): Buffer {
  let text = "<message><p:z xmlns:p='u'/>";
  for (let level = 0; level < levels; level++) {
    text += '<a';
    for (let n = 0; n < prefixes / levels; n++) text += ` xmlns:p${level}-${n}='u'`;
    text += '>';
  }
  return Buffer.from(`${text}${'<a/>'.repeat(elements)}${'</a>'.repeat(levels)}</message>`);
}

const LONG = `urn:${'x'.repeat(10_000)}`;
const toComponent = (text: string, header: Record<string, string> = {}): Buffer =>
  rescope(Buffer.from(text), NS.server, NS.component, header);

describe('the cost of re-scoping', () => {
  test('elements do not pay for the prefixes in scope round them', () => {
    const work = (bytes: Buffer) => entriesWritten(() => rescope(bytes, NS.server, NS.component, {}));
    const once = work(deep(60, 600, 500));
    const moreElements = work(deep(60, 600, 1_000));
    const morePrefixes = work(deep(60, 1_200, 500));
    // Each element has its own map for its declarations.
    assert.ok(moreElements - once <= 5 * 500, `${moreElements - once} entries for 500 elements more`);
    assert.ok(morePrefixes - once <= 10 * 600, `${morePrefixes - once} entries for 600 prefixes more`);
  });

  for (const [what, text, header] of [
    ['a prefix of the stream header', `<message>${'<p:a/>'.repeat(1_000)}</message>`, { p: LONG }],
    ['the same on attributes', `<message>${"<a p:a=''/>".repeat(1_000)}</message>`, { p: LONG }],
    [
      'the default namespace of an extension that wears a prefix',
      `<message><p:x xmlns:p='u' xmlns='${LONG}'>${'<a/>'.repeat(1_000)}</p:x></message>`,
      {},
    ],
    [
      'the default namespace of a content element that wears a prefix',
      `<message><s:body xmlns:s='${NS.server}' xmlns='${LONG}'>${'<a><b/>ns0 ns1</a>'.repeat(500)}</s:body></message>`,
      {},
    ],
  ] as const) {
    test(`a long name is written once, however many use it: ${what}`, () => {
      const out = toComponent(text, header).toString();
      assert.equal(out.split(LONG).length - 1, 1);
      const declared = Object.entries(header).map(([prefix, name]) => ` xmlns:${prefix}='${name}'`);
      const before = meaning(`<s:stream xmlns:s='urn:s' xmlns='${NS.server}'${declared.join('')}>${text}</s:stream>`);
      assert.deepEqual(
        meaning(`<s:stream xmlns:s='urn:s' xmlns='${NS.component}'>${out}</s:stream>`),
        JSON.parse(JSON.stringify(before).replaceAll(`{${NS.server}}`, `{${NS.component}}`)),
      );
    });
  }

  test('a prefix of the header that the stanza binds otherwise for a while is declared on the root', () => {
    const header = `<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}' xmlns:p='urn:header'>`;
    const text =
      "<message><p:a xmlns:p='urn:own'><p:b/></p:a><p:c xmlns:p='urn:header'/><x><p:d p:e=''/></x></message>";
    const [stanza] = frame(whole(header + text)).stanzas;
    const out = stanza?.relay(NS.server).toString() ?? '';
    assert.match(out, /^<message xmlns:p="urn:header">/);
    const plain = `<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}'>`;
    assert.deepEqual(meaning(`${plain}${out}</stream:stream>`), meaning(`${header}${text}</stream:stream>`));
  });
});

test('an element that is left leaves prefixes as it found them', () => {
  const scope = new PrefixScope([['', 'urn:default']]);
  scope.enter();
  scope.declare('', 'urn:a');
  scope.declare('__proto__', 'urn:a');
  scope.enter();
  scope.declare('', 'urn:b');
  scope.declare('', 'urn:c');
  scope.declareAround('p', 'urn:around');
  scope.declare('p', 'urn:b');
  const names = () => ['', '__proto__', 'p', 'toString'].map((prefix) => scope.nameOf(prefix));
  assert.deepEqual(names(), ['urn:c', 'urn:a', 'urn:b', '']);
  scope.leave();
  assert.deepEqual(names(), ['urn:a', 'urn:a', 'urn:around', '']);
  scope.leave();
  assert.deepEqual(names(), ['urn:default', '', 'urn:around', '']);
});
