/** The table of causes. It also explains traces, for which less may be known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causes, diagnose } from '../../src/trace/explain/causes/diagnose.ts';
import { policyFor } from '../../src/protocol/policy.ts';
import { fault } from '../../src/protocol/faults.ts';

test('every cause has an id of its own, a sentence and a fix, however little is known', () => {
  assert.equal(new Set(causes.map(({ id }) => id)).size, causes.length);
  for (const { id, layers, conditions, because, fix } of causes) {
    assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)+$/);
    const [layer] = layers;
    assert.ok(layer !== undefined);
    const situation = { fault: fault(layer, conditions?.[0] ?? 'unheard-of', 'peer'), domain: 'b.example' };
    for (const text of [because(situation), fix(situation)]) {
      assert.doesNotMatch(text, /undefined|null|NaN/, id);
      assert.ok(text.length > 20, id);
    }
    assert.match(because(situation), /\.$/, id);
  }
});

test('a fault that no cause fits is told as it is', () => {
  const what = fault('internal', 'internal-error', 'local', 'it broke');
  assert.deepEqual(diagnose({ fault: what, domain: 'b.example' }), {
    id: null,
    cause: 'internal: internal-error (local): it broke.',
    fix: null,
    mover: null,
  });
});

test('what a stranger says is shown without what steers a terminal', () => {
  const firstBytes = '\u001b[31m220 mail\u0007\r\nmore';
  const { id, cause } = diagnose({ fault: fault('xml', 'not-well-formed', 'peer'), domain: 'b.example', firstBytes });
  assert.equal(id, 'not-xmpp');
  assert.match(cause, /it said "\.\[31m220 mail\."\./);
});

test('where TLS is not wanted, a far end that does not offer it is told by what it did (XEP-0238)', () => {
  const what = fault('stream', 'system-shutdown', 'peer');
  const idOf = (federation: 'verified' | 'encrypted'): string | null =>
    diagnose({
      ...{ fault: what, domain: 'b.example', startTls: 'absent', isEncrypted: false },
      policy: policyFor({ federation }, 'b.example'),
    }).id;
  assert.equal(idOf('encrypted'), 'starttls-not-offered');
  assert.notEqual(idOf('verified'), 'starttls-not-offered');
});
