// pdfkit writes one font at a time, and always from left to right. Customers' names need several fonts and directions.
import { fileURLToPath } from "node:url";
import { type Font, openSync } from "fontkit";

/** The first has Latin, Greek, Cyrillic, Hebrew and Arabic; the second Japanese and much of Chinese. */
const fonts = [
  import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
  import.meta.resolve("@expo-google-fonts/kosugi/Kosugi_400Regular.ttf"),
].map((url) => openSync(fileURLToPath(url)) as Font);

interface Run {
  readonly text: string;
  readonly font: number;
  readonly rightToLeft: boolean;
}

interface Position {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly align?: "left" | "right";
}

/**
 * Writes text at a position, wrapped to its width, each character in the first font that has it.
 * Characters that no font has (Korean, Thai, most emoji) become �.
 *
 * @returns the y below the text
 */
export function writeText(doc: PDFKit.PDFDocument, text: string, { x, y, ...layout }: Position): number {
  const runs = runsOf(text);
  runs.forEach((run, at) => {
    // Parsed fonts are shared by all invoices. pdfkit accepts them, although its published types do not.
    doc.font(fonts[run.font] as unknown as PDFKit.Mixins.PDFFontSource);
    const options = {
      ...layout,
      continued: at < runs.length - 1,
      // Otherwise pdfkit lays out each word by itself, and the words are in the wrong order.
      ...(run.rightToLeft && { features: [] }),
    };
    if (at === 0) doc.text(run.text, x, y, options);
    else doc.text(run.text, options);
  });
  return doc.y;
}

const word = String.raw`[\p{Script=Hebrew}\p{Script=Arabic}][\p{Script=Hebrew}\p{Script=Arabic}\p{M}]*`;
const rightToLeftWords = new RegExp(String.raw`(${word}(?:[\p{Z}\p{Po}\p{Pd}]+${word})*)`, "u");

const graphemes = new Intl.Segmenter();

/** Splits text where its font or its direction changes. */
function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  for (const [at, part] of text.split(rightToLeftWords).entries()) {
    const rightToLeft = at % 2 === 1;
    for (const { segment } of graphemes.segment(part)) {
      const covering = fonts.findIndex((font) => covers(font, segment));
      const font = Math.max(covering, 0);
      const written = covering === -1 ? "�" : segment;
      const last = runs.at(-1);
      if (last?.font === font && last.rightToLeft === rightToLeft) {
        runs[runs.length - 1] = { ...last, text: last.text + written };
      } else {
        runs.push({ text: written, font, rightToLeft });
      }
    }
  }
  return runs;
}

function covers(font: Font, grapheme: string): boolean {
  return [...grapheme].every((character) => font.hasGlyphForCodePoint(character.codePointAt(0) as number));
}
