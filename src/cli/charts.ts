/** `xmpp-dna charts`: writes the state charts to files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART_FORMATS, chartFiles, type ChartFormat } from '../../visualize/index.ts';
import type { CommandInput, RunCommand } from './command.ts';
import { EXIT, UsageError } from './terminal.ts';

const DEFAULT_FOLDER = 'charts';

export const charts: RunCommand = async ({ values }, terminal) => {
  const format = readFormat(values);
  const folder = typeof values['out'] === 'string' && values['out'] !== '' ? values['out'] : DEFAULT_FOLDER;
  for (const { name, machine, content } of await chartFiles(format)) {
    const path = join(folder, name);
    await write(folder, path, content);
    terminal.print(path);
    terminal.event({ event: 'file', format, machine, path });
  }
  return EXIT.good;
};

function readFormat({ format }: CommandInput['values']): ChartFormat {
  if (format === undefined) return 'svg';
  const known = CHART_FORMATS.find((one) => one === format);
  if (known === undefined) throw new UsageError(`--format: expected ${CHART_FORMATS.join(', ')}`);
  return known;
}

async function write(folder: string, path: string, content: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new UsageError(`--out: expected a folder that can be written to; ${path}: ${why}`);
  }
}
