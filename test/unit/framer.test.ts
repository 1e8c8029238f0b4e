import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Framer, type StreamTag } from '../../src/adapters/framer/framer.ts';
import { NS } from '../../src/protocol/namespaces.ts';
import { byteByByte, frame, HEADER, whole } from '../support/framing.ts';

const NS_XML = NS.xml;
const bytesOf = (...values: number[]): string => Buffer.from(values).toString('latin1');
/** Text whose characters up to U+00FF represent bytes. */
const raw = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('what stands inside a stanza', () => {
  const accepted: Record<string, string> = {
    'predefined entities and character references':
      '<body a="&lt;&gt;&amp;&apos;&quot;&#9;&#x10FFFF;">&lt;&#10;&#x0041;</body>',
    'leading zeros in a character reference': '<a>&#0000000000000000065;</a>',
    'CDATA sections (RFC 6120 §11.1 does not forbid them)': '<a><![CDATA[<&>]]>]] ><![CDATA[]]]]><![CDATA[]]></a>',
    'a > in text and in a value': "<a b='>'>></a>",
    'one bracket before >': '<a>]></a>',
    'the other quote in a value': `<a b='"' c="'"/>`,
    'white space wherever a tag allows it': "<a\t b\n=\r'1'  c = '2' ></a\n>",
    'names beyond ASCII': '<élan ünit="1"><名 前·="x"/></élan>',
    'names with digits, dots and hyphens': '<a-1.b_ c-2="x"/>',
    'characters of four bytes, and U+FEFF inside': '<a b="😀">\u{10FFFF}\uFEFF\uFFFD\u0085</a>',
    'a prefix declared where it is used': "<p:a xmlns:p='urn:p' p:b='1' b='1'/>",
    'a prefix declared around': "<a xmlns:p='urn:p'><p:b/><c p:d='1'/></a>",
    'a prefix bound again': "<a xmlns:p='urn:p'><b xmlns:p='urn:q'><p:c/></b><p:d/></a>",
    'a default namespace taken back': "<a xmlns=''><b/></a>",
    'xml:lang and an explicit xmlns:xml': `<a xml:lang='en' xmlns:xml='${NS_XML}'/>`,
    'prefixes of the stream header': '<db:x/>',
  };
  /** A stanza that the recogniser may accept, and one that needs the full reader, because it declares a prefix. */
  const messages = (content: string): string[] => [
    `<message to='x' from='y'>${content}</message>`,
    `<message to='x' from='y' xmlns:unused='urn:unused'>${content}</message>`,
  ];
  for (const [what, xml] of Object.entries(accepted)) {
    test(`accepted: ${what}`, () => {
      for (const stanza of messages(xml)) {
        for (const chunks of [whole(HEADER + stanza), byteByByte(Buffer.from(HEADER + stanza))]) {
          const framed = frame(chunks);
          assert.equal(framed.fault, null, framed.text);
          assert.equal(framed.stanzas[0]?.bytes.toString(), stanza);
        }
      }
    });
  }

  const refused: Record<string, Record<string, string>> = {
    'not-well-formed': {
      'end tag of another name': '<a></b>',
      'end tag of a longer name': '<a></ab>',
      'end tag of a shorter name': '<ab></a>',
      'end tag with an attribute': "<a></a b='1'>",
      'end tag with white space before its name': '<a></ a>',
      'attribute without a value': '<a b/>',
      'attribute without quotes': '<a b=1/>',
      'attributes without space between': "<a b='1'c='2'/>",
      '< in a value': "<a b='<'/>",
      'same attribute twice': "<a b='1' c='2' b='3'/>",
      'same attribute twice by namespace': "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
      'two declarations of one prefix': "<a xmlns:p='u' xmlns:p='v'/>",
      'element with an undeclared prefix': '<p:a/>',
      'attribute with an undeclared prefix': "<a p:b='1'/>",
      'prefix used after its element': "<a xmlns:p='u'/><p:b/>",
      'prefix taken back': "<a xmlns:p=''/>",
      'prefix xmlns on an element': '<xmlns:a/>',
      'prefix xmlns declared': `<a xmlns:xmlns='${NS.xmlns}'/>`,
      'prefix xml bound to another name': "<a xmlns:xml='urn:x'/>",
      'another prefix bound to the xml namespace': `<a xmlns:p='${NS_XML}'/>`,
      'xml namespace as the default': `<a xmlns='${NS_XML}'/>`,
      'xmlns namespace as the default': `<a xmlns='${NS.xmlns}'/>`,
      'xml namespace in disguise': `<a xmlns='${NS_XML.replace('w3', 'w&#51;')}'/>`,
      'two colons': "<a:b:c xmlns:a='u'/>",
      'colon first': '<:a/>',
      'colon last': "<a: xmlns:a='u'/>",
      'local part that begins with a digit': "<p:1 xmlns:p='u'/>",
      'name that begins with a digit': '<1a/>',
      'name that begins with a hyphen': '<-a/>',
      'space after <': '< a/>',
      'no name': '<>',
      'character that no name has': '<a\u00D7/>',
      'solidus without >': '<a/ >',
      ']]> in text': '<a>]]></a>',
      'control character in text': '<a>\u0001</a>',
      'control character in a value': "<a b='\u001F'/>",
      'U+FFFE in text': '<a>\uFFFE</a>',
      'U+FFFF in a value': "<a b='\uFFFF'/>",
      'control character in CDATA': '<![CDATA[\u0000]]>',
      'reference to U+0000': '<a>&#0;</a>',
      'reference to a surrogate': '<a>&#xD800;</a>',
      'reference beyond Unicode': '<a>&#x110000;</a>',
      'hexadecimal reference with a capital X': '<a>&#X41;</a>',
      'empty reference': '<a>&;</a>',
      'reference without digits': '<a>&#x;</a>',
      'reference without an end': '<a>&lt </a>',
      'bare ampersand': '<a>& </a>',
      'unknown markup': '<!foo>',
      'CDATA in small letters': '<![cdata[x]]>',
    },
    'restricted-xml': {
      comment: '<!-- x -->',
      'processing instruction': '<?php x?>',
      'XML declaration inside': "<?xml version='1.0'?>",
      'document type declaration': '<!DOCTYPE x>',
      'entity that is not predefined': '<a>&nbsp;</a>',
      'entity beyond ASCII': '<a>&é;</a>',
      'entity in a value': "<a b='&copy;'/>",
    },
  };
  for (const [condition, cases] of Object.entries(refused)) {
    for (const [what, xml] of Object.entries(cases)) {
      test(`${condition}: ${what}`, () => {
        for (const stanza of messages(xml)) {
          const text = Buffer.from(`${HEADER}${stanza}</stream:stream>`);
          for (const chunks of [[text], byteByByte(text)]) {
            const framed = frame(chunks);
            assert.equal(framed.fault, condition, framed.events.join('\n'));
            assert.equal(framed.stanzas.length, 0);
          }
        }
      });
    }
  }

  const notUtf8: Record<string, string> = {
    'a lone continuation byte': bytesOf(0x80),
    'an overlong form of two bytes': bytesOf(0xc0, 0xaf),
    'an overlong form of three bytes': bytesOf(0xe0, 0x9f, 0xbf),
    'an overlong form of four bytes': bytesOf(0xf0, 0x8f, 0xbf, 0xbf),
    'a surrogate': bytesOf(0xed, 0xa0, 0x80),
    'beyond U+10FFFF': bytesOf(0xf4, 0x90, 0x80, 0x80),
    'a byte that never occurs': bytesOf(0xff),
    'a character cut short': bytesOf(0xe2, 0x82),
    'a character of four bytes cut short': bytesOf(0xf0, 0x9f, 0x98),
  };
  for (const [what, bad] of Object.entries(notUtf8)) {
    test(`unsupported-encoding: ${what} (RFC 6120 §4.9.3.22, RFC 3629)`, () => {
      for (const place of [`<a>${bad}</a>`, `<a b='${bad}'/>`, `<a${bad}/>`, `<a><![CDATA[${bad}]]></a>`]) {
        const text = raw(`${HEADER}<message>${place}</message>`);
        for (const chunks of [[text], byteByByte(text)])
          assert.equal(frame(chunks).fault, 'unsupported-encoding', place);
      }
    });
  }
});

describe('the stream header (RFC 6120 §4.7, §4.8, §11)', () => {
  const opened = (xml: string | Buffer): { tag: StreamTag | null; fault: string | null } => {
    const framed = frame(whole(xml));
    const first = framed.events.find((event) => event.startsWith('opened '));
    const tag = first === undefined ? null : (JSON.parse(first.slice(first.indexOf('{'))) as StreamTag);
    return { tag, fault: framed.fault };
  };
  const header = (attributes: string, name = 'stream:stream'): string =>
    `<${name} xmlns='jabber:server' xmlns:stream='${NS.streams}' ${attributes}>`;

  test('attributes and namespaces are told apart', () => {
    assert.deepEqual(opened(header("to='a&amp;b' xml:lang='en' version='1.0' xmlns:db='jabber:server:dialback'")).tag, {
      prefix: 'stream',
      localName: 'stream',
      namespace: NS.streams,
      contentNamespace: 'jabber:server',
      attributes: { to: 'a&b', 'xml:lang': 'en', version: '1.0' },
      namespaces: { '': 'jabber:server', stream: NS.streams, db: NS.dialback },
    });
  });
  test('a prefix and an attribute may be called as they like, __proto__ as well', () => {
    const { attributes, namespaces } =
      opened(header("xmlns:__proto__='urn:p' __proto__='p' constructor='c' xmlns:toString='urn:t'")).tag ??
      assert.fail();
    assert.deepEqual(Object.entries(attributes).sort(), [
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    assert.deepEqual(Object.entries(namespaces).slice(2), [
      ['__proto__', 'urn:p'],
      ['toString', 'urn:t'],
    ]);
  });
  test('any prefix serves, and so does none (§4.8.2)', () => {
    assert.equal(opened(`<x:stream xmlns='jabber:server' xmlns:x='${NS.streams}'>`).tag?.prefix, 'x');
    const free = opened(`<stream xmlns='${NS.streams}'>`).tag;
    assert.equal(free?.prefix, '');
    assert.equal(free.contentNamespace, '');
  });
  const declarations: Record<string, string | null> = {
    "<?xml version='1.0'?>": null,
    '<?xml version="1.0" encoding="utf-8" ?>\n': null,
    ' \t\r\n': null,
    '': null,
    "<?xml version='1.0' encoding='UTF-16'?>": 'unsupported-encoding',
    "<?xml version='1.0' encoding='ISO-8859-1'?>": 'unsupported-encoding',
    "<?xml version='1.0' standalone='yes'?>": 'restricted-xml',
    "<?xml version='1.0' encoding='UTF-8' standalone='no'?>": 'restricted-xml',
    "<?xml version='1.1'?>": 'not-well-formed',
    "<?xml version='2.0'?>": 'not-well-formed',
    "<?xml encoding='UTF-8'?>": 'not-well-formed',
    "<?xml encoding='UTF-8' version='1.0'?>": 'not-well-formed',
    '<?xml?>': 'restricted-xml',
    " <?xml version='1.0'?>": 'restricted-xml',
    "<?xml version='1.0'?><?xml version='1.0'?>": 'restricted-xml',
    '<?pi?>': 'restricted-xml',
    '<!-- x -->': 'restricted-xml',
    '<!DOCTYPE stream>': 'restricted-xml',
    '<![CDATA[ ]]>': 'not-well-formed',
    '\uFEFF': 'not-well-formed',
    x: 'not-well-formed',
    '</a>': 'not-well-formed',
  };
  for (const [prolog, condition] of Object.entries(declarations)) {
    test(`before it, ${JSON.stringify(prolog)} is ${condition ?? 'accepted'}`, () => {
      const text = Buffer.from(prolog + header(''));
      for (const chunks of [[text], byteByByte(text)]) assert.equal(frame(chunks).fault, condition);
    });
  }
  test('UTF-16 is unsupported-encoding (§11.6)', () => {
    assert.equal(opened(Buffer.from([0xff, 0xfe, 0x3c, 0x00])).fault, 'unsupported-encoding');
    assert.equal(opened(Buffer.from([0xfe, 0xff, 0x00, 0x3c])).fault, 'unsupported-encoding');
  });
  test('another namespace is invalid-namespace (§4.9.3.10), another name bad-format', () => {
    assert.equal(opened("<stream:stream xmlns:stream='http://wrong.example/'>").fault, 'invalid-namespace');
    assert.equal(opened("<stream xmlns='jabber:server'>").fault, 'invalid-namespace');
    assert.equal(opened('<stream>').fault, 'invalid-namespace');
    assert.equal(opened('<stream:stream>').fault, 'not-well-formed');
    assert.equal(opened(header('', 'stream:features')).fault, 'bad-format');
  });
  test('an empty stream opens and closes', () => {
    const { events } = frame(whole(`${header('')}</stream:stream> trailing`));
    assert.deepEqual(events.slice(1), ['closed']);
    assert.deepEqual(frame(whole(header('').replace('>', '/>'))).events.slice(1), ['closed']);
  });
});

describe('first-level elements', () => {
  test('stanzas are handed over as their bytes, with decoded addresses', () => {
    const { stanzas } = frame(whole(`${HEADER}<iq to='a&amp;&#x62;' from="c\td" id='&lt;1' type='get'/> <message/>`));
    const [iq, message] = stanzas;
    assert.deepEqual([iq?.kind, iq?.to, iq?.from, iq?.id, iq?.type], ['iq', 'a&b', 'c d', '<1', 'get']);
    assert.deepEqual(
      [message?.kind, message?.to, message?.from, message?.id],
      ['message', undefined, undefined, undefined],
    );
  });
  test('other elements come as trees that know their namespaces', () => {
    let found: string[] = [];
    const framer = new Framer({
      streamOpened: () => undefined,
      stanza: () => assert.fail('not a stanza'),
      element: (element) =>
        (found = [
          ...found,
          `${element.getName()} ${String(element.getNS())} ${element
            .getChildElements()
            .map((child) => child.getNS())
            .join()}`,
        ]),
      streamClosed: () => undefined,
      fault: (fault) => assert.fail(fault.text),
    });
    framer.push(
      Buffer.from(
        `${HEADER}<stream:features><starttls xmlns='${NS.tls}'/><x/></stream:features><db:result>k</db:result><foo/>`,
      ),
    );
    assert.deepEqual(found, [
      `features ${NS.streams} ${NS.tls},jabber:server`,
      `result ${NS.dialback} `,
      'foo jabber:server ',
    ]);
  });
  test('a stanza in another namespace than the content namespace is not a stanza (§4.8.4)', () => {
    const { stanzas, events } = frame(
      whole(`${HEADER}<message xmlns='jabber:client'/><message xmlns=''/><m:message xmlns:m='u'/>`),
    );
    assert.equal(stanzas.length, 0);
    assert.equal(events.filter((event) => event.startsWith('element ')).length, 3);
  });
  test('prefix-free streams carry stanzas that name their namespace (§4.8.2)', () => {
    const { stanzas } = frame(
      whole(`<stream xmlns='${NS.streams}'><message xmlns='jabber:server' to='x'/><error/></stream>`),
    );
    assert.deepEqual(
      stanzas.map(({ kind, contentNamespace }) => [kind, contentNamespace]),
      [['message', 'jabber:server']],
    );
  });
  test('a content-namespace element with a prefix is bad-namespace-prefix (§4.8.5)', () => {
    assert.equal(frame(whole(`${HEADER}<foo:message xmlns:foo='jabber:server'/>`)).fault, 'bad-namespace-prefix');
  });
  test('text between them is bad-format, as are CDATA and references; white space is told', () => {
    for (const text of ['x', '<![CDATA[ ]]>', '&#32;', 'é'])
      assert.equal(frame(whole(HEADER + text)).fault, 'bad-format', text);
    let spaces = 0;
    const ignore = (): void => undefined;
    const framer = new Framer({
      streamOpened: ignore,
      stanza: ignore,
      element: ignore,
      streamClosed: ignore,
      fault: ignore,
      whitespace: () => spaces++,
    });
    framer.push(Buffer.from(`${HEADER} \n<iq/>\t`));
    assert.equal(spaces, 2);
    assert.equal(framer.pendingBytes, 0);
  });
  test('a fault is the last word', () => {
    const { events } = frame([Buffer.from(`${HEADER}<iq></message>`), Buffer.from('<iq/></stream:stream>')]);
    assert.deepEqual(events.slice(1), ['fault xml not-well-formed end tag does not match its start tag']);
  });
});

describe('limits (RFC 6120 §13.12)', () => {
  const policy = (xml: string, limits: object): string[] => {
    const text = Buffer.from(xml);
    return [[text], byteByByte(text)].map((chunks) => {
      const { fault, text: why } = frame(chunks, limits);
      return fault === null ? 'accepted' : `${fault}: ${why}`;
    });
  };
  const twice = (text: string): string[] => [text, text];

  test('elementBytes counts from < to >, and stops before more is kept', () => {
    const stanza = `<message><body>${'x'.repeat(1000)}</body></message>`;
    assert.deepEqual(policy(HEADER + stanza, { elementBytes: stanza.length }), twice('accepted'));
    const tooLarge = twice(`policy-violation: element larger than ${stanza.length - 1} bytes`);
    assert.deepEqual(policy(HEADER + stanza, { elementBytes: stanza.length - 1 }), tooLarge);
    assert.deepEqual(policy(HEADER + stanza.slice(0, -1), { elementBytes: stanza.length - 1 }), twice('accepted'));
  });
  test('an endless tag, value, name, header or space before it is bounded too', () => {
    const long = 'x'.repeat(5000);
    for (const xml of [
      `${HEADER}<a b='${long}`,
      `${HEADER}<a><![CDATA[${long}`,
      `<stream a='${long}`,
      ' '.repeat(5000),
    ]) {
      assert.deepEqual(policy(xml, { elementBytes: 3000 }), twice('policy-violation: element larger than 3000 bytes'));
    }
    for (const xml of [`${HEADER}<${long}/>`, `${HEADER}<a><b ${long}='1'/>`, `${HEADER}<a>&#${'0'.repeat(5000)}1;`]) {
      assert.deepEqual(policy(xml, {}), twice('policy-violation: name or reference longer than 1024 bytes'));
    }
  });
  test('depth counts the stream header as 1', () => {
    const nested = (n: number): string => HEADER + '<a>'.repeat(n) + '</a>'.repeat(n);
    assert.deepEqual(policy(nested(4), { depth: 5 }), twice('accepted'));
    assert.deepEqual(policy(nested(5), { depth: 5 }), twice('policy-violation: elements nested deeper than 5'));
    assert.deepEqual(
      policy(`${HEADER}<a><b/></a>`, { depth: 2 }),
      twice('policy-violation: elements nested deeper than 2'),
    );
  });
  test('attributes', () => {
    const element = (n: number): string =>
      `${HEADER}<a ${Array.from({ length: n }, (_, i) => `a${i}='1'`).join(' ')}/>`;
    assert.deepEqual(policy(element(9), { attributes: 9 }), twice('accepted'));
    assert.deepEqual(
      policy(element(10), { attributes: 9 }),
      twice('policy-violation: more than 9 attributes on one element'),
    );
  });
  test('the limit can be raised once the peer is known', () => {
    let delivered = 0;
    const ignore = (): void => undefined;
    const fault = (what: unknown): never => assert.fail(JSON.stringify(what));
    const framer = new Framer(
      { streamOpened: ignore, stanza: () => delivered++, element: ignore, streamClosed: ignore, fault },
      { elementBytes: 300 },
    );
    framer.push(Buffer.from(HEADER));
    framer.setElementLimit(2000);
    framer.push(Buffer.from(`<message>${'x'.repeat(1000)}</message>`));
    assert.equal(delivered, 1);
  });
  for (const [what, piece, stanza] of [
    ['a value byte by byte', 'x', "<message a='"],
    ['a value of > byte by byte', '>', "<message a='"],
    ['a value of > in pieces', '>'.repeat(70), "<message><b a='"],
    ['text byte by byte', 'x', '<message><b>'],
  ] as const) {
    test(`a large element that trickles in, ${what}, costs linear time and little memory`, () => {
      const ignore = (): void => undefined;
      const framer = new Framer(
        { streamOpened: ignore, stanza: ignore, element: ignore, streamClosed: ignore, fault: ignore },
        { elementBytes: 30_000_000 },
      );
      framer.push(Buffer.from(HEADER + stanza));
      const one = Buffer.from(piece);
      const time = (count: number): number => {
        const start = process.cpuUsage();
        for (let i = 0; i < count; i++) framer.push(one);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      };
      time(10_000); // warm-up
      const early = time(30_000);
      const late = time(30_000);
      // With quadratic cost, the later bytes would be several times more expensive than the earlier ones; scheduling
      // alone does not cause that.
      assert.ok(late < early * 3 + 50_000, `${early} µs, then ${late} µs`);
      assert.ok(framer.pendingBytes > 70_000 * piece.length);
    });
  }
});

test('the size of a header is told with all before it, however it comes in pieces', () => {
  const padded = Buffer.from(HEADER.replace('?>', '?>\n \n'));
  for (const chunks of [[padded], byteByByte(padded), [padded.subarray(0, 30), padded.subarray(30)]])
    assert.match(frame(chunks).events[0] ?? '', new RegExp(`^opened ${padded.length} `));
});

describe('restart and halt', () => {
  interface Told {
    log: string[];
    framer: Framer;
  }
  const listening = (onElement: (framer: Framer) => void): Told => {
    const log: string[] = [];
    const framer: Framer = new Framer({
      streamOpened: (tag) => log.push(`opened ${tag.attributes['id'] ?? ''}`),
      stanza: (stanza) => log.push(stanza.kind),
      element(element) {
        log.push(element.getName());
        onElement(framer);
      },
      streamClosed: () => log.push('closed'),
      fault: (fault) => log.push(fault.condition),
    });
    return { log, framer };
  };
  test('inside a callback, the rest of the chunk is the new stream (RFC 6120 §6.4.6)', () => {
    const { log, framer } = listening((self) => self.restart());
    framer.push(Buffer.from(`${HEADER}<success xmlns='${NS.sasl}'/>${HEADER.replace('s1', 's2')}<iq/>`));
    assert.deepEqual(log, ['opened s1', 'success', 'opened s2', 'iq']);
  });
  test('the old header and its prefixes are forgotten', () => {
    const { log, framer } = listening((self) => self.restart());
    framer.push(Buffer.from(`${HEADER}<success/><stream:stream xmlns:stream='${NS.streams}'><db:x/>`));
    assert.deepEqual(log, ['opened s1', 'success', 'opened ', 'not-well-formed']);
  });
  test('halt keeps what follows unread, and restart forgets it (S5)', () => {
    const { log, framer } = listening((self) => self.halt());
    framer.push(Buffer.from(`${HEADER}<proceed xmlns='${NS.tls}'/><injected/>`));
    assert.equal(framer.pendingBytes, '<injected/>'.length);
    framer.push(Buffer.from('more'));
    assert.equal(framer.pendingBytes, '<injected/>more'.length);
    framer.restart();
    assert.equal(framer.pendingBytes, 0);
    framer.push(Buffer.from(HEADER));
    assert.deepEqual(log, ['opened s1', 'proceed', 'opened s1']);
  });
  test('halt with nothing behind leaves nothing pending', () => {
    const { framer } = listening((self) => self.halt());
    for (const chunk of byteByByte(Buffer.from(`${HEADER}<proceed xmlns='${NS.tls}'/>`))) framer.push(chunk);
    assert.equal(framer.pendingBytes, 0);
  });
  test('garbage in small pieces inside a stanza is told at the latest after 2 KiB', () => {
    for (const start of ['<message', '<message>', "<message><body a='\u00e9'>"]) {
      const { log, framer } = listening(() => undefined);
      framer.push(Buffer.from(HEADER + start));
      for (let i = 0; i <= 2048 / 3; i++) framer.push(raw('a\xffb'));
      assert.deepEqual(log, ['opened s1', 'unsupported-encoding'], start);
    }
  });
  test('pendingBytes counts an element that has begun', () => {
    const { framer } = listening(() => undefined);
    framer.push(Buffer.from(`${HEADER}<message><bo`));
    assert.equal(framer.pendingBytes, '<message><bo'.length);
    framer.push(Buffer.from('dy>&am'));
    assert.equal(framer.pendingBytes, '<message><body>&am'.length);
  });
});

test('streams that come in pieces by turns do not touch what was handed over of each other', () => {
  const told: Buffer[][] = Array.from({ length: 5 }, () => []);
  const nothing = (): void => undefined;
  const framers = told.map(
    (stanzas) =>
      new Framer(
        {
          ...{
            streamOpened: nothing,
            element: nothing,
            streamClosed: nothing,
            fault: (why) => assert.fail(why.condition),
          },
          stanza: ({ bytes }) => stanzas.push(bytes),
        },
        {},
      ),
  );
  const sent = told.map((_, nth) =>
    Array.from(
      { length: 40 },
      (__, i) => `<message to='x' from='y'><body>${`${nth} ${i} `.repeat(1 + ((i * 7 + nth) % 60))}</body></message>`,
    ),
  );
  const texts = sent.map((stanzas) => Buffer.from(HEADER + stanzas.join('')));
  const longest = Math.max(...texts.map(({ length }) => length));
  for (let at = 0; at < longest; at += 97)
    for (const [nth, text] of texts.entries()) framers[nth]?.push(Buffer.from(text.subarray(at, at + 97)));
  assert.deepEqual(
    told.map((stanzas) => stanzas.map(String)),
    sent,
  );
});
