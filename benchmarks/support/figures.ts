/** Tables of measurements, made in one run on this machine. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle - 0.5)] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** The value that this fraction of the values does not exceed; between two values, interpolated linearly. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const [below = NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at % 1);
}

/** Lower, median, upper. */
export const quartiles = (values: readonly number[]): readonly [number, number, number] => [
  quantile(values, 0.25),
  median(values),
  quantile(values, 0.75),
];

/** What was measured, when, and on which machine: figures from different machines are not comparable. */
export function heading(title: string): void {
  const [first] = cpus();
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(
    `${title}\n${new Date().toISOString()}, Node ${process.version}, ${cpus().length} x ${first?.model ?? '?'}`,
  );
  console.log(`load at the start: ${load.join(' ')} (figures are processor time of the server alone)\n`);
}

/** Columns as wide as their contents; the first is left-aligned, figures are right-aligned. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  for (const row of rows) {
    console.log(row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('   '));
  }
  console.log('');
}

const pad = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width);

export const whole = (value: number): string => Math.round(value).toLocaleString('en');
export const ratio = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)}x`;
/** The figure of every round, so that the reader sees how noisy the machine is. */
export const rounds = (values: readonly number[]): string => values.map(whole).join(' ');

const TICKS_PER_SECOND = 100; // USER_HZ of Linux

/** User and system time so far of one process and all its threads, in seconds, without child processes. */
export function cpuSeconds(pid: number): number {
  // The second field is the command in brackets, which may contain anything; the rest starts with the third.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
