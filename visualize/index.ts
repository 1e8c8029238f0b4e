/** Pictures of the charts, for pages, tools and papers: everything in them comes from the machines. */
export { chartSvg } from './charts/svg.ts';
export { chartMermaid } from './charts/mermaid.ts';
export { chartStately } from './charts/stately.ts';
export { overviewSvg } from './charts/overview.ts';
export { allMachines } from './charts/machines.ts';
export { CHART_FORMATS, chartFileName, chartFiles, type ChartFile, type ChartFormat } from './charts/files.ts';
export {
  graphOf,
  reasonWords,
  statesIn,
  type ChartGraph,
  type GraphArrow,
  type GraphDeadline,
  type GraphState,
  type Origin,
  type Reason,
} from './charts/graph.ts';
