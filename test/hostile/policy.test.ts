/**
 * Policy against real TLS: a TLS version older than a domain's policy requires is refused as soon as the domain is
 * named.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { header, type Wire } from '../support/attacker.ts';
import { startTarget } from '../support/attacker-target.ts';

const target = await startTarget({
  policy: { federation: 'encrypted', domains: { 'strict.example': { minTls: '1.3' } } },
});
const strictTarget = await startTarget({ policy: { minTls: '1.3', domains: { 'old.example': { minTls: '1.2' } } } });
after(() => Promise.all([target.stop(), strictTarget.stop()]));

const underTls = async (at: typeof target, from: string, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<Wire> => {
  const wire = await at.dial();
  wire.send(header({ from, to: 'b.example' }));
  await wire.greeting();
  await wire.starttls({ maxVersion });
  wire.text = '';
  return wire.send(header({ from, to: 'b.example' }));
};

for (const [what, at, from] of [
  ['for this domain', target, 'strict.example'],
  ['by default', strictTarget, 'evil.example'],
] as const) {
  test(`TLS 1.2 where policy wants 1.3 ${what}: policy-violation; 1.3 is welcome (T6)`, () =>
    at.survives(async () => {
      assert.equal(await (await underTls(at, from, 'TLSv1.2')).streamError(), 'policy-violation');
      const welcome = await underTls(at, from, 'TLSv1.3');
      assert.match((await welcome.greeting()).features, /dialback/);
      await welcome.send('</stream:stream>').end();
    }));
}

for (const [what, at, from] of [
  ['for another domain only', target, 'evil.example'],
  ['of all but this domain', strictTarget, 'old.example'],
] as const) {
  test(`TLS 1.2 where policy wants 1.3 ${what} is welcome (T6)`, () =>
    at.survives(async () => {
      const wire = await underTls(at, from, 'TLSv1.2');
      assert.match((await wire.greeting()).features, /dialback/);
      await wire.send('</stream:stream>').end();
    }));
}

test('on a stream of TLS 1.2 a further domain that wants 1.3 is refused by itself: policy-violation, the stream lives (L5)', () =>
  target.survives(async () => {
    const wire = await underTls(target, 'evil.example', 'TLSv1.2');
    await wire.greeting();
    wire.send(`<db:result from='strict.example' to='b.example'>key</db:result>`);
    await wire.until(/<db:result [^>]*type='error'.*policy-violation/s);
    await wire.send('</stream:stream>').end();
  }));
