/** Sending a trace: lines are made as they are read, and others get their turn meanwhile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { streamLines } from '../../src/inspector/stream-lines.ts';

/** Sends what `respond` writes to the first client; `isOver` resolves when the response has ended. */
async function sending(respond: (response: ServerResponse) => Promise<void>) {
  let over: (ended: Promise<void>) => void = () => undefined;
  const isOver = new Promise<void>((resolve) => (over = resolve));
  const server = createServer((_request, response) => over(respond(response)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens on TCP
  socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  return { socket, isOver, stop: () => void server.close() };
}

test('between two slices others have their turn, however fast the reader is', async () => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  const madeIn = new Map<number, number>();
  function* lines(): Generator<string> {
    for (let i = 0; i < 2_000; i += 1) {
      madeIn.set(turns, (madeIn.get(turns) ?? 0) + 1);
      yield `${'x'.repeat(1_023)}\n`;
    }
  }
  const sent = await sending(async (response) => {
    turn();
    await streamLines(response, lines());
    isOver = true;
  });
  let bytes = 0;
  for await (const part of sent.socket as AsyncIterable<Buffer>) bytes += part.length;
  await sent.isOver;
  sent.stop();
  assert.ok(bytes >= 2_000 * 1_024);
  assert.ok(Math.max(...madeIn.values()) <= 64, `${Math.max(...madeIn.values())} lines of 1 KiB in one turn`);
});

test('when whoever asked is gone, no more is made', async () => {
  let made = 0;
  function* endless(): Generator<string> {
    for (;;) {
      made += 1;
      yield `${'x'.repeat(1_023)}\n`;
    }
  }
  const sent = await sending((response) => streamLines(response, endless()));
  await once(sent.socket, 'readable'); // its first bytes have arrived, and are not read
  sent.socket.destroy();
  await sent.isOver;
  sent.stop();
  assert.ok(made < 100_000, `${made} lines`);
});
