/**
 * Parts of the page that need no browser: the replacements for Node modules used by replay, and the highlighting in a
 * chart.
 */
import assert from 'node:assert/strict';
import { domainToASCII, domainToUnicode } from 'node:url';
import { test } from 'node:test';
import { holds, isTaken, litIn } from '../../visualize/page/chart-paths.ts';
import * as likes from '../../visualize/page/node/url.ts';
import { traceIn } from '../../visualize/page/trace-bytes.ts';
import { statePaths } from '../support/page.ts';

test('domains are prepared in a page as they are in Node (RFC 5890)', () => {
  const names = [
    ...[
      'b.example',
      'B.Example',
      'bücher.example',
      'xn--bcher-kva.example',
      'straße.example',
      'faß.example',
      'xn--fa-hia.example',
    ],
    ...[
      '例え.テスト',
      'xn--r8jz45g.xn--zckzah',
      'مثال.إختبار',
      'xn--mgbh0fb.xn--kgbechtv',
      'xn--example-',
      'xn--a',
      'xn--',
      'xn--ls8h.la',
    ],
    ...[
      '[2001:DB8::1]',
      '[::ffff:192.0.2.1]',
      'a b',
      'a%41.example',
      '',
      'x',
      'ab--cd.example',
      'xn--zca.example',
      'xn--0ca24w.example',
    ],
  ];
  for (const name of names) {
    assert.equal(likes.domainToASCII(name), domainToASCII(name), `ASCII of ${name}`);
    const ascii = domainToASCII(name);
    if (ascii !== '') assert.equal(likes.domainToUnicode(ascii), domainToUnicode(ascii), `Unicode of ${ascii}`);
  }
});

test('bytes are what they are in Node, from hexadecimal, base64 and text, and back', async () => {
  const OfNode = Buffer;
  await import('../../visualize/page/node/buffer.ts');
  const OfPage = Buffer;
  globalThis.Buffer = OfNode;
  assert.notEqual(OfPage, OfNode);
  for (const encoding of ['hex', 'base64', 'utf8', 'latin1'] as const)
    for (const text of ['', '00ff10', 'YS5leGFtcGxl', 'YQ==', 'a-_b', 'é…', 'abc', 'zz']) {
      const [page, node] = [OfPage.from(text, encoding), OfNode.from(text, encoding)];
      assert.deepEqual([...page], [...node], `${encoding} ${text}`);
      for (const back of ['hex', 'base64', 'utf8', 'latin1'] as const)
        assert.equal(page.toString(back), node.toString(back), `${encoding} ${text} as ${back}`);
    }
});

test('every state of every chart has its place in the picture that the page lights', () => {
  const charts = statePaths();
  assert.ok(charts.length > 10);
  for (const { machine, states, drawn } of charts)
    for (const state of states) assert.ok(drawn.includes(state), `${machine}: ${state}`);
});

test('the way that was taken: arrows from a state or what holds it, to a state or what holds it; what was not left, was not', () => {
  const lit = litIn(
    [{ state: 'connecting' }, { state: 'headers.waiting' }, { state: 'headers.features' }],
    'headers.features',
  );
  assert.deepEqual([...lit.passed], ['connecting', 'headers.waiting', 'headers.features']);
  assert.ok(isTaken(lit, 'connecting', 'headers'));
  assert.ok(isTaken(lit, 'headers.waiting', 'headers.features'));
  assert.ok(!isTaken(lit, 'headers.features', 'headers'));
  assert.ok(!isTaken(lit, 'connecting', 'headers.features'));
  assert.ok(!isTaken(lit, 'headers', 'closing'));
  assert.ok(holds('', 'a.b') && holds('a', 'a.b') && !holds('a', 'ab'));
});

test('of a bundle the trace is read, however its bytes are cut; what is no bundle is read as it is', async () => {
  const trace = '{"trace":"xmpp-dna"}\n{"kind":"lost"}\n';
  const bundle = `{"bundle":"xmpp-dna"}\n{"event":"explanation","cause":"{\\"trace\\":"}\n${trace}`;
  const bytes = new TextEncoder().encode(bundle);
  for (const size of [1, 2, 7, 11, 1_000]) {
    const cut = (async function* () {
      await Promise.resolve();
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    assert.equal(await textOf(traceIn(cut)), trace, `${size} bytes at a time`);
  }
  for (const text of [trace, 'x', '', 'no trace at all\n']) {
    const whole = (async function* () {
      await Promise.resolve();
      yield new TextEncoder().encode(text);
    })();
    assert.equal(await textOf(traceIn(whole)), text);
  }
});

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
  return text;
}
