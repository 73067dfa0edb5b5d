import * as v from "valibot";

/** The environment variables that the worker needs. */
export const { DATABASE_URL, SMTP_URL, INVOICE_DIR } = v.parse(
  v.object({
    DATABASE_URL: v.string("set DATABASE_URL to a PostgreSQL connection string"),
    SMTP_URL: v.string("set SMTP_URL to the mail server, such as smtp://localhost:25"),
    INVOICE_DIR: v.string("set INVOICE_DIR to a folder for the PDF files"),
  }),
  process.env,
);
