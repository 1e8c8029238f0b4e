/** The heading of a view, which is read on from there. */
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
