/**
 * A strict parser for the text format of Prometheus, version 0.0.4: refuses samples that are out of order, duplicate,
 * or of an unknown type.
 */
import assert from 'node:assert/strict';

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** @throws AssertionError naming the line */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let help: readonly [name: string, text: string] | null = null;
  let family: { name: string; type: string; help: string; samples: Sample[] } | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const helped = new RegExp(`^# HELP (${NAME}) (.*)$`).exec(line);
    if (helped !== null) {
      help = [helped[1] ?? '', helped[2] ?? ''];
      continue;
    }
    const typed = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`).exec(line);
    if (typed !== null) {
      const [, name = '', type = ''] = typed;
      assert.equal(help?.[0], name, `TYPE without HELP: ${line}`);
      assert.ok(!families.has(name), `twice: ${line}`);
      family = { name, type, help: help[1], samples: [] };
      families.set(name, family);
      continue;
    }
    const read = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line);
    assert.ok(read !== null && family !== null, `no sample: ${line}`);
    const [, name = '', labels = '', value = ''] = read;
    const suffix = name.slice(family.name.length);
    assert.ok(
      name.startsWith(family.name) && (SUFFIXES[family.type] ?? ['']).includes(suffix),
      `of another family: ${line}`,
    );
    const key = `${name}{${labels}}`;
    assert.ok(!seen.has(key), `twice: ${line}`);
    seen.add(key);
    const number = value === '+Inf' ? Infinity : Number(value);
    // Some values are NaN until something has been measured.
    assert.ok(!Number.isNaN(number) || /^nan$/i.test(value), `no number: ${line}`);
    family.samples.push({ name, labels: labelsIn(labels), value: number });
  }
  return families;
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== '';) {
    const read = LABEL.exec(rest);
    assert.ok(read !== null, `no labels: ${text}`);
    const [all, name = '', value = ''] = read;
    assert.ok(!Object.hasOwn(labels, name), `twice: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
    rest = rest.slice(all.length);
  }
  return labels;
}
