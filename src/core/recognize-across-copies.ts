/**
 * Makes `instanceof` recognize instances that another copy of this package created. A monorepo with two versions of Drizzle
 * installs two copies, and an error that one copy throws is caught by code that imports the other. Call it in the class's static
 * block.
 *
 * @param name the name of the class in all copies; the class's own `name` will not do, because minifiers change it
 */
export function recognizeAcrossCopies(type: abstract new (...args: never[]) => object, name: string): void {
  const brand = Symbol.for(`soniq-drizzle.${name}`);
  Object.defineProperty(type.prototype, brand, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // An application's subclass inherits this function, but the brand would match instances of the base class, too.
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && brand in value;
    },
  });
}
