/**
 * Domains in addresses that are read from bytes: a domain known by its bytes gives the same result as one read as text.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { domainOfJidIn } from '../../src/protocol/address-bytes.ts';
import { domainOfJid } from '../../src/protocol/names.ts';
import type { Stanza } from '../../src/protocol/stanza.ts';
import { frame, HEADER, whole } from '../support/framing.ts';
import { DomainNumbers } from '../../src/routing/tables/domain-numbers.ts';
import { bench, BufferedOutlet, CountingInlet } from '../support/routing.ts';

function inBytes(jid: string, before = '', after = ''): string | null {
  const [start, length] = [Buffer.byteLength(before), Buffer.byteLength(jid)];
  return domainOfJidIn(Buffer.from(before + jid + after), start, start + length);
}

test('an address among other bytes has the domain that it has as text, the first time and later (RFC 7622 §3.1)', () => {
  const part = fc.constantFrom(
    'a',
    'an',
    'c0',
    'b.example',
    'A.Example',
    'ü',
    'xn--tda',
    '127.0.0.1',
    '[::1]',
    '1',
    'x'.repeat(63),
  );
  const mark = fc.constantFrom('', '@', '/', '.', '-', '@@', '//', '/@');
  const jids = fc.array(fc.tuple(part, mark), { maxLength: 4 }).map((parts) => parts.flat().join(''));
  fc.assert(
    fc.property(jids, mark, mark, (jid, before, after) => {
      const expected = domainOfJid(jid);
      for (const around of [before, after, before]) assert.equal(inBytes(jid, around, after), expected, jid);
      assert.equal(inBytes(`${after}${jid}`), domainOfJid(`${after}${jid}`));
    }),
    { numRuns: 2000 },
  );
  for (const jid of ['', '@', 'a@', 'a@/r', '/', '/r', 'a/', '@a', '@a@b', 'a@b@c'])
    assert.equal(inBytes(jid, "'"), null);
});

test('a known domain is the same string for all its users; a very long one is read as well', () => {
  const ofUser = (user: string): string | null => inBytes(`${user}@same.example/r`);
  assert.equal(ofUser('romeo'), 'same.example');
  const long = `${'l'.repeat(60)}.${'m'.repeat(60)}.example`;
  for (const user of ['a', 'b']) assert.equal(inBytes(`${user}@${long}`), long);
});

/** Chosen so that the sums over their characters are equal: 31 × 97 + 110 = 31 × 99 + 48. */
const TWINS = ['an.example', 'c0.example'] as const;

test('S1: domains that a peer has chosen for one slot are told apart, by text and at the gate', () => {
  for (let i = 0; i < 3; i += 1) for (const twin of TWINS) assert.equal(inBytes(`u@${twin}`), twin);
  const { router, refused } = bench();
  const local = new BufferedOutlet();
  router.addStream(1, new BufferedOutlet(), new CountingInlet());
  router.attach(['a.example'], local);
  router.admit(1, TWINS[0], 'a.example');
  const from = (domain: string, more = ''): Stanza => {
    const { stanzas } = frame(whole(`${HEADER}<message${more} id='1' from='u@${domain}/r' to='v@a.example'/>`));
    return stanzas[0] ?? assert.fail('no stanza');
  };
  for (const more of ['', " xmlns='jabber:server'"]) {
    assert.equal(router.arrived(1, from(TWINS[0], more)), true);
    assert.equal(router.arrived(1, from(TWINS[1], more)), false);
    assert.equal(router.arrived(1, from(`${TWINS[0]}@${TWINS[1]}`, more)), false);
    assert.equal(router.arrived(1, from(`${TWINS[1]}/u@${TWINS[0]}`, more)), false);
  }
  assert.equal(local.stanzas.length, 2);
  assert.deepEqual(
    refused.slice(0, 3).map(([, { condition }]) => condition),
    ['invalid-from', 'improper-addressing', 'invalid-from'],
  );
});

/** The number of the domain in an address that is surrounded by other bytes. */
function numberIn(numbers: DomainNumbers, jid: string): number | undefined {
  const bytes = Buffer.from(`<message from='${jid}'>`);
  return numbers.numberIn(bytes, 15, 15 + Buffer.byteLength(jid));
}

test('S1: a number is found by the bytes of an address as by the name, the first time and later, also where names meet in one slot', () => {
  const numbers = new DomainNumbers();
  const long = `${'l'.repeat(60)}.example`;
  const held = [...TWINS, 'b.example', long, 'xn--tda.example', '127.0.0.1'].map(
    (name) => [name, numbers.hold(name)] as const,
  );
  for (let time = 0; time < 3; time += 1)
    for (const [name, number] of held)
      for (const jid of [
        name,
        `u@${name}`,
        `u@${name}/r@/x`,
        `${name}/r`,
        name.toUpperCase(),
        `u@${name.toUpperCase()}`,
      ])
        assert.equal(numberIn(numbers, jid), number, jid);
  assert.equal(numberIn(numbers, 'u@ü.example'), numberIn(numbers, 'xn--tda.example'));
  for (const jid of ['', '@', `@${TWINS[0]}`, `${TWINS[0]}/`, 'c.example', 'u@b.exampl', 'u@b.example.'])
    assert.equal(numberIn(numbers, jid), jid === 'u@b.example.' ? numbers.numberOf('b.example') : undefined, jid);
});

test('S1: a number that was given back is not found by the bytes of its former name, whoever has it now', () => {
  const numbers = new DomainNumbers();
  const first = numbers.hold('old.example');
  assert.equal(numberIn(numbers, 'u@old.example'), first);
  numbers.release(first);
  assert.equal(numberIn(numbers, 'u@old.example'), undefined);
  assert.equal(numbers.hold('new.example'), first);
  assert.equal(numberIn(numbers, 'u@old.example'), undefined);
  assert.equal(numberIn(numbers, 'u@new.example'), first);
});

test('S1: of four names that meet in one slot each is found by its bytes, and none that has given its number back', () => {
  const [one, other] = ['an', 'c0'];
  const meeting = [
    `${one}${one}.example`,
    `${one}${other}.example`,
    `${other}${one}.example`,
    `${other}${other}.example`,
  ];
  for (const gone of meeting) {
    const numbers = new DomainNumbers();
    const held = new Map(meeting.map((name) => [name, numbers.hold(name)]));
    const areFound = (): void => {
      for (const [name, number] of held) assert.equal(numberIn(numbers, `u@${name}`), number, name);
    };
    areFound();
    areFound();
    numbers.release(held.get(gone) ?? assert.fail(gone));
    held.delete(gone);
    assert.equal(numberIn(numbers, `u@${gone}`), undefined);
    held.set('new.example', numbers.hold('new.example'));
    areFound();
    assert.equal(numberIn(numbers, `u@${gone}`), undefined);
  }
});
