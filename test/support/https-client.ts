/** An HTTPS client with web servers on loopback. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { createHttpsClient, type HttpsAnswer, type HttpsOptions } from '../../src/adapters/https/client.ts';
import { HttpsError } from '../../src/adapters/https/failure.ts';
import type { LookUpOptions } from '../../src/ports.ts';
import type { HttpsCondition } from '../../src/protocol/posh-conditions.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { startWeb, webAuthority, type Handler } from './https-server.ts';

export const never = new AbortController().signal;

/** Web servers on loopback and a client that trusts their authority; time passes only when told to. */
export async function clientStage(t: TestContext, options: HttpsOptions & { readonly address?: string } = {}) {
  const { address, ...own } = options;
  const web = await startWeb(address);
  const clock = new SimulatedClock();
  const client = createHttpsClient({
    system: false,
    anchors: [webAuthority.certPem],
    allowPrivate: true,
    port: web.port,
    resolver: web.resolver,
    clock,
    ...own,
  });
  t.after(async () => {
    client.close();
    await web.close();
  });
  const get = (url: string, lookUp: LookUpOptions = {}, signal = never): Promise<HttpsAnswer> =>
    client.turn((fetch) => fetch(url), signal, lookUp);
  const textOf = async (url: string): Promise<string> => Buffer.from((await get(url)).body).toString();
  const fails = (what: Promise<unknown>, condition: HttpsCondition, text?: RegExp) =>
    assert.rejects(what, (error) => {
      assert.ok(error instanceof HttpsError, String(error));
      assert.equal(error.condition, condition, error.message);
      if (text !== undefined) assert.match(error.message, text);
      return true;
    });
  return { web, clock, client, get, textOf, fails };
}

/** A handler that passes on the response without answering, and a promise of the first one. */
export function held(): { readonly handler: Handler; readonly reached: Promise<ServerResponse> } {
  let reach: (response: ServerResponse) => void;
  const reached = new Promise<ServerResponse>((resolve) => (reach = resolve));
  return { handler: (_, response) => reach(response), reached };
}
