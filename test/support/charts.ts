/** The charts as plain data: used by the walk, the tables of SPEC.md and their tests. */
export * from '../../visualize/charts/chart.ts';
