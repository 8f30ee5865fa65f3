/** What a view knows of the outside: values that Python computed, and a way to say what a person did. */
export interface ViewModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save(): void;
  /** Calls back on each change; returns how to stop. */
  on(name: string, callback: () => void): () => void;
}

/** One piece of a picture; `svg` is drawn at its own origin and put at (x, y). */
export interface Part {
  id: string;
  layer: 'ground' | 'line' | 'object';
  svg: string;
  x: number;
  y: number;
  key?: string;
  label?: string;
  level?: string;
  source?: string;
  target?: string;
}

export interface Picture {
  width: number;
  height: number;
  sentence: string;
  meta: string[];
  style: string;
  arrows: string;
  legend: [string, string][];
  parts: Part[];
}

/** The picture in a value from Python, or null where there is none yet. */
export function asPicture(value: unknown): Picture | null {
  const found = value as Partial<Picture> | null;
  return found && Array.isArray(found.parts) && typeof found.width === 'number' ? (found as Picture) : null;
}

/** The strings in a value from Python. */
export function asStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

/** Rows of (label, text) in a value from Python. */
export function asRows(value: unknown): [string, string][] {
  return Array.isArray(value)
    ? value.filter((r): r is [string, string] => Array.isArray(r) && r.length === 2)
    : [];
}
