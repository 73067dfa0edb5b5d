/** The version of this package: a constant, since a bundle has no package.json to look it up in. */
export const version = "0.1.0";
