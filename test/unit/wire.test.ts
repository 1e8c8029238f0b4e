/**
 * Wire elements: every example in the specifications is read as the right kind, and what we write is read back the
 * same.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Framer } from '../../src/adapters/framer/framer.ts';
import { decodeAuthzid, encodeAuthzid, type WireElement } from '../../src/protocol/wire.ts';
import { readWireElement, wireToXml } from '../../src/protocol/wire-xml.ts';
import { HEADER } from '../support/framing.ts';

interface Example {
  readonly xep: string;
  readonly section: string;
  readonly xml: string;
}
const { examples } = JSON.parse(readFileSync(new URL('../fixtures/xml/examples.json', import.meta.url), 'utf8')) as {
  examples: Example[];
};

/** The elements that the framer and the reader find in a piece of a stream, as far as it can be read. */
function read(xml: string): WireElement[] {
  const elements: WireElement[] = [];
  const ignore = (): void => undefined;
  const framer = new Framer(
    {
      streamOpened: ignore,
      stanza: ignore,
      streamClosed: ignore,
      fault: ignore,
      element: (element) => elements.push(readWireElement(element)),
    },
    {},
  );
  framer.push(Buffer.from(/<(?:stream:)?stream[\s>]/.test(xml) ? xml : HEADER + xml));
  return elements;
}

const kindOfTag: Readonly<Record<string, WireElement['kind']>> = {
  'db:result': 'result',
  'db:verify': 'verify',
  'stream:features': 'features',
  features: 'features',
  starttls: 'starttls',
  proceed: 'proceed',
  auth: 'auth',
  success: 'success',
  // The DNA protocol of 2009; no example shows SASL elements with these names.
  assert: 'dnaAssert',
  challenge: 'dnaChallenge',
  proof: 'dnaProof',
  impossible: 'dnaImpossible',
  valid: 'dnaValid',
  invalid: 'dnaInvalid',
};
/** Printed with mistakes that no parser accepts: `<mechanism>EXTERNAL<mechanism>` (XEP-0178, XEP-0288). */
const isMisprinted = ({ xml }: Example): boolean => /EXTERNAL<mechanism>/.test(xml);

for (const [index, example] of examples.entries()) {
  const tag = /^\s*<([\w:]+)/.exec(example.xml)?.[1] ?? '';
  const kind = kindOfTag[tag];
  if (kind === undefined || isMisprinted(example)) continue;
  test(`example ${String(index)}, ${example.xep} §${example.section}: <${tag}> is read as ${kind}, and comes back the same`, () => {
    const [first] = read(example.xml);
    assert.ok(first);
    assert.equal(first.kind, kind);
    const written = wireToXml(first);
    assert.deepEqual(read(written), [first], written);
  });
}

test('STARTTLS alone is mandatory, and beside something else only if it says so (RFC 6120 §5.3.1)', () => {
  const tls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
  const readTls = (content: string): unknown => {
    const [features] = read(`<stream:features>${content}</stream:features>`);
    return features?.kind === 'features' ? features.startTls : features;
  };
  assert.equal(readTls(tls), 'required');
  assert.equal(readTls(`${tls}<bidi xmlns='urn:xmpp:features:bidi'/>`), 'optional');
  assert.equal(
    readTls(`${tls.replace('/>', '><required/></starttls>')}<bidi xmlns='urn:xmpp:features:bidi'/>`),
    'required',
  );
  assert.equal(readTls(''), 'absent');
});

const answers = [
  { type: 'valid' },
  { type: 'invalid' },
  { type: 'error', condition: 'item-not-found' },
  { type: 'error', condition: 'forbidden', text: 'no & <never>' },
] as const;
const pair = { from: 'a.example', to: 'b.example' };
const ours: readonly WireElement[] = [
  ...answers.map((answer) => ({ kind: 'result', ...pair, key: null, answer }) as const),
  ...answers.map((answer) => ({ kind: 'verify', ...pair, id: "i'd<&>\n\t\r ", key: null, answer }) as const),
  { kind: 'result', ...pair, key: 'abc', answer: null },
  { kind: 'starttlsFailure' },
  { kind: 'challenge' },
  { kind: 'response', data: 'YQ==' },
  { kind: 'response', data: '' },
  { kind: 'auth', mechanism: 'EXTERNAL', initialResponse: null },
  { kind: 'saslFailure', condition: 'invalid-authzid', text: 'not you' },
  { kind: 'bidi' },
  { kind: 'streamError', condition: 'host-unknown', text: '"c.example" is not served here' },
  {
    kind: 'features',
    startTls: 'optional',
    mechanisms: ['EXTERNAL'],
    dialback: true,
    dialbackErrors: false,
    bidi: true,
    unknown: [],
  },
  {
    kind: 'features',
    startTls: 'absent',
    mechanisms: [],
    dialback: false,
    dialbackErrors: false,
    bidi: false,
    asserts: ['b.example', 'b2.example'],
    unknown: [],
  },
  { kind: 'dnaAssert', from: 'a.example' },
  { kind: 'dnaChallenge', to: 'a.example', types: ['urn:xmpp:dna:proof:attribute-cert', 'http://x.example/?a=1&b=2'] },
  { kind: 'dnaProof', from: 'a.example', type: 'urn:xmpp:dna:proof:xml-assertion', data: `<a b='"'>&amp;</a> ]]>` },
  { kind: 'dnaImpossible', from: 'a.example' },
  { kind: 'dnaValid', to: 'a.example' },
  { kind: 'dnaInvalid', to: 'a.example' },
];
for (const element of ours) {
  test(`what we write is read back: ${JSON.stringify(element)}`, () => {
    assert.deepEqual(read(wireToXml(element)), [element]);
  });
}

const dna = (xml: string) => read(xml.replace(/^<\w+/, "$& xmlns='urn:xmpp:dna:0'"))[0];

test('a proof is its text, or the XML that it holds; one that is too large is not looked at (ProtoXEP §4.6)', () => {
  const proof = { kind: 'dnaProof', from: 'a.example', type: 't' } as const;
  const contents = (content: string) => dna(`<proof from='a.example' type='t'>${content}</proof>`);
  assert.deepEqual(contents('\n AAAA\nBBBB \n'), { ...proof, data: 'AAAA\nBBBB' });
  assert.deepEqual(contents('<![CDATA[<x/>]]>'), { ...proof, data: '<x/>' });
  assert.deepEqual(contents(" <x509 xmlns='urn:x'>AAAA</x509> "), {
    ...proof,
    data: '<x509 xmlns="urn:x">AAAA</x509>',
  });
  assert.deepEqual(contents(''), { ...proof, data: '' });
  assert.deepEqual(contents('A'.repeat(16_384)), { ...proof, data: 'A'.repeat(16_384) });
  assert.deepEqual(contents('A'.repeat(16_385)), { ...proof, data: null });
  assert.deepEqual(contents(`<x>${'A'.repeat(16_384)}</x>`), { ...proof, data: null });
});

test('of proof types and asserted domains the first few are looked at, however many come', () => {
  const challenge = dna(`<challenge to='a.example'>${"<proof type='t'/>".repeat(100)}</challenge>`);
  assert.equal(challenge?.kind === 'dnaChallenge' && challenge.types.length, 16);
  const assertions = "<assert xmlns='urn:xmpp:dna:0' from='a.example'/>".repeat(100);
  const [features] = read(`<stream:features>${assertions}</stream:features>`);
  assert.equal(features?.kind === 'features' && features.asserts?.length, 16);
});

test('of the DNA protocol only what stands in its namespace is read as such; SASL has a <challenge/> too', () => {
  assert.deepEqual(dna("<challenge to='a.example'><proof xmlns='urn:x' type='t'/><other type='t'/></challenge>"), {
    kind: 'dnaChallenge',
    to: 'a.example',
    types: [],
  });
  assert.equal(read("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")[0]?.kind, 'challenge');
  for (const name of ['assert', 'challenge', 'proof', 'impossible', 'valid', 'invalid'])
    assert.equal(read(`<${name} xmlns='urn:xmpp:dna:1' from='a' to='a'/>`)[0]?.kind, 'unsupported', name);
  assert.equal(dna("<other from='a'/>")?.kind, 'unsupported');
});

test('a stream error without a condition, or with words only, is undefined-condition', () => {
  const text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>why</text>";
  assert.deepEqual(read(`<stream:error>${text}</stream:error>`), [
    { kind: 'streamError', condition: 'undefined-condition', text: 'why' },
  ]);
});

test('where a condition says where to instead, that is told with it (RFC 6120 §4.9.3.19)', () => {
  const elsewhere = `<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>other.example:5270</see-other-host>`;
  const text = `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>moved</text>`;
  const told = (inner: string): unknown => read(`<stream:error>${inner}</stream:error>`)[0];
  const element = { kind: 'streamError', condition: 'see-other-host' } as const;
  assert.deepEqual(told(elsewhere), { ...element, text: 'other.example:5270' });
  assert.deepEqual(told(elsewhere + text), { ...element, text: 'other.example:5270: moved' });
});

test('who was sent a dialback key may repeat it, and that is not told', () => {
  const key = 'B4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3';
  const [answer] = read(
    `<db:result from='b.example' to='a.example' type='error'><error type='cancel'>` +
      `<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
      `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no ${key} here</text></error></db:result>`,
  );
  assert.ok(answer?.kind === 'result' && answer.answer?.type === 'error');
  assert.equal(answer.answer.text, 'no … here');
  const text = `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${key}?</text>`;
  const [error] = read(`<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>${text}</stream:error>`);
  assert.deepEqual(error, { kind: 'streamError', condition: 'reset', text: '…?' });
});

test('the text of an error shows no other order than it has, wherever it is told', () => {
  const text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>a\u202eb\u2066c</text>";
  assert.deepEqual(read(`<stream:error>${text}</stream:error>`), [
    { kind: 'streamError', condition: 'undefined-condition', text: 'a\ufffdb\ufffdc' },
  ]);
});

test('of a namespace that many inherit no more is told than of any other, and not for each of them', () => {
  const long = `urn:${'n'.repeat(250_000)}`;
  const many = '<x:a><x:required/></x:a>'.repeat(5_000);
  const [features] = read(`<stream:features xmlns:x='${long}'>${many}</stream:features>`);
  const unknown = features?.kind === 'features' ? features.unknown : [];
  assert.ok(unknown.length > 0 && unknown.length <= 16, `${unknown.length}`);
  assert.ok(unknown.every((name) => name.startsWith('{urn:nnn') && name.length < 500));
  const [other] = read(`<x:a xmlns:x='${long}'/>`);
  assert.ok(other?.kind === 'unsupported' && other.name.length < 500);
});

test('dialback elements in another namespace are not dialback', () => {
  assert.equal(read("<result xmlns='jabber:server' from='a' to='b' type='valid'/>")[0]?.kind, 'unsupported');
});

test('authzid: = and nothing are empty; base64 is strict; NUL and bad UTF-8 are refused (RFC 6120 §6.4.2, §13.9.1)', () => {
  assert.equal(decodeAuthzid('='), '');
  assert.equal(decodeAuthzid(''), '');
  assert.equal(decodeAuthzid('Y2FwdWxldC5saXQ='), 'capulet.lit', 'XEP-0288 §3');
  assert.equal(encodeAuthzid('capulet.lit'), 'Y2FwdWxldC5saXQ=');
  for (const wrong of ['Y', 'YQ', 'YQ=', 'YR==', 'Y Q=', 'Y-_=', '====', 'AA==', '/w=='])
    assert.equal(decodeAuthzid(wrong), null, wrong);
});

test('<abort/> is read as what it is, and not as something unknown (RFC 6120 §6.4.4)', () => {
  const abort = { kind: 'abort' } as const;
  assert.deepEqual(read(wireToXml(abort)), [abort]);
});

test('what is kept of an element does not keep the element: names, keys and texts are strings of their own', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapMegabytes = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1024 / 1024;
  };
  const pad = 'x'.repeat(200_000);
  const name = 'a-name-that-is-long-enough.example';
  const kept: WireElement[] = [];
  const elements = (i: number): string[] => [
    `<db:verify from='${name}' to='${name}' id='an-id-of-some-length-${i}' pad='${pad}'>the key of the pair</db:verify>`,
    `<db:result from='${name}' to='${name}' pad='${pad}'>the key of the pair ${i}</db:result>`,
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='AN-UNKNOWN-MECHANISM-${i}' pad='${pad}'>YS5leGFtcGxlLm5ldA==</auth>`,
    `<an-unknown-element-${i} xmlns='urn:x' pad='${pad}'/>`,
    `<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>some words ${i}</text><pad>${pad}</pad></stream:error>`,
    `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>AN-UNKNOWN-MECHANISM-${i}</mechanism></mechanisms><an-unknown-element xmlns='urn:y'><required/></an-unknown-element><pad>${pad}</pad></stream:features>`,
    `<assert xmlns='urn:xmpp:dna:0' from='${name}' pad='${pad}'/>`,
    `<proof xmlns='urn:xmpp:dna:0' from='${name}' type='urn:example:a-type-of-proof' pad='${pad}'>the contents of a proof</proof>`,
  ];
  const readAll = (i: number): unknown => elements(i).map((xml) => kept.push(...read(xml)));
  readAll(0);
  for (const one of elements(0).keys()) {
    const before = heapMegabytes();
    for (let i = 1; i <= 50; i += 1) kept.push(...read(elements(i)[one] ?? ''));
    const grown = heapMegabytes() - before;
    assert.ok(grown < 3, `${kept.at(-1)?.kind ?? '?'}: 50 of 200 kB leave ${grown.toFixed(1)} MB`);
  }
});
