/** Checks on the fields of a value that was read, by field name. */

/** An object with fields about which nothing is known yet. */
export type Found = Readonly<Record<string, unknown>>;

export interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

export type Fields = Readonly<Record<string, Check>>;
/** One check for each field of a type, including optional fields. */
export type FieldsOf<Type> = { readonly [Name in keyof Required<Type>]: Check };

export const check = (expected: string, holds: (value: unknown) => boolean): Check => ({ expected, holds });
export const isObject = (value: unknown): value is Found =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string';
const isPath = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

export const text = check('a text', isText);
export const number = check('a number', Number.isFinite);
export const count = check(
  'a whole number, not negative',
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);
export const flag = check('true or false', (value) => typeof value === 'boolean');
export const object = check('a mapping', isObject);
export const anything = check('anything', () => true);
export const texts = check('a list of texts', isPath);
export const paths = check('a list of lists of texts', (value) => Array.isArray(value) && value.every(isPath));
export const typed = check('a mapping with a type', (value) => isObject(value) && isText(value['type']));

export const oneOf = (...words: readonly string[]): Check =>
  check(`one of ${words.join(', ')}`, (value) => isText(value) && words.includes(value));
export const orNull = ({ expected, holds }: Check): Check =>
  check(`${expected}, or null`, (value) => value === null || holds(value));
export const orAbsent = ({ expected, holds }: Check): Check =>
  check(`${expected}, or absent`, (value) => value === undefined || holds(value));
export const listOf = (what: string, fields: Fields): Check =>
  check(`a list of ${what}`, (value) => Array.isArray(value) && value.every((each) => fits(each, fields)));

export const fits = (value: unknown, fields: Fields): boolean => isObject(value) && problemIn(value, fields) === null;

/** What is expected instead; null if every field passes its check. */
export function problemIn(found: Found, fields: Fields): string | null {
  for (const [name, { expected, holds }] of Object.entries(fields)) {
    if (!holds(found[name])) return `"${name}" to be ${expected}`;
  }
  return null;
}
