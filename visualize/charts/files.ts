/** All pictures of one format, as files. */
import { chartName } from './file-name.ts';
import { allMachines } from './machines.ts';
import { chartMermaid } from './mermaid.ts';
import { overviewSvg } from './overview.ts';
import { chartStately } from './stately.ts';
import { chartSvg } from './svg.ts';

export const CHART_FORMATS = ['svg', 'mermaid', 'stately'] as const;
export type ChartFormat = (typeof CHART_FORMATS)[number];

export interface ChartFile {
  readonly name: string;
  /** Id of the machine that is drawn; null for the picture of all machines. */
  readonly machine: string | null;
  readonly content: string;
}

const EXTENSIONS: Readonly<Record<ChartFormat, string>> = { svg: 'svg', mermaid: 'mmd', stately: 'json' };

/** `initiatingStream` as `initiating-stream.svg`. */
export const chartFileName = (machine: string, format: ChartFormat): string =>
  `${chartName(machine)}.${EXTENSIONS[format]}`;

/** Every chart; as SVG, the overview as well. */
export async function chartFiles(format: ChartFormat): Promise<ChartFile[]> {
  const files: ChartFile[] = [];
  if (format === 'svg') {
    files.push({ name: chartFileName('overview', format), machine: null, content: overviewSvg(allMachines) });
  }
  for (const machine of allMachines) {
    const draw = { svg: chartSvg, mermaid: chartMermaid, stately: chartStately }[format];
    files.push({ name: chartFileName(machine.id, format), machine: machine.id, content: await draw(machine) });
  }
  return files;
}
