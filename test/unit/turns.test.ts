/** A limited number at once, and everybody gets a turn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../src/control/turns.ts';

const roomy = { perParty: Infinity, waitingPerParty: Infinity };
const patient = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('as many as there is room for go at once; the next waits until one is done', async () => {
  const turns = new Turns({ ...roomy, atOnce: 2 });
  const gone: string[] = [];
  for (const name of ['a', 'b', 'c']) void turns.take('one', patient).then(() => gone.push(name));
  await turn();
  assert.deepEqual(gone, ['a', 'b']);
  turns.release('one');
  await turn();
  assert.deepEqual(gone, ['a', 'b', 'c']);
});

test('a party that brings much waits behind one that brings little', async () => {
  const turns = new Turns({ ...roomy, atOnce: 1 });
  const gone: string[] = [];
  for (const name of ['flood1', 'flood2', 'flood3']) void turns.take('flood', patient).then(() => gone.push(name));
  void turns.take('quiet', patient).then(() => gone.push('quiet'));
  for (let i = 0; i < 3; i += 1) {
    await turn();
    turns.release(gone.at(-1)?.startsWith('flood') === true ? 'flood' : 'quiet');
  }
  await turn();
  assert.deepEqual(gone, ['flood1', 'flood2', 'quiet', 'flood3']);
});

test('whoever waits no more takes no turn, and none is lost', async () => {
  const turns = new Turns({ ...roomy, atOnce: 1 });
  const gone: string[] = [];
  await turns.take('one', patient);
  const impatient = new AbortController();
  const given = assert.rejects(turns.take('one', impatient.signal), /nobody waits/);
  void turns.take('one', patient).then(() => gone.push('last'));
  impatient.abort();
  await given;
  turns.release('one');
  await turn();
  assert.deepEqual(gone, ['last']);
  turns.release('one');
  await turns.take('other', patient); // the room is free again
  await assert.rejects(turns.take('other', impatient.signal), 'one that is over already takes no turn');
});

test('a party has its share and no more, however much is free; what another gives back is not for it', async () => {
  const turns = new Turns({ atOnce: 4, perParty: 2, waitingPerParty: 3 });
  const gone: string[] = [];
  const come = (party: string, name: string): void => void turns.take(party, patient).then(() => gone.push(name));
  for (const name of ['flood1', 'flood2', 'flood3', 'flood4', 'flood5']) come('flood', name);
  come('quiet', 'quiet1');
  await turn();
  assert.deepEqual(gone, ['flood1', 'flood2', 'quiet1'], 'the share of a party is not the whole');
  assert.deepEqual([turns.isCrowded('flood'), turns.isCrowded('quiet')], [true, false]);

  turns.release('quiet');
  await turn();
  assert.equal(gone.length, 3);
  turns.release('flood');
  await turn();
  assert.deepEqual([gone.at(-1), turns.isCrowded('flood')], ['flood3', false]);
});

test('after all is over the whole room is there again', async () => {
  const turns = new Turns({ atOnce: 3, perParty: 2, waitingPerParty: 9 });
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([turns.take('a', patient), turns.take('a', patient), turns.take('b', patient)]);
    let late = 0;
    void turns.take('b', patient).then(() => (late += 1));
    void turns.take('a', patient).then(() => (late += 1));
    await turn();
    assert.equal(late, 0);
    for (const party of ['a', 'a', 'b']) turns.release(party);
    await turn();
    assert.equal(late, 2);
    for (const party of ['a', 'b']) turns.release(party);
  }
});
