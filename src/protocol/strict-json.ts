/**
 * JSON as defined in RFC 8259 §2, without anything that two parsers could read differently: software differs in which
 * of several members with the same name it uses (§4), so duplicates are an error here. Objects are maps: no name is
 * special.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export type JsonReading =
  { readonly kind: 'read'; readonly value: JsonValue } | { readonly kind: 'malformed'; readonly problem: string };

/** Reads one value. The caller limits the length of `text`; `maxDepth` is how deep arrays and objects may nest. */
export function readJson(text: string, maxDepth: number): JsonReading {
  try {
    return { kind: 'read', value: new Reader(text, maxDepth).readAll() };
  } catch (thrown) {
    if (thrown instanceof JsonProblem) return { kind: 'malformed', problem: thrown.message };
    throw thrown;
  }
}

class JsonProblem extends Error {}

const SPACE = /[ \t\n\r]*/y;
// eslint-disable-next-line no-control-regex -- these are the characters to refuse
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  readAll(): JsonValue {
    const value = this.#value(0);
    if (this.#next() !== '') throw this.#problem('more after the end');
    return value;
  }

  #value(depth: number): JsonValue {
    const next = this.#next();
    if (next === '{' || next === '[') {
      if (depth >= this.#maxDepth) throw this.#problem(`nested deeper than ${this.#maxDepth}`);
      this.#at += 1;
      return next === '{' ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    const scalar = this.#token(STRING) ?? this.#token(NUMBER) ?? this.#token(WORD);
    if (scalar === null) throw this.#problem(next === '' ? 'the end comes too early' : 'no value');
    // The scalar matches the grammar and only needs to be decoded.
    return JSON.parse(scalar) as null | boolean | number | string;
  }

  #array(depth: number): JsonValue[] {
    const values: JsonValue[] = [];
    if (this.#take(']')) return values;
    do values.push(this.#value(depth));
    while (this.#take(','));
    this.#expect(']');
    return values;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    if (this.#take('}')) return members;
    do {
      this.#next();
      const name = this.#token(STRING);
      if (name === null) throw this.#problem('no member name');
      const decoded = JSON.parse(name) as string; // it matches the grammar of a string
      if (members.has(decoded)) throw this.#problem(`the member ${name} occurs twice`);
      this.#expect(':');
      members.set(decoded, this.#value(depth));
    } while (this.#take(','));
    this.#expect('}');
    return members;
  }

  /** The next character that is not white space; empty at the end. */
  #next(): string {
    this.#token(SPACE);
    return this.#text.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#problem(`no "${character}"`);
  }

  #token(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const [token = null] = pattern.exec(this.#text) ?? [];
    if (token !== null) this.#at += token.length;
    return token;
  }

  #problem(what: string): JsonProblem {
    return new JsonProblem(`${what} at character ${this.#at}`);
  }
}
