/** One spot of the configuration file, and the remarks about it: every message names file, line and key path. */
import { isAlias, type Document, type LineCounter, type Node } from 'yaml';

/** One message about the file. */
export interface Remark {
  readonly line: number;
  readonly sentence: string;
}

/** Returned by a decoder in place of a value, after it has reported why. */
export const refused = Symbol('refused');
export type Refused = typeof refused;

/** A file that cannot be used; `problems` holds every reason, each with file, line, key path and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The parsed file, and all remarks about it so far. */
export class Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly problems: Remark[] = [];
  readonly warnings: Remark[] = [];

  constructor(file: string, document: Document, lines: LineCounter) {
    this.file = file;
    this.document = document;
    this.lines = lines;
  }

  root(): Spot {
    return new Spot(this, this.document.contents, '', 1);
  }

  lineAt(offset: number): number {
    return Math.max(1, this.lines.linePos(offset).line);
  }

  remark(line: number, path: string, sentence: string): Remark {
    return { line, sentence: `${this.file}:${line}: ${path === '' ? '' : `${path}: `}${sentence}` };
  }
}

/** A value in the file and the path to it. */
export class Spot {
  readonly source: Source;
  /** The value; null where the file says nothing. Aliases are followed. */
  readonly node: Node | null;
  /** The anchor that an unresolved alias names, else null: such a value is unknown, not absent. */
  readonly missingAnchor: string | null;
  /** `policy.domains["c.example"].federation`; empty for the whole file. */
  readonly path: string;
  readonly line: number;

  constructor(source: Source, node: Node | null | undefined, path: string, line: number) {
    this.source = source;
    this.node = (isAlias(node) ? node.resolve(source.document) : node) ?? null;
    this.missingAnchor = isAlias(node) && this.node === null ? node.source : null;
    this.path = path;
    this.line = line;
  }

  /** The spot of a key of this mapping, or of an item of this list; without a node it takes this spot's line. */
  below(key: string | number, node: Node | null | undefined, keyNode?: Node | null): Spot {
    const offset = (keyNode ?? node)?.range?.[0];
    const line = offset === undefined ? this.line : this.source.lineAt(offset);
    return new Spot(this.source, node, this.#pathTo(key), line);
  }

  /** Records a problem here. Returns {@link refused}, so that a decoder can return it. */
  problem(sentence: string): Refused {
    const anchor = this.missingAnchor;
    const said = anchor === null ? sentence : `unresolved alias *${anchor}: there is no &${anchor} before it`;
    this.source.problems.push(this.source.remark(this.line, this.path, said));
    return refused;
  }

  /** Records a warning for the operator, which does not prevent the start. */
  warn(sentence: string): void {
    this.source.warnings.push(this.source.remark(this.line, this.path, sentence));
  }

  #pathTo(key: string | number): string {
    if (typeof key === 'number') return `${this.path}[${key}]`;
    if (!/^[\w-]+$/.test(key)) return `${this.path}[${JSON.stringify(key)}]`;
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}
