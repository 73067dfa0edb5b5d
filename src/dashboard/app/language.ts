// Imported first, because uPlot reads `navigator.language` while it loads. A browser that was started without a language
// reports an invalid one (`en-US@posix`), which makes `Intl` throw.
try {
  Intl.NumberFormat.supportedLocalesOf(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en" });
}
