import type { StandardSchemaV1 } from "@standard-schema/spec";

type IsAny<T> = 0 extends 1 & T ? true : false;
type IsUnknown<T> = IsAny<T> extends true ? false : unknown extends T ? true : false;
type Leaf = string | number | boolean | null;
type UnsafeKind<T> = T extends Date
  ? "a Date"
  : T extends bigint
    ? "a bigint"
    : T extends symbol
      ? "a symbol"
      : T extends (...args: never) => unknown
        ? "a function"
        : T extends ReadonlyMap<unknown, unknown>
          ? "a Map"
          : T extends ReadonlySet<unknown>
            ? "a Set"
            : T extends RegExp
              ? "a RegExp"
              : T extends ArrayBufferView | ArrayBuffer
                ? "binary data"
                : T extends Promise<unknown>
                  ? "a Promise"
                  : T extends void
                    ? "undefined"
                    : T extends { readonly href: string; readonly searchParams: unknown }
                      ? "a URL"
                      : never;

/** One message per path at which a T does not survive a round trip through JSON; `never` if all of it does. */
type JsonProblems<T, Path extends string, Depth extends unknown[] = []> =
  IsAny<T> extends true
    ? never
    : IsUnknown<T> extends true
      ? never
      : Depth["length"] extends 8
        ? never
        : T extends Leaf
          ? never
          : [UnsafeKind<T>] extends [never]
            ? T extends readonly (infer E)[]
              ? JsonProblems<E, `${Path}[]`, [...Depth, 1]>
              : T extends object
                ? {
                    [K in keyof T & string]-?: JsonProblems<
                      object extends Pick<T, K> ? Exclude<T[K], undefined> : T[K],
                      `${Path}.${K}`,
                      [...Depth, 1]
                    >;
                  }[keyof T & string]
                : never
            : `${Path} is ${UnsafeKind<T>}, which JSON cannot carry: take a string or number and transform it in the validator`;

declare const problem: unique symbol;
/** A type that no validator has. Its type argument is the reason, for the compiler's message. */
interface NotJsonSafe<Problem> {
  readonly [problem]: Problem;
}

/** `unknown` if a validator's input survives a round trip through JSON, otherwise a type that no validator matches. */
export type JsonSafeInput<S extends StandardSchemaV1, Label extends string> = [
  JsonProblems<StandardSchemaV1.InferInput<S>, Label>,
] extends [never]
  ? unknown
  : NotJsonSafe<JsonProblems<StandardSchemaV1.InferInput<S>, Label>>;
