/** The charts as plain data: what the walk, the tables of SPEC.md and their tests look at. */
export * from '../../visualize/charts/chart.ts';
