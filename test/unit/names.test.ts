import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalDomain, domainMatches, domainOfJid, parentDomains, unicodeDomain } from '../../src/protocol/names.ts';

const label63 = 'a'.repeat(63);

test('every spelling of a domain has one key: lower case, A-labels, no final dot (RFC 7622 §3.2)', () => {
  const spellings: Record<string, readonly string[]> = {
    'example.com': ['example.com', 'EXAMPLE.com', 'example.com.', 'ExamPLE.Ｃom', 'example。com'],
    'xn--mnchen-3ya.de': ['münchen.de', 'MÜNCHEN.DE', 'mu\u0308nchen.de', 'xn--mnchen-3ya.de', 'XN--MNCHEN-3ya.de.'],
    'xn--fa-hia.de': ['faß.de', 'xn--fa-hia.de'],
    a_b: ['a_b', 'A_B'],
    '1.com': ['1.com'],
    'r3---sn.example': ['r3---sn.example'],
    '192.0.2.1': ['192.0.2.1', '192.0.2.1.'],
    '[2001:db8::1]': ['[2001:db8::1]', '2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '[2001:DB8:0::1]'],
  };
  for (const [key, inputs] of Object.entries(spellings)) {
    for (const input of inputs) assert.equal(canonicalDomain(input), key, JSON.stringify(input));
  }
});

test('what is no domain has no key (RFC 7622 §3.2, RFC 5890 §2.3.1)', () => {
  const wrong = [
    ...['', '.', '..', 'a..', '.a', 'a..b', '。'],
    ...[
      'user@a.example',
      'a.example/r',
      'a b',
      'a\tb',
      'a\u0000b',
      'a\u0007',
      'a\u007f',
      'a\u2028b',
      'a\u00a0b',
      ' a',
      'a\n',
    ],
    ...['a:5269', 'a%41', 'a#b', 'a?b', 'a\\b', '*.a', "a'b", 'a"b', 'a<b', 'a&b', 'a／b', 'a＠b', '℀.com'],
    ...['-a', 'a-', '-a.b', 'a-.b', 'a.-b'],
    ...[`${label63}a`, `${label63}a.b`, `b.${label63}a`, 'ü'.repeat(60)],
    ...['[::1', '::1]', '[::1]a', '[]', ':::', 'fe80::1%eth0', '[fe80::1%25eth0]', '1:2:3'],
    '\ud800.example',
  ];
  for (const input of wrong) assert.equal(canonicalDomain(input), null, JSON.stringify(input));
});

test('other spellings of an IPv4 address are neither a name nor that address', () => {
  for (const input of [
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '127.0.0.01',
    '256.0.0.1',
    '1.2.3.4.5',
    'a.1',
    '１２７.0.0.1',
  ])
    assert.equal(canonicalDomain(input), null, input);
});

test('an A-label that IDNA would not have made is refused, or it could be shown as another domain (RFC 5891 §5.4)', () => {
  for (const input of [
    'xn--example-.de',
    'xn--a',
    'xn--',
    'a.xn--0.pt',
    'xn--ls8h.xn--',
    'a\u00ad.example',
    'a\u200bb.example',
  ])
    assert.equal(canonicalDomain(input), null, JSON.stringify(input));
});

test('1023 octets are a domain, 1024 are not, and the octets counted are those of UTF-8 (RFC 7622 §3.2)', () => {
  const longest = `${`${label63}.`.repeat(15)}${label63}`;
  assert.equal(longest.length, 1023);
  assert.equal(canonicalDomain(longest), longest);
  assert.equal(canonicalDomain(`${longest}.`), longest, 'the final dot does not count');
  assert.equal(canonicalDomain(longest.toUpperCase()), longest);
  assert.equal(canonicalDomain(`a.${longest}`.slice(0, 1024)), null);
  assert.equal(canonicalDomain(`${'ａ.'.repeat(300)}b`), null, '300 × 4 octets, though 601 once mapped');
});

test('a key is its own key, however often it is asked for and whatever was asked in between', () => {
  for (let i = 0; i < 10_000; i += 1) {
    const key = canonicalDomain(`ÜBER${i}.Example.`);
    assert.equal(key, canonicalDomain(key ?? ''));
    assert.match(key ?? '', /^xn--ber\d+-[a-z0-9]+\.example$/);
  }
});

test('the domain of a JID lies between the first "@" and the first "/" (RFC 7622 §3.1)', () => {
  const jids: Record<string, string | null> = {
    'a.example': 'a.example',
    'user@A.example': 'a.example',
    'user@a.example/res': 'a.example',
    'a.example/res': 'a.example',
    'a.example/r@b.example/x': 'a.example',
    'user@a.example/r@b.example': 'a.example',
    'user@münchen.de/ü': 'xn--mnchen-3ya.de',
    'user@[::1]/r': '[::1]',
    'user@b@a.example': null,
    '@a.example': null,
    'user@': null,
    'user@/r': null,
    'a.example/': null,
    '/r': null,
    '/a@b': null,
    '': null,
  };
  for (const [jid, domain] of Object.entries(jids)) assert.equal(domainOfJid(jid), domain, JSON.stringify(jid));
});

test('a key is shown in U-labels (RFC 7622 §3.2)', () => {
  assert.equal(unicodeDomain('xn--mnchen-3ya.de'), 'münchen.de');
  assert.equal(unicodeDomain('a.example'), 'a.example');
  assert.equal(unicodeDomain('[::1]'), '[::1]');
});

test('the parents of a domain are those above it, nearest first; an IP literal has none', () => {
  assert.deepEqual(parentDomains('a.b.example'), ['b.example', 'example']);
  assert.deepEqual(parentDomains('example'), []);
  assert.deepEqual(parentDomains('192.0.2.1'), []);
});

test('a policy key covers its domain; with "*." all below it and not itself; no subdomain is implied (trap 19)', () => {
  const covered: [string, string, boolean][] = [
    ['a.example', 'a.example', true],
    ['A.example.', 'a.example', true],
    ['a.example', 'b.a.example', false],
    ['*.a.example', 'b.a.example', true],
    ['*.a.example', 'c.b.a.example', true],
    ['*.a.example', 'a.example', false],
    ['*.a.example', 'ba.example', false],
    ['*.a.example', 'xa.example', false],
    ['*.münchen.de', 'im.xn--mnchen-3ya.de', true],
    ['*.', 'a.example', false],
    ['*', 'a.example', false],
    ['*.1', '192.0.2.1', false],
    ['*.2.1', '192.0.2.1', false],
  ];
  for (const [pattern, domain, expected] of covered)
    assert.equal(domainMatches(pattern, domain), expected, `${pattern} ${domain}`);
});
