/** Parts that all pictures have in common. */
import type { Box } from './drawing.ts';
import { styleSheet } from './style.ts';

export interface About {
  /** Unique among the pictures on a page. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

/** A reference to the arrowhead of the picture with this id. */
export const arrowHead = (id: string): string => `url(#${nameOf(id)}-arrow)`;

/** An id without characters that a reference may not contain. */
const nameOf = (id: string): string => id.replaceAll(/[^\w-]/g, '-');

/** A standalone picture, with the text that a screen reader reads for it. */
export function document(
  { id, title, description }: About,
  width: number,
  height: number,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="dna-chart" data-machine="${escaped(id)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${nameOf(id)}-title ${nameOf(id)}-desc">`,
    `<title id="${nameOf(id)}-title">${escaped(title)}</title>`,
    `<desc id="${nameOf(id)}-desc">${escaped(description)}</desc>`,
    `<style>${styleSheet}</style>`,
    `<defs><marker id="${nameOf(id)}-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0,1 L10,5 L0,9 z"/></marker></defs>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export const rectangle = ({ x, y, width, height }: Box, classes: string, radius: number): string =>
  `<rect class="${classes}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text escaped for element content and attributes; characters that XML 1.0 does not allow are left out. */
export const escaped = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- these are what XML cannot carry
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
