/** The pictures of the charts: correct, legible, and up to date with the machines. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SaxesParser } from 'saxes';
import { type AnyStateMachine, createMachine, setup } from 'xstate';
import { initiatingStream, peer, receivingStream, resolution } from '../../machines/index.ts';
import { readChart } from '../../visualize/charts/chart.ts';
import type { Box, Drawing, Point } from '../../visualize/charts/drawing.ts';
import { flowChart } from '../../visualize/charts/flow-chart.ts';
import { layOut } from '../../visualize/charts/layout.ts';
import {
  allMachines,
  chartMermaid,
  chartStately,
  chartSvg,
  graphOf,
  overviewSvg,
  statesIn,
  type ChartGraph,
} from '../../visualize/index.ts';
import { chartPages, chartsFolder } from '../support/chart-files.ts';
import { tlsWith } from '../support/samples.ts';

interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Every element of a document, by a strict parser. */
function elementsOf(xml: string): XmlElement[] {
  const elements: XmlElement[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes }));
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(xml).close();
  return elements;
}

test('docs/charts is as new as the machines (V1)', async () => {
  const renew = 'node --import tsx test/support/chart-files.ts writes them anew';
  const files = await chartPages();
  assert.deepEqual(readdirSync(chartsFolder).sort(), [...files.keys()].sort(), renew);
  for (const [name, content] of files) {
    // Not assert.equal: its difference of two pictures would be unreadable.
    assert.ok(readFileSync(join(chartsFolder, name), 'utf8') === content, `docs/charts/${name} is old: ${renew}`);
  }
});

for (const machine of allMachines) {
  const graph = graphOf(machine);

  test(`${machine.id} as SVG: every state once, every arrow with its events, a title and a description`, async () => {
    const svg = await chartSvg(machine);
    assert.equal(await chartSvg(machine.provide({})), svg, 'the same bytes again');
    const elements = elementsOf(svg);
    const states = elements.flatMap(({ attributes }) => attributes['data-state'] ?? []).filter((path) => path !== '');
    assert.deepEqual(states.sort(), pathsOf(graph).sort());
    const drawn = new Set(
      elements
        .filter(({ name, attributes }) => name === 'path' || attributes['class'] === 'exit')
        .map(({ attributes: a }) => `${a['data-from'] ?? ''}|${a['data-to'] ?? ''}|${a['data-event'] ?? ''}`),
    );
    for (const { from, to, reasons } of graph.arrows) {
      const key = `${from}|${to}|${reasons.map(({ event }) => event).join(' ')}`;
      assert.ok(drawn.has(key), `no arrow ${key}`);
    }
    assert.deepEqual(
      elements.slice(0, 3).map(({ name }) => name),
      ['svg', 'title', 'desc'],
    );
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/);
    const sizes = [...svg.matchAll(/font-size:([\d.]+)px/g)].map(([, size]) => Number(size));
    assert.ok(Math.min(...sizes) >= 12, 'no text is tiny');
    assert.ok(Number(elements[0]?.attributes['width']) <= 1200, 'not wider than a page');
  });

  test(`${machine.id} as a picture: nothing lies on anything else`, async () => {
    assert.deepEqual(overlapsIn(await layOut(graph)), []);
  });

  test(`${machine.id} as JSON for Stately: createMachine takes it, and its chart is the same`, () => {
    const again: AnyStateMachine = createMachine(
      JSON.parse(chartStately(machine)) as Parameters<typeof createMachine>[0],
    );
    assert.deepEqual(comparable(again), comparable(machine));
  });

  test(`${machine.id} as Mermaid: every state and every arrow, in its grammar`, () => {
    const [, head, ...lines] = chartMermaid(machine).trimEnd().split('\n');
    assert.equal(head, 'stateDiagram-v2');
    const id = String.raw`(\[\*\]|\w+)`;
    const text = String.raw`(?:[\p{L}\p{N} .,§·()[\]*'/-]|#\d+;|<br/>)+`;
    const grammar = new RegExp(
      String.raw`^ *(?:state "${text}" as \w+|state \w+ \{|\}|${id} --> ${id}(?: : ${text})?)$`,
      'u',
    );
    assert.deepEqual(
      lines.filter((line) => !grammar.test(line)),
      [],
    );
    for (const path of pathsOf(graph))
      assert.ok(
        lines.some((line) => line.endsWith(` as ${path.replaceAll('.', '_')}`)),
        path,
      );
    const arrows = lines.filter((line) => line.includes('-->') && !line.includes('[*]'));
    assert.equal(arrows.length, graph.arrows.length);
  });
}

test('V1: every delay of ours says between what it lies', () => {
  for (const machine of allMachines) {
    const { delays } = readChart(machine);
    assert.deepEqual(Object.keys(delays), Object.keys(machine.implementations.delays), machine.id);
    for (const [name, { leastMs, mostMs }] of Object.entries(delays))
      assert.ok(leastMs > 0 && leastMs <= mostMs, `${machine.id}.${name}: ${leastMs} to ${mostMs}`);
  }
});

/** By machine and delay, the contexts in which it is shortest and longest. */
const extremes: readonly (readonly [AnyStateMachine, string, least: unknown, most: unknown])[] = [
  [initiatingStream, 'featuresTimeout', { tls: null }, { tls: tlsWith(null) }],
  [receivingStream, 'featuresTimeout', { tls: null }, { tls: tlsWith(null) }],
  [resolution, 'addressesTimeout', { targets: [1, 2] }, { targets: [1] }],
  [peer, 'backoff', { failures: 1, jitter: 0 }, { failures: 20, jitter: 1 }],
];

for (const [machine, name, least, most] of extremes) {
  test(`V1: ${machine.id}.${name} lies between what its chart says`, () => {
    const delay = (machine.implementations.delays as Record<string, (scope: unknown) => number>)[name];
    const span = readChart(machine).delays[name];
    assert.deepEqual([delay?.({ context: least }), delay?.({ context: most })], [span?.leastMs, span?.mostMs]);
  });
}

test('V1: a chart of others may have delays of which nobody says how long they are', () => {
  const machine = setup({ delays: { wait: () => 5 } }).createMachine({
    id: 'theirs',
    initial: 'a',
    states: { a: { after: { wait: 'b' } }, b: {} },
  });
  assert.match(chartMermaid(machine), /a --> b : after wait$/m);
});

const pathsOf = ({ root }: ChartGraph): string[] => [...statesIn(root)].map(({ path }) => path).slice(1);

/** The part of a chart that JSON can carry: without the values of delays, and without whether there is an output. */
function comparable(machine: AnyStateMachine): unknown {
  const { id, description, root } = readChart(machine);
  return JSON.parse(
    JSON.stringify({ id, description, root }, (key, value: unknown) => (key === 'isKnown' ? null : value)),
  );
}

const overlap = (one: Box, other: Box): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

/** A part of a line as a box, without its ends, which touch the boxes that the line connects. */
const partOf = (from: Point, to: Point): Box => ({
  x: Math.min(from.x, to.x) - 0.25,
  y: Math.min(from.y, to.y) + 1,
  width: Math.abs(from.x - to.x) + 0.5,
  height: Math.max(0.5, Math.abs(from.y - to.y) - 2),
});

function overlapsIn({ states, anywhere, arrows, width, height }: Drawing): string[] {
  const boxes = [
    ...states.map(({ state, card, ...box }) => ({
      name: state.path,
      ...box,
      height: state.states.length > 0 ? card.height : box.height,
    })),
    ...(anywhere === null ? [] : [{ ...anywhere, name: 'in any state' }]),
  ];
  const labels = arrows.flatMap(({ arrow: { from, to }, label }) =>
    label === null ? [] : [{ name: `label ${from} > ${to}`, ...label }],
  );
  const things = [...boxes, ...labels];
  const found: string[] = [];
  for (const [index, one] of things.entries()) {
    for (const other of things.slice(index + 1)) if (overlap(one, other)) found.push(`${one.name} and ${other.name}`);
    if (!overlap(one, { x: 0, y: 0, width, height })) found.push(`${one.name} is out of the picture`);
    for (const { arrow, points } of arrows) {
      const name = `line ${arrow.from} > ${arrow.to}`;
      const isOwn = one.name === `label ${arrow.from} > ${arrow.to}`;
      const crosses = points.some((point, at) => at > 0 && overlap(partOf(points[at - 1] ?? point, point), one));
      if (crosses && !isOwn) found.push(`${name} and ${one.name}`);
    }
  }
  for (const { state, card, ...box } of states) if (card.width > box.width) found.push(`${state.path} is too narrow`);
  return found;
}

test('a state that waits says who has to move, and by when', async () => {
  const machine = allMachines.find(({ id }) => id === 'initiatingStream');
  assert.ok(machine);
  const svg = await chartSvg(machine);
  const awaiting = /<g class="state waiting" data-state="streamHeaders.awaitingHeader">.*?<\/g>/s.exec(svg)?.[0] ?? '';
  for (const text of ['>peer · 15 s<', '>RFC 6120 §4.7<', '>awaits the response header<'])
    assert.ok(awaiting.includes(text), text);
  assert.match(svg, /data-event="xstate.after.headerTimeout.initiatingStream.streamHeaders.awaitingHeader"/);
  assert.match(
    svg,
    /<tspan class="peer">peer\.streamOpened<\/tspan><tspan class="guard"> \[versionIsForeign\]<\/tspan>/,
  );
});

test('what a machine says of itself cannot become markup, in any format', async () => {
  const evil = `</text><script>alert(1)</script> & " ' ]]> \u0007\ufffe <!-- ; # : %% }`;
  const machine = setup({ guards: { ok: () => true } }).createMachine({
    id: 'hostile"><script>',
    description: evil,
    meta: { spec: evil },
    initial: 'a"><script>',
    states: {
      'a"><script>': { description: evil, meta: { spec: evil, awaits: evil, ifLate: evil }, on: { '"><script>': 'b' } },
      b: { type: 'final', description: evil },
    },
  });
  const svg = await chartSvg(machine);
  const names = new Set(elementsOf(svg).map(({ name }) => name));
  assert.ok(!names.has('script'));
  const mermaid = chartMermaid(machine);
  assert.doesNotMatch(mermaid, /<script|"><|%% }/);
});

test('the overview: nothing overlaps, nothing is out of the picture, no line of text touches another', () => {
  const elements = elementsOf(overviewSvg(allMachines));
  const numberOf = ({ attributes }: XmlElement, name: string): number => Number(attributes[name] ?? 'NaN');
  const boxes = elements
    .filter(({ name, attributes }) => name === 'rect' && attributes['class'] === 'box')
    .map((element) => ({
      name: `box at ${numberOf(element, 'x')}, ${numberOf(element, 'y')}`,
      ...{ x: numberOf(element, 'x'), y: numberOf(element, 'y') },
      ...{ width: numberOf(element, 'width'), height: numberOf(element, 'height') },
    }));
  const [, , width = 0, height = 0] = (elements[0]?.attributes['viewBox'] ?? '').split(' ').map(Number);
  assert.ok(boxes.length > flowChart.length);
  for (const [index, box] of boxes.entries()) {
    for (const other of boxes.slice(index + 1)) assert.ok(!overlap(box, other), `${box.name} and ${other.name}`);
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, box.name);
  }
  const lines = new Map<number, number[]>();
  for (const element of elements.filter(({ name }) => name === 'text')) {
    const [x, y] = [numberOf(element, 'x'), numberOf(element, 'y')];
    lines.set(x, [...(lines.get(x) ?? []), y]);
    assert.ok(y > 0 && y < height);
  }
  for (const [x, baselines] of lines) {
    const sorted = baselines.toSorted((one, other) => one - other);
    for (const [at, y] of sorted.entries()) assert.ok(y - (sorted[at - 1] ?? -Infinity) >= 12, `text at ${x}, ${y}`);
  }
});

test('no text of a picture is smaller than 12 px', async () => {
  for (const svg of [
    overviewSvg(allMachines),
    ...(await Promise.all(allMachines.map((machine) => chartSvg(machine)))),
  ]) {
    const sizes = [...svg.matchAll(/([\d.]+)px/g)].map(([, size]) => Number(size));
    assert.ok(sizes.length > 0 && Math.min(...sizes) >= 12, String(Math.min(...sizes)));
  }
});

test('the overview has every box of the figures, and every chart has its place in it', () => {
  const svg = overviewSvg(allMachines);
  const elements = elementsOf(svg);
  const placed = new Set(elements.flatMap(({ attributes }) => attributes['data-machine'] ?? []));
  for (const { id } of allMachines) assert.ok(placed.has(id), id);
  const titles = flowChart.flatMap(({ boxes }) => boxes.map(({ title }) => title));
  for (const title of titles) for (const word of title.split(' ')) assert.ok(svg.includes(word), word);
  const figures = elements.filter(({ attributes }) => /^figure\b/.test(attributes['class'] ?? ''));
  assert.equal(figures.length, titles.length);
  assert.throws(() => overviewSvg(allMachines.slice(1)), /which is in no chart/);
});
