/**
 * The style of the pictures. All selectors are below `.dna-chart`, so that a page may contain several pictures and
 * restyle them through the variables.
 */
import { FONTS, type TextStyle } from './card.ts';

const light = {
  paper: '#ffffff',
  ink: '#1c2430',
  muted: '#5d6a7a',
  line: '#7a8697',
  box: '#ffffff',
  outer: '#f4f6f9',
  edge: '#c3ccd7',
  waiting: '#fffaf0',
  'waiting-edge': '#d9a441',
  pill: '#f6e3bb',
  'pill-ink': '#6b4700',
  final: '#eef2f6',
  peer: '#b0360c',
  local: '#0b5cad',
  transport: '#0c6e63',
  actor: '#6a3fb0',
  time: '#8a5a00',
  decision: '#5d6a7a',
};
const dark: typeof light = {
  paper: '#11161d',
  ink: '#e6ebf2',
  muted: '#9aa7b8',
  line: '#76849a',
  box: '#1b222c',
  outer: '#161c25',
  edge: '#37424f',
  waiting: '#262115',
  'waiting-edge': '#8d6d2c',
  pill: '#4a3a17',
  'pill-ink': '#f5d58c',
  final: '#222b37',
  peer: '#ff9a75',
  local: '#7db8ff',
  transport: '#5fd0c0',
  actor: '#c3a2ff',
  time: '#e8b95a',
  decision: '#9aa7b8',
};

const variables = (colours: typeof light): string =>
  Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

const FAMILY = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',Arial,sans-serif";

const sizes = (Object.keys(FONTS) as TextStyle[])
  .map(
    (style) => `.dna-chart .${style}{font-size:${FONTS[style].size}px${FONTS[style].bold ? ';font-weight:600' : ''}}`,
  )
  .join('\n');

const origins = ['peer', 'local', 'transport', 'actor', 'time', 'decision']
  .map((origin) => `.dna-chart .${origin}{fill:var(--${origin})}`)
  .join('\n');

export const styleSheet = `
.dna-chart{${variables(light)};color-scheme:light dark}
@media (prefers-color-scheme:dark){.dna-chart{${variables(dark)}}}
.dna-chart text{font-family:${FAMILY};fill:var(--ink)}
${sizes}
.dna-chart .paper{fill:var(--paper)}
.dna-chart .lead,.dna-chart .spec,.dna-chart .hears{fill:var(--muted)}
.dna-chart .awaits{font-style:italic}
.dna-chart .box{fill:var(--box);stroke:var(--edge);stroke-width:1.25}
.dna-chart .outer>.box{fill:var(--outer)}
.dna-chart .waiting>.box{fill:var(--waiting);stroke:var(--waiting-edge)}
.dna-chart .deciding>.box{stroke-dasharray:5 4}
.dna-chart .final>.box{fill:var(--final);stroke:var(--muted)}
.dna-chart .figure>.badge{fill:var(--ink)}
.dna-chart .figure>.box{stroke:var(--muted)}
.dna-chart .remark>.badge{font-style:italic}
.dna-chart .inset{fill:none;stroke:var(--muted);stroke-width:1}
.dna-chart .anywhere>.box{fill:none;stroke-dasharray:2 4}
.dna-chart .pill{fill:var(--pill);stroke:none}
.dna-chart .badge{text-anchor:middle;fill:var(--pill-ink)}
.dna-chart .name{fill:var(--outer);stroke:var(--muted)}
.dna-chart .exit>.badge{fill:var(--ink)}
.dna-chart .rule{stroke:var(--edge);stroke-width:1}
.dna-chart .waiting>.rule{stroke:var(--waiting-edge);opacity:.5}
.dna-chart .start{fill:var(--ink)}
.dna-chart .line{fill:none;stroke:var(--line);stroke-width:1.5}
.dna-chart .late{stroke-dasharray:4 4}
.dna-chart .tip{fill:var(--line)}
.dna-chart .label>.box{fill:var(--paper);stroke:none;opacity:.92}
.dna-chart .inner>.box{fill:var(--outer)}
.dna-chart .quiet>.pill{fill:var(--edge);opacity:.6}
.dna-chart .quiet>.badge{fill:var(--ink)}
.dna-chart .reason{font-size:${FONTS.label.size}px}
${origins}
.dna-chart .guard{fill:var(--muted)}
`;
