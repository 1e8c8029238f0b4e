/** Attacks on dialback: spoofed answers, borrowed keys, floods of claims (XEP-0220 §3). */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import {
  DIALBACK_FEATURE,
  features,
  header,
  message,
  receiveUntilTls,
  setTrap,
  type Trap,
  type Wire,
} from '../support/attacker.ts';
import { startTarget, type Target } from '../support/attacker-target.ts';

// Different names in each test: a manager remembers for a while which domains could not be reached.
let EVIL = 'evil.example';
let VICTIM = 'victim.example';
let tests = 0;

let target: Target;
const traps: Trap[] = [];
before(async () => void (target = await startTarget({ policy: { federation: 'encrypted' }, bidi: true })));
beforeEach(() => {
  tests += 1;
  [EVIL, VICTIM] = [`evil${tests}.example`, `victim${tests}.example`];
});
afterEach(() => {
  for (const trap of traps.splice(0)) {
    assert.deepEqual(trap.problems, []);
    trap.close();
  }
});
after(() => target.stop());

const result = (from: string, to: string, key = 'key'): string =>
  `<db:result from='${from}' to='${to}'>${key}</db:result>`;
const resultAnswer = (from: string, to: string, type = 'valid'): string =>
  `<db:result from='${from}' to='${to}' type='${type}'/>`;
const verify = (from: string, to: string, id: string, key = 'key'): string =>
  `<db:verify from='${from}' to='${to}' id='${id}'>${key}</db:verify>`;
const verifyAnswer = (from: string, to: string, id: string, type = 'valid'): string =>
  `<db:verify from='${from}' to='${to}' id='${id}' type='${type}'/>`;

/** An authoritative server that we control: `answer` determines the answer to each request; null is silence. */
async function authority(
  domain: string,
  answer: (question: { from: string; to: string; id: string; key: string }) => string | null,
): Promise<Trap> {
  const credential = target.ca.issue({ dnsNames: [`self-signed.${domain}`] });
  const trap = await setTrap(async (wire) => {
    await receiveUntilTls(wire, credential, domain);
    wire.send(header({ from: domain, to: 'b.example', id: 'authority' })).send(features(DIALBACK_FEATURE));
    for (let asked = 0; ; asked += 1) {
      const all = new RegExp(
        `(?:.*?<db:verify from='([^']*)' to='([^']*)' id='([^']*)'>([^<]*)</db:verify>){${asked + 1}}`,
        's',
      );
      const [, from = '', to = '', id = '', key = ''] = await wire.until(all);
      const said = answer({ from, to, id, key });
      if (said !== null) wire.send(said);
    }
  });
  traps.push(trap);
  target.serve(domain, trap.port);
  return trap;
}
const honest = (domain: string, type: string) =>
  authority(domain, ({ from, to, id }) => verifyAnswer(to, from, id, type));

async function claim(wire: Wire, from: string, to = 'b.example', key = 'key'): Promise<string> {
  wire.text = '';
  wire.send(result(from, to, key));
  const [answer = ''] = await wire.until(
    new RegExp(`<db:result from='${to}' to='${from}' type='[a-z]+'(/>|.*?</db:result>)`),
  );
  return answer;
}
const nothingWasDeliveredFrom = (domain: string): void => {
  assert.deepEqual(target.delivered.filter(({ from }) => from?.endsWith(domain) === true).map(String), []);
};

test('answers that nobody asked for prove nothing (CVE-2012-3525)', () =>
  target.survives(async () => {
    const { wire, id } = await target.dialSecured(EVIL);
    wire.send(resultAnswer(VICTIM, 'b.example') + resultAnswer(EVIL, 'b.example'));
    wire.send(verifyAnswer(VICTIM, 'b.example', id) + verifyAnswer(EVIL, 'b.example', id));
    assert.equal(await wire.send(message(`u@${VICTIM}`, 'v@b.example')).streamError(), 'not-authorized');
    nothingWasDeliveredFrom(VICTIM);
  }));

test('an answer on the stream of the claim is not the answer of the authoritative server', () =>
  target.survives(async () => {
    const trap = await authority(VICTIM, () => null); // receives the request, and does not answer
    const { wire, id } = await target.dialSecured(EVIL);
    wire.send(result(VICTIM, 'b.example'));
    await (await trap.wire(0)).until(/<db:verify/);
    wire.send(verifyAnswer(VICTIM, 'b.example', id) + resultAnswer(VICTIM, 'b.example'));
    assert.equal(await wire.send(message(`u@${VICTIM}`, 'v@b.example')).streamError(), 'not-authorized');
    nothingWasDeliveredFrom(VICTIM);
    trap.close();
  }));

test('an authoritative server answers for its own domains only, and only what it was asked (S6)', () =>
  target.survives(async () => {
    // The attacker is asked about its own key, and sends answers about the keys of others as well.
    let about = '';
    const silent = await authority(VICTIM, () => null);
    await authority(
      EVIL,
      ({ from, id }) =>
        verifyAnswer(VICTIM, from, about) + verifyAnswer(VICTIM, from, id) + verifyAnswer(EVIL, from, id),
    );
    const { wire, id } = await target.dialSecured(EVIL);
    about = id;
    wire.send(result(VICTIM, 'b.example'));
    await (await silent.wire(0)).until(/<db:verify/);
    assert.match(await claim(wire, EVIL), /type='valid'/);
    wire.send(message(`u@${EVIL}`, 'v@b.example', 'mine'));
    assert.equal(await wire.send(message(`u@${VICTIM}`, 'v@b.example')).streamError(), 'invalid-from');
    nothingWasDeliveredFrom(VICTIM);
    silent.close();
  }));

test('a key that its server disowns: invalid, and the stream is closed where nobody else uses it (XEP-0220 §2.2.1)', () =>
  target.survives(async () => {
    await honest(VICTIM, 'invalid');
    const { wire } = await target.dialSecured(EVIL);
    assert.match(await claim(wire, VICTIM), /type='invalid'/);
    assert.equal(await wire.streamError(), 'not-authorized');
  }));

test('a key that its server disowns leaves the other pairs of the stream alone (L5)', () =>
  target.survives(async () => {
    await honest(EVIL, 'valid');
    await honest(VICTIM, 'invalid');
    const { wire } = await target.dialSecured(EVIL);
    assert.match(await claim(wire, EVIL), /type='valid'/);
    assert.match(await claim(wire, VICTIM), /type='error'.*forbidden/);
    const before = target.delivered.length;
    wire.send(message(`u@${EVIL}`, 'v@b.example'));
    await claim(wire, EVIL); // answered after the message was read
    assert.ok(target.delivered.slice(before).some(({ from }) => from === `u@${EVIL}`));
    assert.equal(await wire.send(message(`u@${VICTIM}`, 'v@b.example')).streamError(), 'invalid-from');
  }));

for (const [name, key] of [
  ['guessed', 'b'.repeat(64)],
  ['empty', ''],
  ['too short', 'b'.repeat(63)],
  ['too long', 'b'.repeat(65)],
  ['of 9 kB', 'b'.repeat(9_000)],
  ['in capitals', 'B'.repeat(64)],
  ['not hexadecimal', 'é'.repeat(64)],
] as const) {
  test(`asked for a key that is ${name}, we say invalid (XEP-0185)`, () =>
    target.survives(async () => {
      const { wire } = await target.dialSecured(EVIL);
      wire.send(verify(EVIL, 'b.example', 'some-id', key));
      await wire.until(new RegExp(`<db:verify from='b.example' to='${EVIL}' id='some-id' type='invalid'/>`));
      wire.drop();
    }));
}

test('a key that we made for one pair and stream is invalid for every other (CVE-2016-0756)', async () => {
  let key = '';
  let id = '';
  const trap = await setTrap(async (wire) => {
    await receiveUntilTls(wire, target.ca.issue({ dnsNames: [EVIL] }), EVIL);
    id = `an id b.example ${EVIL}`;
    wire.send(header({ from: EVIL, to: 'b.example', id })).send(features(DIALBACK_FEATURE));
    [, key = ''] = await wire.until(/<db:result from='b\.example' to='[^']*'>([0-9a-f]{64})</);
    wire.send(resultAnswer(EVIL, 'b.example', 'error'));
    await wire.end();
  });
  traps.push(trap);
  target.serve(EVIL, trap.port);
  const sending = target.send('u@b.example', `v@${EVIL}`);
  await (await trap.wire(0)).until(/<db:result/);
  await sending;

  await target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL);
    const ask = async (from: string, to: string, about: string): Promise<string> => {
      wire.text = '';
      wire.send(verify(from, to, about, key));
      return (await wire.until(/<db:verify [^>]*type='([a-z]+)'/))[1] ?? '';
    };
    assert.equal(await ask(EVIL, 'b.example', id), 'valid'); // the key is a real one
    assert.equal(await ask(VICTIM, 'b.example', id), 'invalid');
    assert.equal(await ask(`x.${EVIL}`, 'b.example', id), 'invalid');
    assert.equal(await ask('example', 'b.example', id), 'invalid');
    assert.equal(await ask(EVIL, 'b2.example', id), 'invalid');
    assert.equal(await ask(EVIL, 'b.example', `${id} `), 'invalid');
    assert.equal(await ask(EVIL, 'b.example', id.slice(3)), 'invalid');
    assert.equal(await ask(EVIL, 'c.example', id), 'error'); // not hosted: item-not-found
    wire.drop();
  });
  trap.wires[0]?.drop();
});

for (const [name, element] of [
  ['a claim with a space in its domain', result('evil.example b.example', 'b.example')],
  ['a claim without from', `<db:result to='b.example'>key</db:result>`],
  ['a claim with an empty to', result(EVIL, '')],
  ['a claim with a local part', result(`u@${EVIL}`, 'b.example')],
  ['a question with a control character', verify('evil&#x9;.example', 'b.example', 'x')],
] as const) {
  test(`${name}: improper-addressing`, () =>
    target.survives(async () => {
      const { wire } = await target.dialSecured(EVIL);
      assert.equal(await wire.send(element).streamError(), 'improper-addressing');
    }));
}

test('claims for domains of ours are refused, whoever vouches for them (S1)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL);
    assert.doesNotMatch(await claim(wire, 'b2.example'), /type='valid'/);
    assert.notEqual(await wire.send(message('u@b2.example', 'v@b.example')).streamError(), null);
    nothingWasDeliveredFrom('b2.example');
  }));

test('a claim to a domain that is not ours: item-not-found, and the stream lives (XEP-0220 §2.2.1)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL);
    assert.match(await claim(wire, EVIL, 'c.example'), /type='error'.*item-not-found/);
    wire.drop();
  }));

test('a claim before TLS where policy wants TLS: policy-violation, and nobody is asked (XEP-0220 §2.5)', () =>
  target.survives(async () => {
    const trap = await honest(EVIL, 'valid');
    const wire = await target.dial();
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    assert.match(await claim(wire, EVIL), /type='error'.*policy-violation/);
    wire.drop();
    assert.equal(trap.wires.length, 0);
  }));

test('the same claim a thousand times is asked once at a time', () =>
  target.survives(async () => {
    let questions = 0;
    const trap = await authority(EVIL, ({ from, to, id }) => {
      questions += 1;
      return verifyAnswer(to, from, id);
    });
    const { wire } = await target.dialSecured(EVIL);
    wire.send(result(EVIL, 'b.example').repeat(1_000));
    await wire.until(/<db:result from='b.example' to='[^']*' type='valid'\/>/);
    assert.equal(trap.wires.length, 1);
    assert.ok(questions <= 2, `${questions} questions`);
    wire.drop();
  }));

test('thousands of claims: resource-constraint beyond the bound, and one connection for one endpoint', () =>
  target.survives(async () => {
    const COUNT = 2_000;
    // The victim did not ask for this: every domain that the attacker claims leads to it.
    const victim = await setTrap((wire) => wire.end().then(() => undefined));
    for (let i = 0; i < COUNT; i += 1) target.serve(`d${i}.${EVIL}`, victim.port);
    const { wire } = await target.dialSecured(EVIL);
    wire.send(Array.from({ length: COUNT }, (_, i) => result(`d${i}.${EVIL}`, 'b.example')).join(''));
    await wire.until(new RegExp(`to='d${COUNT - 1}.${EVIL.replace('.', '\\.')}' type='error'`));
    const refused = wire.text.match(/resource-constraint/g)?.length ?? 0;
    assert.ok(refused >= COUNT - 256, `${refused} refused`);
    await victim.wire(0);
    assert.ok(victim.wires.length <= 2, `${victim.wires.length} connections to the victim`);
    wire.drop();
    victim.close();
  }));

test('with bidi the far end may not send from what it did not prove (XEP-0288 §2.2)', () =>
  target.survives(async () => {
    await honest(EVIL, 'valid');
    const { wire } = await target.dialSecured(EVIL);
    wire.send(`<bidi xmlns='urn:xmpp:bidi'/>`);
    assert.match(await claim(wire, EVIL), /type='valid'/);
    assert.equal(await wire.send(message(`u@${VICTIM}`, 'v@b.example')).streamError(), 'invalid-from');
    nothingWasDeliveredFrom(VICTIM);
  }));

test('with bidi our stanzas to others do not go to the far end, whatever it claims (S2)', () =>
  target.survives(async () => {
    await honest(EVIL, 'valid');
    await authority(VICTIM, () => null);
    const { wire } = await target.dialSecured(EVIL);
    wire.send(`<bidi xmlns='urn:xmpp:bidi'/>`);
    assert.match(await claim(wire, EVIL), /type='valid'/);
    wire.send(result(VICTIM, 'b.example') + resultAnswer(VICTIM, 'b.example'));
    void target.send('u@b.example', `v@${VICTIM}`, 'a secret');
    await claim(wire, EVIL);
    assert.doesNotMatch(wire.everything, /a secret/);
    wire.drop();
    await traps[1]?.wire(0);
    traps.forEach((trap) => trap.close());
    target.resolver.set(`_xmpp-server._tcp.${VICTIM}`, null);
  }));

test('in reverse on a bidirectional stream a key proves nothing: the far end chose the id', () =>
  target.survives(async () => {
    // The attacker is authenticated as evil.example by its certificate, and claims the victim's domain in reverse.
    const asked = await honest(VICTIM, 'valid');
    const trap = await setTrap(async (wire) => {
      await receiveUntilTls(wire, target.ca.issue({ dnsNames: [EVIL] }), EVIL);
      const bidi = `<bidi xmlns='urn:xmpp:features:bidi'/>`;
      wire.send(header({ from: EVIL, to: 'b.example', id: 'chosen' })).send(features(DIALBACK_FEATURE + bidi));
      await wire.until(/<db:result/);
      wire.send(resultAnswer(EVIL, 'b.example') + result(VICTIM, 'b.example'));
      const [answer] = await wire.until(/<db:result from='b.example' to='victim[^']*' type='[a-z]+'/);
      assert.doesNotMatch(answer, /valid'/);
      wire.send(message(`u@${VICTIM}`, 'v@b.example'));
      await wire.end();
    });
    traps.push(trap);
    target.serve(EVIL, trap.port);
    await target.send('u@b.example', `v@${EVIL}`);
    const text = await (await trap.wire(0)).end();
    assert.match(text, /<bidi xmlns='urn:xmpp:bidi'\/>/);
    assert.match(text, /invalid-from/);
    assert.equal(asked.wires.length, 0);
    nothingWasDeliveredFrom(VICTIM);
  }));

test('a question over the stream that brought the claim is never sent (S6)', () =>
  target.survives(async () => {
    // No DNS for the domain: the attacker hopes that we verify the key on its own stream.
    const { wire } = await target.dialSecured('nowhere.example');
    wire.send(`<bidi xmlns='urn:xmpp:bidi'/>`);
    assert.match(await claim(wire, 'nowhere.example'), /type='error'.*remote-connection-failed/);
    assert.doesNotMatch(wire.everything, /<db:verify/);
    wire.drop();
  }));

test('an authoritative server that closes, resets, or talks nonsense: an error for that claim, and no more', () =>
  target.survives(async () => {
    for (const [i, ending] of ['</stream:stream>', '<', '<stream:error/>', '\0', ''].entries()) {
      const domain = `as${i}.example`;
      const trap = await setTrap(async (wire) => {
        await receiveUntilTls(wire, target.ca.issue({ dnsNames: ['x.example'] }), domain);
        wire.send(header({ from: domain, to: 'b.example', id: 'x' })).send(features(DIALBACK_FEATURE));
        await wire.until(/<db:verify/);
        wire.send(ending).socket.end();
      });
      traps.push(trap);
      target.serve(domain, trap.port);
      const { wire } = await target.dialSecured(domain);
      assert.match(await claim(wire, domain), /type='error'/);
      wire.drop();
    }
  }));
