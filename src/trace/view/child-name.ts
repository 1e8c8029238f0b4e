/**
 * The name of a child in an actor path. Charts number the children that they spawn (machines/collections/slots.ts);
 * views name them after their subject: `association.b.example`, not `association.3`.
 */
const NUMBERED = /^(\w+)\.\d+$/;

/** `about` is the input of the child, or its context. */
export function childName(id: string, about: unknown): string {
  if (!id.includes('.')) return id;
  const kind = NUMBERED.exec(id)?.[1];
  if (kind === undefined || typeof about !== 'object' || about === null) return id;
  const { domain, from, to } = about as Readonly<Record<string, unknown>>; // each field is checked
  if (typeof domain === 'string') return `${kind}.${domain}`;
  return typeof from === 'string' && typeof to === 'string' ? `${kind}.${from}>${to}` : id;
}
