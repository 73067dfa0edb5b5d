/**
 * Has `instanceof` recognise what the same class of another copy of this package made: a monorepo with two versions of
 * Drizzle has two copies, and what one of them throws is caught where the other one is imported. For a class's static block.
 *
 * @param name what the class is called in all copies: a minifier renames classes
 */
export function recognizeAcrossCopies(type: abstract new (...args: never[]) => object, name: string): void {
  const brand = Symbol.for(`soniq-drizzle.${name}`);
  Object.defineProperty(type.prototype, brand, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // An application's subclass inherits this function, but its instances are others.
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && brand in value;
    },
  });
}
