/**
 * The corpus (O3, O5): ways in which a negotiation fails or hangs, each produced on real sockets. What is said of each is what
 * an expert would say: where it stands, who has to move, why, and what puts it right; live, and from its trace.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Case, play, type Row } from './case.ts';
import { connection } from './connection.ts';
import { sasl } from './sasl.ts';
import { dialback } from './dialback.ts';
import { certificates } from './certificates.ts';
import { closeWorld, dns } from './dns.ts';
import { policy } from './policy.ts';
import { daneCases, poshCases } from './posh-dane.ts';
import { tls } from './tls.ts';
import { printed } from './table.ts';

const corpus: readonly Case[] = [
  ...connection,
  ...tls,
  ...sasl,
  ...dialback,
  ...dns,
  ...certificates,
  ...poshCases,
  ...daneCases,
  ...policy,
];

const rows: Row[] = [];
after(closeWorld);
after(() => console.log(printed(rows)));

for (const one of corpus) {
  test(`${one.section}: ${one.name}`, { skip: one.skip ?? false }, async () => {
    const played = await play(one);
    rows.push(...played);
    for (const { name, told, wrong } of played)
      assert.deepEqual(wrong, [], `${name}: ${JSON.stringify(told, null, 1)}`);
  });
}
