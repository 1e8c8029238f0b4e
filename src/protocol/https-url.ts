/** Longest URL followed, in characters. */
const MAX_URL_LENGTH = 2_048;

/** An https URL that may be fetched, resolved against `base` if it is relative; null for all others. */
export function httpsUrl(text: string, base?: string): URL | null {
  const url = text.length <= MAX_URL_LENGTH && URL.canParse(text, base) ? new URL(text, base) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') return null;
  url.hash = '';
  return url.href.length <= MAX_URL_LENGTH ? url : null;
}
