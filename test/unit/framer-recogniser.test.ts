/** Stanzas that the recogniser accepts, and those that are left to the full reader. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { viewOf } from '../../src/adapters/framer/characters.ts';
import { defaultFramerLimits, Framer } from '../../src/adapters/framer/framer.ts';
import { Recogniser } from '../../src/adapters/framer/recogniser.ts';
import { frame, HEADER } from '../support/framing.ts';

const BUILD = fileURLToPath(new URL('../../assembly/build.js', import.meta.url));

interface Seen {
  readonly after: number;
  readonly isCut: boolean;
  readonly cutNameBytes: number;
}
function look(xml: string | Buffer, limits: Partial<typeof defaultFramerLimits> = {}): Seen {
  const bytes = Buffer.from(xml as string);
  const recogniser = new Recogniser({ ...defaultFramerLimits, ...limits });
  const after = recogniser.find(bytes, viewOf(bytes), 0, bytes.length, limits.elementBytes ?? 10_000);
  const { isCut, cutNameBytes } = recogniser;
  return { after, isCut, cutNameBytes };
}

describe('the recogniser', () => {
  const USUAL = [
    '<iq/>',
    '<presence to=\'a@b.example\' from="c.example" />',
    "<message to='' xml:lang='en' id='a&amp;b'><body>&lt;é😀\n]] > ]>&quot;</body></message>",
    "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='a>b'/></iq>",
    '<message><an-element.with_a_name-of-33-bytes><b/></an-element.with_a_name-of-33-bytes></message>',
  ];
  test('knows usual stanzas whole, and at each cut as cut', () => {
    for (const xml of USUAL) {
      const bytes = Buffer.from(xml);
      assert.equal(look(Buffer.from(`${xml}<iq/>`)).after, bytes.length, xml);
      for (let at = 1; at < bytes.length; at++) {
        const { after, isCut, cutNameBytes } = look(bytes.subarray(0, at));
        assert.equal(after, 0);
        assert.ok(isCut, `${xml} cut at ${at}`);
        const nameBytes = /^<[a-z]+/.exec(xml)?.[0].length;
        const tagIsWhole = at > xml.indexOf('>');
        assert.equal(cutNameBytes, tagIsWhole ? nameBytes : 0);
      }
    }
  });
  test('leaves the rest to the reader, well-formed or not', () => {
    for (const xml of [
      '<starttls/>',
      '<db:result/>',
      "<message xmlns='jabber:server'/>",
      "<iq><a xmlns='jabber:server'/></iq>",
      "<iq><a xmlns=''/></iq>",
      "<iq><a xmlns=' http://www.w3.org/2000/xmlns/'/></iq>",
      "<iq a='1' a='2'/>",
      "<iq to='a&amp;b'/>",
      '<iq><p:a/></iq>',
      '<iq><a></b></iq>',
      '<iq><![CDATA[x]]></iq>',
      '<iq>&#65;</iq>',
      '<iq>]]></iq>',
      '<iq>\uFFFE</iq>',
      '<iq>\u0000</iq>',
      "<iq a='\t'/>",
      '<iq\n/>',
      '<iq><é/></iq>',
      '</iq>',
      '<!--',
    ]) {
      assert.deepEqual(look(`${xml}<iq/>`), { after: 0, isCut: false, cutNameBytes: 0 }, xml);
    }
    assert.deepEqual(look(Buffer.from('<iq>\xff<a', 'latin1')), { after: 0, isCut: false, cutNameBytes: 0 });
  });
  test('keeps to the limits (RFC 6120 §13.12)', () => {
    assert.equal(look('<iq><a/></iq>', { depth: 3 }).after, 13);
    assert.equal(look('<iq><a/></iq>', { depth: 2 }).after, 0);
    assert.equal(look("<iq a='' b=''/>", { attributes: 2 }).after, 15);
    assert.equal(look("<iq a='' b=''/>", { attributes: 1 }).after, 0);
    assert.equal(look('<iq><abc/></iq>', { nameBytes: 3 }).after, 15);
    assert.equal(look('<iq><abc/></iq>', { nameBytes: 2 }).after, 0);
    assert.equal(look('<iq/>', { elementBytes: 5 }).after, 5);
    assert.equal(look('<iq/>', { elementBytes: 4 }).after, 0);
    const deep = '<a>'.repeat(127) + '</a>'.repeat(127);
    assert.equal(look(`<iq>${deep}</iq>`, { depth: 1000 }).after, 0); // the recogniser's own limit
    assert.equal(look(`<iq>${deep.slice(3, -4)}</iq>`, { depth: 1000 }).after, deep.length - 7 + 9);
  });
  test('reads chunks larger than its memory', () => {
    const one = "<message to='a@b.example'><body>Wherefore art thou?</body></message>";
    const large = `<message to='c'>${'x'.repeat(100_000)}</message>`;
    const stream = Buffer.from(HEADER + one.repeat(3000) + large + one.repeat(10));
    const { stanzas, fault } = frame([stream]);
    assert.equal(fault, null);
    assert.equal(stanzas.length, 3011);
    for (const [index, stanza] of stanzas.entries()) {
      assert.equal(stanza.to, index === 3000 ? 'c' : 'a@b.example');
      assert.equal(stanza.bytes.toString(), index === 3000 ? large : one);
    }
  });
  test('is shared by streams that take turns, and by one that is pushed to from the callback of another', () => {
    const told: string[] = [];
    const ignore = (): void => undefined;
    const listening = (name: string, onStanza: (to: string) => void): Framer =>
      new Framer({
        streamOpened: ignore,
        stanza({ to, bytes }) {
          told.push(`${name} ${to ?? ''} ${bytes.length}`);
          onStanza(to ?? '');
        },
        element: ignore,
        streamClosed: ignore,
        fault: ({ text }) => assert.fail(text),
      });
    const inner = listening('inner', ignore);
    const outer = listening('outer', (to) => {
      if (to !== 'c') inner.push(Buffer.from(`o='${to}-longer'/><presence t`));
    });
    inner.push(Buffer.from(`${HEADER}<presence t`));
    outer.push(Buffer.from(`${HEADER}<iq to='a'/><message to='b'></message><iq t`));
    inner.push(Buffer.from("o='d'/>"));
    outer.push(Buffer.from("o='c'/>"));
    assert.deepEqual(told, [
      'outer a 12',
      'inner a-longer 25',
      'outer b 26',
      'inner b-longer 25',
      'inner d 18',
      'outer c 12',
    ]);
  });
  test('is what its source compiles to', (t) => {
    const { status, stderr } = spawnSync(process.execPath, [BUILD, '--check'], { encoding: 'utf8' });
    if (status === 2) t.skip(stderr.trim());
    else assert.equal(status, 0, stderr);
  });
});
