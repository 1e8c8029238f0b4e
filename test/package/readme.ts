/** The README as data, so that its examples can be run as they are. */
import { readFileSync } from 'node:fs';

export const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The contents of its fenced blocks in one language, in order. */
export function codeBlocks(language: string): readonly string[] {
  return [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, found, code = '']) =>
    found === language ? [code] : [],
  );
}

/** Targets of its links that are files of the repository, without fragments. */
export function linkedFiles(): readonly string[] {
  return [...readme.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}
