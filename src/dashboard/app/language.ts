// Imported before all else: charts ask for the browser's language as they are loaded, and one that is started without a
// language has a name for that which is none (`en-US@posix`).
try {
  Intl.NumberFormat.supportedLocalesOf(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en" });
}
