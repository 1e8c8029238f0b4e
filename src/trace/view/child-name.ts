/**
 * What a child is called in a path. Charts number the children that they spawn (machines/collections/slots.ts); one that is
 * looked at is called after what it is about: `association.b.example` and not `association.3`.
 */
const NUMBERED = /^(\w+)\.\d+$/;

/** `about` is the input of the child, or its context. */
export function childName(id: string, about: unknown): string {
  if (!id.includes('.')) return id;
  const kind = NUMBERED.exec(id)?.[1];
  if (kind === undefined || typeof about !== 'object' || about === null) return id;
  const { domain, from, to } = about as Readonly<Record<string, unknown>>; // looked at one by one
  if (typeof domain === 'string') return `${kind}.${domain}`;
  return typeof from === 'string' && typeof to === 'string' ? `${kind}.${from}>${to}` : id;
}
