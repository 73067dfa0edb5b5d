type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless both types are the same: `equal<A, B>(true)`. */
export function equal<A, B>(_same: Same<A, B>): void {}
