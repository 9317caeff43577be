/** Puts values into `{name}` places of a text. */
export type Fill = Record<string, string | number>;

export function fill(text: string, values?: Fill): string {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}
