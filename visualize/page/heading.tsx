/** The heading of a view, from which reading continues. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isFocusLost } from './focus.ts';

export function Heading({ children }: { readonly children: preact.ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    if (isFocusLost()) heading.current?.focus();
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
