/** The chart of an actor, with its current state and the path that it took highlighted. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ActorView } from '../../src/trace/view/view.ts';
import { chartName } from '../charts/file-name.ts';
import { holds, isTaken, litIn } from './chart-paths.ts';
import { countWords } from '../../src/trace/explain/words.ts';
import { clockWords } from './words.ts';

/** The pictures as drawn from the machines; each is loaded when it is first shown. */
const pictures = import.meta.glob<string>('../../docs/charts/*.svg', { query: '?raw', import: 'default' });

const fileOf = (machine: string): string => `../../docs/charts/${chartName(machine)}.svg`;

export function ChartCard({ actor }: { readonly actor: ActorView }) {
  const { machine, state, path, description } = actor;
  const picture = usePicture(machine);
  const box = useRef<HTMLDivElement>(null);
  const current = state.join('.');
  const way = path.map((step) => step.state).join(' ');

  useLayoutEffect(() => {
    if (picture === null || box.current === null) return;
    if (box.current.firstChild !== picture) box.current.replaceChildren(picture);
    light(picture, actor);
    centre(box.current);
  }, [picture, current, way]);

  return (
    <section class="card chart" aria-label={`Chart of ${machine}`}>
      <p class="muted">
        <strong>{current || '…'}</strong> {description}
      </p>
      <div
        ref={box}
        class="picture"
        tabIndex={0}
        role="region"
        aria-label={`Chart of ${machine}; it is in ${current}`}
      />
      <details>
        <summary>The way that it took, {countWords(path.length, 'state')}</summary>
        <ol class="way">
          {path.map((step, at) => (
            <li key={at}>
              <time>{clockWords(step.atMs)}</time> <code>{step.state}</code>
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

/** Null where there is no picture, or it is not loaded yet. */
function usePicture(machine: string): SVGSVGElement | null {
  const [picture, setPicture] = useState<SVGSVGElement | null>(null);
  useEffect(() => {
    let isWanted = true;
    setPicture(null);
    void pictures[fileOf(machine)]?.().then((text) => {
      if (isWanted) setPicture(parsed(text));
    });
    return () => {
      isWanted = false;
    };
  }, [machine]);
  return picture;
}

/**
 * Without its style, which is part of the page's own (vite.config.ts): the content security policy refuses inline
 * styles.
 */
function parsed(text: string): SVGSVGElement | null {
  const bare = text.replace(/<style>.*?<\/style>/s, '');
  const { documentElement } = new DOMParser().parseFromString(bare, 'image/svg+xml');
  return documentElement instanceof SVGSVGElement ? document.adoptNode(documentElement) : null;
}

function light(picture: SVGSVGElement, { state, path }: ActorView): void {
  const lit = litIn(path, state.join('.'));
  for (const drawn of picture.querySelectorAll<SVGElement>('[data-state]')) {
    const name = drawn.dataset['state'] ?? '';
    drawn.classList.toggle('lit', name === lit.current);
    drawn.classList.toggle('lit-within', name !== lit.current && name !== '' && holds(name, lit.current));
    drawn.classList.toggle('passed', lit.passed.has(name));
  }
  for (const drawn of picture.querySelectorAll<SVGElement>('[data-from]')) {
    const { from = '', to = '' } = drawn.dataset;
    drawn.classList.toggle('taken', isTaken(lit, from, to));
  }
}

/** The current state may be far down. */
function centre(box: HTMLElement): void {
  const lit = box.querySelector('.lit > .box');
  if (lit === null) return;
  const [outer, inner] = [box.getBoundingClientRect(), lit.getBoundingClientRect()];
  box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
  box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
}
