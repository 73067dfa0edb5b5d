/** What a file of this YAML can hold. */
export type Yaml = string | number | boolean | { [key: string]: Yaml } | Yaml[];

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

/**
 * Reads the YAML that our examples are written in: maps, lists, plain scalars, JSON for the rest. Strict: what it does not
 * know, such as anchors, text blocks or a key that comes twice, is an error.
 */
export function readYaml(source: string): Yaml {
  const lines = source.split("\n").flatMap((line, i): Line[] => {
    if (/^\s*(#.*)?$/.test(line)) return [];
    const text = line.trimStart();
    return [{ indent: line.length - text.length, text, number: i + 1 }];
  });
  const value = block(lines, lines[0]?.indent ?? 0);
  if (lines.length > 0) fail(lines[0] as Line, "is indented like nothing before it");
  return value;
}

/** The map or list of that indentation that the lines begin with; takes them away. */
function block(lines: Line[], indent: number): Yaml {
  return lines[0]?.text.startsWith("- ") ? list(lines, indent) : map(lines, indent);
}

function list(lines: Line[], indent: number): Yaml[] {
  const items: Yaml[] = [];
  while (lines[0]?.indent === indent && lines[0].text.startsWith("- ")) {
    const { text, number } = lines[0];
    const rest = { indent: indent + 2, text: text.slice(2), number };
    if (isEntry(rest)) {
      lines[0] = rest;
      items.push(map(lines, rest.indent));
    } else {
      lines.shift();
      items.push(scalar(rest));
    }
  }
  return items;
}

function map(lines: Line[], indent: number): Yaml {
  const entries: { [key: string]: Yaml } = {};
  while (lines[0]?.indent === indent && isEntry(lines[0])) {
    const line = lines.shift() as Line;
    const [, key = "", rest = ""] = entry.exec(line.text) ?? [];
    if (key in entries) fail(line, "repeats a key");
    const next = lines[0];
    if (rest !== "") entries[key] = scalar({ ...line, text: rest });
    else if (next && next.indent > indent) entries[key] = block(lines, next.indent);
    else fail(line, "has no value");
  }
  if (Object.keys(entries).length === 0) fail(lines[0] as Line, "is no entry");
  return entries;
}

const entry = /^([\w./-]+):(?: +(.+)|)$/;
const isEntry = ({ text }: Line) => entry.test(text);

function scalar(line: Line): Yaml {
  const { text } = line;
  if (/^["[{]/.test(text)) return JSON.parse(text) as Yaml;
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  // What YAML would take for something else than text, in one version or another.
  if (!/^[\w/.]/.test(text) || /: |\s#|^(null|yes|no|on|off)$/i.test(text)) fail(line, "must be quoted");
  return text;
}

function fail({ number, text }: Line, problem: string): never {
  throw new Error(`line ${number} ${problem}: ${text}`);
}
