import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceStack } from '../../src/adapters/framer/namespace-stack.ts';
import { NS } from '../../src/protocol/namespaces.ts';

test('elements that are left take their prefixes along, and what these hid is found again', () => {
  const stack = new NamespaceStack();
  stack.declare('a', 'urn:1', 1);
  stack.declare('__proto__', 'urn:2', 2);
  stack.declare('a', 'urn:3', 3);
  stack.declare('a', 'urn:4', 4);
  const found = () => {
    const names = ['xml', 'a', '__proto__', 'toString'].map((prefix) => stack.nameOf(stack.find(prefix)));
    return [...names, stack.depthOf(stack.find('a')), stack.innermost];
  };
  assert.deepEqual(found(), [NS.xml, 'urn:4', 'urn:2', '', 4, 4]);
  stack.leave(4);
  assert.deepEqual(found(), [NS.xml, 'urn:3', 'urn:2', '', 3, 3]);
  stack.leave(2);
  assert.deepEqual(found(), [NS.xml, 'urn:1', '', '', 1, 1]);
  stack.leave(1);
  assert.deepEqual(found(), [NS.xml, '', '', '', 0, 0]);
  assert.equal(stack.find('a'), -1);
});

test('a prefix is found among thousands about as soon as among few', () => {
  /** The minimum of several rounds, to reduce the effect of other load. */
  const cost = (prefixes: number): number => {
    const stack = new NamespaceStack();
    stack.declare('first', 'urn:first', 1);
    for (let n = 0; n < prefixes; n++) stack.declare(`p${n}`, 'urn:other', 2);
    const rounds = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      for (let n = 0; n < 4_000; n++) assert.equal(stack.find(Buffer.from('first').toString()), 1);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
    return Math.min(...rounds);
  };
  cost(8);
  const few = cost(8);
  const many = cost(8_000);
  assert.ok(many < 8 * few, `${many} µs of CPU among 8,000 prefixes, ${few} µs among 8`);
});
