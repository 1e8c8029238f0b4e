/** The behaviour of `serve` without a validator, or when the validator refuses its settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPorts } from '../../src/cli/ports.ts';
import { MissingPartError } from '../../src/cli/terminal.ts';
import { ConfigError, type ServeConfig } from '../../src/config/load.ts';
import { createNodePorts } from '../../src/node-ports.ts';
import { FaultError, fault } from '../../src/protocol/faults.ts';
import { scriptedResolver, VOUCHES } from '../support/scripted-resolver.ts';

const OWNER = '_5269._tcp.x.example';
const certificate = { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) };

const config: ServeConfig = {
  manager: { hosts: {} },
  trust: { system: false, files: [] },
  dns: { validator: 'libunbound', servers: ['127.0.0.1@53999'], trustRemote: false, stubs: {}, trustAnchors: [] },
  posh: { enabled: false, system: false, files: [], allowPrivate: false, port: 443 },
  components: [],
  trace: null,
  inspector: null,
  metrics: null,
  warnings: [],
};

/** Real ports, on a machine where libunbound fails with this condition. */
const failingBy =
  (condition: string): typeof createNodePorts =>
  (options) => {
    if (options.dns?.validator === 'libunbound') throw new FaultError(fault('dns', condition, 'local', 'why'));
    return createNodePorts(options);
  };

test('a validator that was asked for and is missing is an error that says what installs it, not a warning', () => {
  const make = (): unknown => createPorts('x.yaml', config, unexpected, failingBy('validator-unavailable'));
  assert.throws(make, (thrown) => {
    assert.ok(thrown instanceof MissingPartError);
    assert.match(thrown.message, /^x\.yaml: dns\.validator: .*validator-unavailable.*apt-get install libunbound8/);
    return true;
  });
});

test('where nobody is to validate, it is said once what that costs, and what would help (D3)', () => {
  const warnings: string[] = [];
  const dns = { ...config.dns, validator: 'none' } as const;
  createPorts('x.yaml', { ...config, dns }, (sentence) => warnings.push(sentence)).close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /dns\.validator: none, so .*DANE .* prove nothing.*apt-get install libunbound8/);
});

const unexpected = (sentence: string): never => {
  throw new Error(sentence);
};

test('what libunbound refuses is a matter of the configuration, and nothing falls back to unvalidated names', () => {
  const make = (): unknown => createPorts('x.yaml', config, unexpected, failingBy('validator-misconfigured'));
  assert.throws(make, (thrown) => {
    assert.ok(thrown instanceof ConfigError);
    assert.deepEqual(thrown.problems, ['x.yaml: dns: validator-misconfigured (local): why']);
    return true;
  });
});

test('a trusted resolver is asked, and what it vouches for is secure (D3)', async (t) => {
  const server = await scriptedResolver(t, (query) =>
    query.send(query.reply(VOUCHES, [{ type: 'TLSA', name: OWNER, ttl: 60, data: certificate }])),
  );
  const dns = { ...config.dns, validator: 'trusted-resolver', servers: [server] } as const;
  const ports = createPorts('x.yaml', { ...config, dns }, unexpected);
  const { status, records } = await ports.resolver.tlsa(OWNER, new AbortController().signal);
  assert.deepEqual([ports.resolver.validates, status, records.length], [true, 'secure', 1]);
  ports.close();
});

test('a trusted resolver on another machine is refused, not asked without trust', () => {
  const dns = { ...config.dns, validator: 'trusted-resolver', servers: ['192.0.2.1'] } as const;
  assert.throws(
    () => createPorts('x.yaml', { ...config, dns }, unexpected),
    (thrown) => thrown instanceof ConfigError && /validator-misconfigured/.test(thrown.problems.join()),
  );
});
