/**
 * Copies a text to the clipboard. Over plain HTTP, browsers offer `navigator.clipboard` only on localhost. On other hosts,
 * `execCommand` copies the selection of a hidden text area.
 */
export async function copyText(text: string): Promise<void> {
  if ((navigator as Partial<Navigator>).clipboard) return navigator.clipboard.writeText(text);
  const focusedElement = document.activeElement;
  const textArea = document.createElement("textarea");
  textArea.className = "visually-hidden";
  textArea.value = text;
  document.body.append(textArea);
  textArea.select();
  const isCopied = document.execCommand("copy");
  textArea.remove();
  if (focusedElement instanceof HTMLElement) focusedElement.focus();
  if (!isCopied) throw new Error("The browser refused to copy the text.");
}
