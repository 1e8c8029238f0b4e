/**
 * Stanzas re-scoped, and read again by saxes: their meaning stays, whatever names strangers choose (RFC 6120 §4.8.3).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NS } from '../../src/protocol/namespaces.ts';
import { frame, whole } from '../support/framing.ts';
import { meaning } from '../support/xml-oracle.ts';

/** Property names of every JavaScript object, and ordinary names. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'a', 'é'] as const;
const HEADER = `<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}'${NAMES.map((name) => ` xmlns:${name}='urn:${name}'`).join('')}>`;

const name = fc.constantFrom(...NAMES);
const prefixed = fc.tuple(name, name).map((parts) => parts.join(':'));
const qualified = fc.oneof(name, prefixed);
const attributes = fc
  .uniqueArray(
    fc.oneof(
      fc.tuple(qualified, fc.constantFrom('', '1', '&lt;', 'é')),
      fc.tuple(
        name.map((prefix) => `xmlns:${prefix}`),
        name.map((own) => `urn:other:${own}`),
      ),
      fc.tuple(fc.constant('xmlns'), fc.constantFrom('urn:default', NS.server, '')),
    ),
    { maxLength: 3, selector: ([key]) => key },
  )
  .map((all) => all.map(([key, value]) => ` ${key}='${value}'`).join(''));
const element: fc.Memo<string> = fc.memo((depth) =>
  fc
    .tuple(qualified, attributes, depth <= 1 ? fc.constant(['t']) : fc.array(element(depth - 1), { maxLength: 3 }))
    .map(([tag, own, content]) => `<${tag}${own}>${content.join('')}</${tag}>`),
);
const stanza = fc
  .tuple(fc.array(fc.oneof(name, prefixed), { maxLength: 1 }), fc.array(element(3), { minLength: 1, maxLength: 3 }))
  .map(([own, content]) => `<message${own.map((key) => ` ${key}='1'`).join('')}>${content.join('')}</message>`);

const isTag = (event: unknown): event is [name: string, attributes: unknown] => Array.isArray(event);

/**
 * The expected events for a stream with another content namespace: only elements at the top of that namespace change.
 */
function moved(events: readonly unknown[], from: string, to: string): unknown[] {
  const open: boolean[] = [true];
  return events.map((event): unknown => {
    if (event === '/') open.pop();
    if (!isTag(event)) return event;
    const [tag, own] = event;
    const goes = open.at(-1) === true && tag.startsWith(`{${from}}`);
    open.push(goes);
    return goes ? [`{${to}}${tag.slice(from.length + 2)}`, own] : event;
  });
}

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
const runs = Number(process.env['FUZZ_RUNS'] ?? 1000);

test(`prefixes, attributes and elements that bear names of Object.prototype keep their meaning (seed ${seed})`, (t) => {
  let compared = 0;
  const property = fc.property(stanza, (text) => {
    const [read] = frame(whole(HEADER + text)).stanzas;
    if (read === undefined) return; // the same attribute twice, by namespace
    const before = meaning(`${HEADER}${text}</stream:stream>`);
    for (const namespace of [NS.server, NS.component]) {
      const plain = `<stream:stream xmlns='${namespace}' xmlns:stream='${NS.streams}'>`;
      const out = meaning(`${plain}${read.relay(namespace).toString()}</stream:stream>`);
      assert.deepEqual(out, moved(before, NS.server, namespace));
    }
    compared += 1;
  });
  fc.assert(property, { seed, numRuns: runs });
  t.diagnostic(`${compared} of ${runs} stanzas compared`);
  assert.ok(compared > runs / 2, `${compared} of ${runs} compared: the generator is one-sided`);
});

test('a prefix __proto__ of the stream header is declared where it is used, on elements and on attributes', () => {
  const header = `<stream:stream xmlns='${NS.server}' xmlns:stream='${NS.streams}' xmlns:__proto__='urn:p'>`;
  for (const content of ['<__proto__:b>hi</__proto__:b>', "<b __proto__:a='1'/>", '<b><__proto__:__proto__/></b>']) {
    const { stanzas, events } = frame(whole(`${header}<message>${content}</message>`));
    for (const namespace of [NS.server, NS.component]) {
      assert.match(stanzas[0]?.relay(namespace).toString() ?? events.join(), / xmlns:__proto__="urn:p"/);
    }
    assert.equal(stanzas[0]?.element.attrs['xmlns:__proto__'], 'urn:p', 'the tree has it too');
  }
});
