/** Copies a text. Over plain HTTP, browsers offer `navigator.clipboard` on pages of this machine alone. */
export async function copyText(text: string): Promise<void> {
  if ((navigator as Partial<Navigator>).clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "unseen";
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!isCopied) throw new Error("The browser refused to copy.");
}
