import type { APIRequestContext } from '@playwright/test';

/** A row of the anchors table, as the API gives it. */
export interface AnchorRow {
  anchor: string;
  backlinks: number;
  refpages: number;
  refdomains: number;
  first_seen: string;
  last_visited: string;
}

/** An answer of the anchors table. */
export interface Anchors {
  anchors: AnchorRow[];
  stats: { backlinks: number; refpages: number };
}

/** Asks the API, which the pages must agree with. */
export async function ask<Answer>(
  request: APIRequestContext,
  parameters: Record<string, string>,
): Promise<Answer> {
  const response = await request.get('/', { params: parameters });
  if (!response.ok()) throw new Error(await response.text());
  return (await response.json()) as Answer;
}
