/** An answer of the server that is no fragment of a page. */
export class FragmentError extends Error {
  readonly requestId: string | null;

  constructor(message: string, requestId: string | null) {
    super(message);
    this.name = 'FragmentError';
    this.requestId = requestId;
  }
}

/**
 * Fetches a part of a page, as nodes that are not in the document yet.
 *
 * What the server writes is escaped by it; scripts in it would not run.
 */
export async function fetchFragment(url: string, signal?: AbortSignal): Promise<DocumentFragment> {
  const response = await fetch(url, {
    headers: { accept: 'text/html' },
    ...(signal ? { signal } : {}),
  });
  const requestId = response.headers.get('x-request-id');
  if (!response.ok) throw new FragmentError(`status ${response.status}`, requestId);
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('text/html')) throw new FragmentError(`content-type '${type}'`, requestId);
  const template = document.createElement('template');
  template.innerHTML = await response.text();
  return template.content;
}

/** Whether a request failed because it was given up for a newer one. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
