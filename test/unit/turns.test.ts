/** So many at once, and everybody's turn comes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../src/control/turns.ts';

const patient = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('as many as there is room for go at once; the next waits until one is done', async () => {
  const turns = new Turns(2);
  const gone: string[] = [];
  for (const name of ['a', 'b', 'c']) void turns.take('one', patient).then(() => gone.push(name));
  await turn();
  assert.deepEqual(gone, ['a', 'b']);
  turns.release();
  await turn();
  assert.deepEqual(gone, ['a', 'b', 'c']);
});

test('a party that brings much waits behind one that brings little', async () => {
  const turns = new Turns(1);
  const gone: string[] = [];
  for (const name of ['flood1', 'flood2', 'flood3']) void turns.take('flood', patient).then(() => gone.push(name));
  void turns.take('quiet', patient).then(() => gone.push('quiet'));
  for (let i = 0; i < 3; i += 1) {
    await turn();
    turns.release();
  }
  await turn();
  assert.deepEqual(gone, ['flood1', 'flood2', 'quiet', 'flood3']);
});

test('whoever waits no more takes no turn, and none is lost', async () => {
  const turns = new Turns(1);
  const gone: string[] = [];
  await turns.take('one', patient);
  const impatient = new AbortController();
  const given = assert.rejects(turns.take('one', impatient.signal), /nobody waits/);
  void turns.take('one', patient).then(() => gone.push('last'));
  impatient.abort();
  await given;
  turns.release();
  await turn();
  assert.deepEqual(gone, ['last']);
  turns.release();
  await turns.take('other', patient); // the room is free again
  await assert.rejects(turns.take('other', impatient.signal), 'one that is over already takes no turn');
});
