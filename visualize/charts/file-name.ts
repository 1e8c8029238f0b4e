/**
 * Name of a machine's file in docs/charts, without extension: `initiatingStream` is drawn in `initiating-stream.svg`.
 */
export const chartName = (machine: string): string =>
  machine.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
