/**
 * The pictures in docs/charts, made from the machines. `node --import tsx test/support/chart-files.ts` rewrites them.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allMachines, CHART_FORMATS, chartFileName, chartFiles, graphOf } from '../../visualize/index.ts';

export const chartsFolder = fileURLToPath(new URL('../../docs/charts', import.meta.url));

/** Name of each file that docs/charts must contain, and its content. */
export async function chartPages(): Promise<Map<string, string>> {
  const files = new Map([['README.md', page()]]);
  for (const format of CHART_FORMATS) {
    for (const { name, content } of await chartFiles(format)) files.set(name, content);
  }
  return files;
}

const page = (): string =>
  [
    '# The state charts',
    '',
    '<!-- written by test/support/chart-files.ts -->',
    '',
    'Every word in these pictures comes from the machines themselves, in [machines](../../machines). `xmpp-dna charts` writes',
    "them: as SVG, as Mermaid, and as JSON that Stately's tools accept between the brackets of `createMachine()`.",
    '',
    'A waiting state says who has to move, and by when: `peer · 15 s`. Where the deadline depends on the case, only its name is',
    'shown ([stream/setup.ts](../../machines/stream/setup.ts) and the machines say what it depends on). A dashed box only decides.',
    'Instead of a long arrow, the box of a state holds the name of the state that it leads to. Events are coloured by their',
    'origin, conditions are in square brackets, and the first condition that holds is taken.',
    '',
    '## Overview',
    '',
    `![The flow charts of RFC 7712, and these charts](${chartFileName('overview', 'svg')})`,
    '',
    ...allMachines.flatMap((machine) => {
      const { id, root } = graphOf(machine);
      return [
        `## ${id}`,
        '',
        `${root.description} (${root.spec}) Also as [Mermaid](${chartFileName(id, 'mermaid')}) and [JSON](${chartFileName(id, 'stately')}).`,
        '',
        `![${id}](${chartFileName(id, 'svg')})`,
        '',
      ];
    }),
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(chartsFolder, { recursive: true });
  const files = await chartPages();
  for (const name of readdirSync(chartsFolder)) if (!files.has(name)) rmSync(join(chartsFolder, name));
  for (const [name, content] of files) writeFileSync(join(chartsFolder, name), content);
}
