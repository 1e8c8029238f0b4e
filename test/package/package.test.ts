/** The package as npm would publish it, installed into an empty project. Packs the existing build. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codeBlocks } from './readme.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The strictest settings that an embedder may use; declarations of our dependencies are checked, too. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: false, // xstate's own declarations do not pass with it
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  },
  include: ['*.ts'],
};

/** A wrong value must be an error: otherwise a declaration that is `any` would pass for a typed one. */
const MISUSE = `import { ConnectionManager, createNodePorts } from 'xmpp-dna';
// @ts-expect-error -- 'sometimes' is no way to listen
new ConnectionManager({ hosts: {}, listen: [{ address: '::', port: 1, tls: 'sometimes' }] }, createNodePorts({ hosts: {} }));
`;
const CHARTS = `import { initiatingStream, pair } from 'xmpp-dna/machines';
import { replay } from 'xmpp-dna/trace';
const ids: string[] = [initiatingStream.id, pair.id, replay([]).origin];
console.log(ids.join(' '));
`;

/** The trace of a pair that waits for a route. */
const TRACE = `{"trace":"xmpp-dna","version":1,"software":"test","startedAtMs":0,"role":"test","hosts":["a.example"]}
{"seq":0,"atMs":0,"actor":"pair:a.example>b.example","cause":null,"kind":"born","machine":"pair","parent":null,"input":{"local":"a.example","remote":"b.example"},"states":["awaitingRoute"],"untilMs":null}
`;

describe('the package', { timeout: 300_000 }, () => {
  const project = mkdtempSync(join(tmpdir(), 'xmpp-dna-package-'));
  let tarball: string;
  let files: readonly string[];

  before(async () => {
    assert.ok(existsSync(join(ROOT, 'dist/src/index.js')), 'what is packed is what is built: npm run build');
    const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], ROOT);
    const [{ filename, files: packedFiles }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
    tarball = join(project, filename);
    files = packedFiles.map(({ path }) => path);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${own.devDependencies[name] ?? 'latest'}`);
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...tools], project);
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  test('holds what runs, its types and its papers, and no test', () => {
    const expected =
      /^(dist\/(src|machines|visualize)\/.+\.(js|js\.map|d\.ts)|dist\/visualize\/page\/(index\.html|assets\/[^/]+\.(js|css))|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
    assert.deepEqual(
      files.filter((file) => !expected.test(file)),
      [],
    );
    for (const file of [
      'dist/src/index.d.ts',
      'dist/machines/index.js',
      'dist/src/cli/main.js',
      'dist/visualize/page/index.html',
      'LICENSE',
    ]) {
      assert.ok(files.includes(file), file);
    }
  });

  test("the README's embed type-checks in an empty project, and a misuse does not", async () => {
    writeFileSync(join(project, 'embed.ts'), codeBlocks('js')[0] ?? '');
    writeFileSync(join(project, 'misuse.ts'), MISUSE);
    writeFileSync(join(project, 'charts.ts'), CHARTS);
    assert.equal(await run('npx', ['tsc', '-p', '.'], project), '');
  });

  test("the README's embed runs in an empty project: the message arrives", async () => {
    writeFileSync(join(project, 'embed.mjs'), codeBlocks('js')[0] ?? '');
    const printed = await run(process.execPath, ['embed.mjs'], project);
    assert.match(printed, /^sent \[/m);
    assert.match(printed, /tls: 'TLSv1\.3'/);
    assert.match(printed, /^juliet@capulet\.example\/balcony: Wherefore art thou\?$/m);
  });

  test('the charts are importable by themselves', async () => {
    writeFileSync(join(project, 'charts.mjs'), CHARTS.replace(': string[]', ''));
    assert.match(await run(process.execPath, ['charts.mjs'], project), /^\w+ \w+ trace\n$/);
  });

  test('the program is installed under its name', async () => {
    assert.equal(await run('npx', ['--no-install', 'xmpp-dna', '--version'], project), `${own.version}\n`);
  });

  test('the installed program replays a trace: the page is in the package, and answers', async () => {
    writeFileSync(join(project, 'saved.dnalog'), TRACE);
    const program = join(project, 'node_modules/.bin/xmpp-dna');
    const child = spawn(program, ['replay', '--json', 'saved.dnalog'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ready = JSON.parse(String((await lines.next()).value)) as { inspector: string };
      const page = await (await fetch(ready.inspector)).text();
      const [, script = ''] = /<script[^>]* src="([^"]+)"/.exec(page) ?? [];
      assert.match(script, /assets\/.+\.js$/);
      assert.equal((await fetch(new URL(script, ready.inspector))).status, 200);
      assert.match(await (await fetch(new URL('api/explain', ready.inspector))).text(), /b\.example/);
    } finally {
      child.kill('SIGTERM');
      assert.deepEqual(await closed, [0, null]);
    }
  });

  test('publint and attw find nothing to object to', async () => {
    const tool = (name: string): string => join(ROOT, 'node_modules/.bin', name);
    await run(tool('publint'), ['run', tarball, '--strict'], ROOT);
    await run(tool('attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'], ROOT);
  });
});

/** Resolves with the standard output; rejects with the whole output if the exit code is not 0. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, timeout: 240_000, maxBuffer: 2 ** 24 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
