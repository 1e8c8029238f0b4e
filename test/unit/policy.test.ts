/** Policy as data: what is inherited, what takes precedence, and what each federation of XEP-0238 accepts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  acceptsWeakProof,
  canonicalPolicy,
  defaultPolicy,
  deniedBy,
  type Federation,
  type PolicyOptions,
  policyFor,
  requiresTls,
  usableProoftypes,
} from '../../src/protocol/policy.ts';

test('without options: authenticated, and dialback alone proves nothing', () => {
  assert.deepEqual(policyFor({}, 'b.example'), defaultPolicy);
  assert.deepEqual(usableProoftypes(defaultPolicy), ['dane', 'pkix', 'posh']);
  const daneLast = { ...defaultPolicy, prooftypes: ['posh', 'pkix', 'dane'] };
  assert.deepEqual(usableProoftypes(daneLast), ['dane', 'posh', 'pkix'], 'what DANE says is final (RFC 6698 §4.1)');
});

test('the most specific entry wins, and inherits what it leaves out', () => {
  const options = {
    federation: 'encrypted',
    minTls: '1.3',
    domains: {
      '*.example': { federation: 'verified' },
      '*.b.example': { federation: 'permissive' },
      'c.b.example': { prooftypes: ['pkix'] },
    },
  } as const;
  assert.equal(policyFor(options, 'a.example').federation, 'verified');
  assert.equal(policyFor(options, 'a.b.example').federation, 'permissive');
  assert.deepEqual(policyFor(options, 'c.b.example'), {
    federation: 'encrypted',
    prooftypes: ['pkix'],
    minTls: '1.3',
    target: null,
  });
  assert.equal(policyFor(options, 'elsewhere.test').federation, 'encrypted');
  assert.equal(
    policyFor(
      { domains: Object.create({ 'b.example': { federation: 'permissive' } }) as Record<string, never> },
      'b.example',
    ).federation,
    'authenticated',
    'own entries only',
  );
});

test('a fixed target belongs to one entry and is not inherited (RFC 6120 §3.2.3)', () => {
  test('a policy that needs no proof may name no prooftype, and one for a domain may mend the one that it inherits', () => {
    assert.deepEqual(canonicalPolicy({ federation: 'permissive', prooftypes: [] }).prooftypes, []);
    const dialback = { federation: 'encrypted', prooftypes: ['dialback'] } as const;
    canonicalPolicy({ ...dialback, domains: { b: { federation: 'authenticated', prooftypes: ['pkix'] } } });
  });

  const target = { host: 'h.example', port: 5269, tls: 'starttls' } as const;
  assert.deepEqual(policyFor({ domains: { 'b.example': { target } } }, 'b.example').target, target);
  assert.equal(policyFor({ domains: { 'b.example': { target } } }, 'c.example').target, null);
});

test('deny beats allow; an entry covers what is below it, and not what merely ends alike', () => {
  assert.notEqual(deniedBy({ deny: ['b.example'] }, 'b.example'), null);
  assert.notEqual(deniedBy({ deny: ['b.example'], allow: ['b.example'] }, 'x.b.example'), null);
  assert.equal(deniedBy({ deny: ['b.example'] }, 'notb.example'), null);
  assert.equal(deniedBy({ allow: ['b.example'] }, 'x.b.example'), null);
  assert.notEqual(deniedBy({ allow: ['b.example'] }, 'c.example'), null);
  assert.equal(deniedBy({ allow: [] }, 'c.example'), null, 'an empty list allows everybody');
});

test('S8: each federation asks for at least what the weaker one does', () => {
  const order: Federation[] = ['permissive', 'verified', 'encrypted', 'authenticated'];
  const asks = order.map((federation) => [
    requiresTls({ ...defaultPolicy, federation }),
    !acceptsWeakProof({ ...defaultPolicy, federation }),
  ]);
  assert.deepEqual(asks, [
    [false, false],
    [false, false],
    [true, false],
    [true, true],
  ]);
});

// XEP-0238 §3 predates RFC 7712 and contradicts itself in places, so its cells are scenarios; only what must hold is
// checked.
interface Matrix {
  readonly types: Readonly<
    Record<string, { readonly policy: string; readonly cert: string | null; readonly xmpp?: string }>
  >;
  readonly rows_initiating_columns_receiving: Readonly<Record<string, string>>;
}
const matrix = JSON.parse(
  readFileSync(new URL('../fixtures/policy-matrix-xep0238.json', import.meta.url), 'utf8'),
) as Matrix;
const federationOf: Readonly<Record<string, Federation>> = {
  'verified only': 'verified',
  'verified acceptable': 'verified',
  'encrypted required': 'encrypted',
  'trusted required': 'authenticated',
};

test('XEP-0238 §3: what our policies accept of the 36 cells', () => {
  for (const [row, cells] of Object.entries(matrix.rows_initiating_columns_receiving)) {
    for (const [column, cell] of Array.from(cells).entries()) {
      const ends = [matrix.types[row]!, matrix.types[String(column + 1)]!];
      const tlsIsPossible = ends.every(({ cert, xmpp }) => cert !== null && xmpp !== '0.9');
      for (const { policy } of ends) {
        const resolved = { ...defaultPolicy, federation: federationOf[policy]! };
        // A cell federates only if both policies allow it; one in plain text needs two policies that do not require
        // TLS.
        if (cell === 'V' && !tlsIsPossible) assert.ok(!requiresTls(resolved), `${row} ${String(column + 1)}`);
        if (cell === 'E') assert.ok(acceptsWeakProof(resolved), `${row} ${String(column + 1)}`);
        if (requiresTls(resolved) && !tlsIsPossible) assert.equal(cell, 'U', `${row} ${String(column + 1)}`);
      }
    }
  }
});

test('a policy that names no dialback does not accept what dialback or DNS vouches for, in either direction (S2, S8)', () => {
  const encrypted = { ...defaultPolicy, federation: 'encrypted' as const };
  assert.equal(acceptsWeakProof({ ...encrypted, prooftypes: ['pkix'] }), false);
  assert.equal(acceptsWeakProof({ ...encrypted, prooftypes: ['pkix', 'dialback'] }), true);
  assert.equal(acceptsWeakProof({ ...encrypted, federation: 'authenticated' }), false);
});

// ——— policies as given to the library

test('domains may be written in any spelling: they are looked up by their canonical form', () => {
  const policy = canonicalPolicy({
    federation: 'permissive',
    allow: ['EXAMPLE.'],
    deny: ['Evil.Example', 'münchen.example'],
    domains: {
      'Bank.Example': { federation: 'authenticated' },
      '*.Bücher.example.': { minTls: '1.3', target: { host: 'Host.Example', port: 5269, tls: 'direct' } },
    },
  });
  assert.notEqual(deniedBy(policy, 'evil.example'), null);
  assert.notEqual(deniedBy(policy, 'x.xn--mnchen-3ya.example'), null);
  assert.equal(deniedBy(policy, 'good.example'), null);
  assert.equal(policyFor(policy, 'bank.example').federation, 'authenticated');
  assert.deepEqual(policyFor(policy, 'a.xn--bcher-kva.example'), {
    ...defaultPolicy,
    federation: 'permissive',
    minTls: '1.3',
    target: { host: 'host.example', port: 5269, tls: 'direct' },
  });
  assert.deepEqual(canonicalPolicy(policy), policy, 'what is canonical stays as it is');
});

const target = { host: 'h.example', port: 5269, tls: 'starttls' } as const;
for (const [mistake, policy, key] of [
  ['a pattern in deny', { deny: ['a.example', '*.evil.example'] }, 'policy.deny[1]'],
  ['no domain in allow', { allow: ['u@a.example'] }, 'policy.allow[0]'],
  ['no domain', { domains: { 'a b': {} } }, 'policy.domains["a b"]'],
  ['a pattern within a name', { domains: { 'a.*.example': {} } }, 'policy.domains["a.*.example"]'],
  ['one domain twice', { domains: { 'a.example': {}, 'A.example': {} } }, 'policy.domains["A.example"]'],
  ['an unknown federation', { federation: 'strict' }, 'policy.federation'],
  ['an unknown prooftype', { prooftypes: ['pkix', 'dnssec'] }, 'policy.prooftypes[1]'],
  ['an unknown TLS', { domains: { 'a.example': { minTls: '1.1' } } }, 'policy.domains["a.example"].minTls'],
  ['an unknown key', { denied: ['a.example'] }, 'policy.denied'],
  ['a target for all', { target }, 'policy.target'],
  ['no port', { domains: { b: { target: { ...target, port: 0 } } } }, 'policy.domains["b"].target.port'],
  ['a prooftype twice', { prooftypes: ['pkix', 'pkix'] }, 'policy.prooftypes'],
  ['no prooftype where one is needed', { federation: 'encrypted', prooftypes: [] }, 'policy.prooftypes'],
  ['dialback alone where it never suffices', { prooftypes: ['dialback'] }, 'policy.prooftypes'],
  [
    'dialback alone, by inheritance',
    { federation: 'encrypted', prooftypes: ['dialback'], domains: { b: { federation: 'authenticated' } } },
    'policy.domains["b"].federation',
  ],
  ['no host', { domains: { b: { target: { ...target, host: '' } } } }, 'policy.domains["b"].target.host'],
] as const) {
  test(`${mistake} in a policy: a TypeError that names ${key}`, () => {
    const isNamed = (error: unknown): boolean => error instanceof TypeError && error.message.startsWith(`${key}: `);
    assert.throws(() => canonicalPolicy(policy as PolicyOptions), isNamed);
  });
}
