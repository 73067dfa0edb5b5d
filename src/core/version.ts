/** The version of this package. It is a constant, because a bundled application has no package.json to read it from. */
export const version = "0.1.0";
