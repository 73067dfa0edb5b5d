import * as v from "valibot";

const text = (what: string, maxLength: number) =>
  v.pipe(
    v.string(),
    // Also keeps a line break out of the mail's headers.
    v.transform((value) => value.trim().replace(/\s+/gu, " ")),
    v.nonEmpty(`no ${what}`),
    v.maxLength(maxLength, `the ${what} is longer than ${maxLength} characters`),
    // PostgreSQL accepts no NUL, and bytes that are not UTF-8 become �.
    v.regex(/^[^\p{Cc}\uFFFD]*$/u, `the ${what} has unreadable characters`),
  );

/** Validates one line of an orders file, and converts its texts into the values that the schema stores. */
export const OrderLine = v.pipe(
  v.object({
    order: text("order number", 40),
    customer: text("customer", 200),
    email: v.pipe(text("e-mail address", 200), v.rfcEmail("the e-mail address is not valid")),
    currency: v.picklist(Intl.supportedValuesOf("currency"), "the currency is unknown"),
    item: text("item", 200),
    quantity: v.pipe(
      v.string(),
      v.regex(/^0*[1-9]\d{0,4}$/, "the quantity is not a number from 1 to 99999"),
      v.toNumber(),
    ),
    unit_price: v.string(),
  }),
  v.check(
    ({ unit_price, currency }) => isPrice(unit_price, currency),
    "the price is not a valid amount in this currency",
  ),
  v.transform(({ order, unit_price, ...line }) => ({ ...line, number: order, unitPrice: unit_price })),
);

/** Accepts plain decimal notation, with at most as many decimals as the currency has: two for EUR, none for JPY, three for KWD. */
function isPrice(value: string, currency: string): boolean {
  const { maximumFractionDigits } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  const decimals = /^\d{1,8}(?:\.(\d+))?$/.exec(value);
  return decimals !== null && (decimals[1] ?? "").length <= (maximumFractionDigits ?? 0);
}
