/** How the files of docs/charts are named, by the id of the machine: `initiatingStream` is drawn in `initiating-stream.svg`. */
export const chartName = (machine: string): string =>
  machine.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
