/** The version of the running package. */
import { existsSync, readFileSync } from 'node:fs';

/** Built files are one folder deeper than their sources. */
export function packageVersion(): string {
  const candidates = ['../../package.json', '../../../package.json'].map((path) => new URL(path, import.meta.url));
  const file = candidates.find((url) => existsSync(url));
  const parsed: unknown = file === undefined ? null : JSON.parse(readFileSync(file, 'utf8'));
  const found = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : null;
  return typeof found === 'string' ? found : 'unknown';
}
